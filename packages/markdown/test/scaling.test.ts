// The work of one update does not grow with the text: at 60,000 characters it is at most twice that at 5,000. Work is counted in
// characters read, which no slow machine can change.
import { expect, test } from "vitest";
import { PIECE, TEXTS } from "../bench/texts.ts";
import { createDocument } from "../src/document.ts";

/** Updates measured around each length: enough to meet every kind of block of a text. */
const UPDATES = 300;

/** Characters read per update around `length`: lines by the block parser, running text by the inline parser. */
function workAt(make: (length: number) => string, length: number): { lines: number; inline: number } {
  const text = make(length + UPDATES * PIECE);
  const document = createDocument(text.slice(0, length));
  const before = document.work;
  for (let at = length; at < text.length; at += PIECE) document.append(text.slice(at, at + PIECE));
  const after = document.work;
  return { lines: (after.lines - before.lines) / UPDATES, inline: (after.inline - before.inline) / UPDATES };
}

for (const [name, make] of Object.entries(TEXTS)) {
  test(name, () => {
    const short = workAt(make, 5000);
    const long = workAt(make, 60_000);
    expect(long.inline).toBeLessThanOrEqual(2 * short.inline + PIECE);
    // A line without end is looked at from its start each time (a comparison, no parsing): only its inline work is bounded.
    if (name !== "one line") expect(long.lines).toBeLessThanOrEqual(2 * short.lines);
    expect(long.inline).toBeLessThan(10_000);
  });
}

test("reading a whole text piece by piece costs a bounded multiple of its length", () => {
  const text = TEXTS["mixed"]?.(60_000) ?? "";
  const document = createDocument();
  for (let at = 0; at < text.length; at += PIECE) document.append(text.slice(at, at + PIECE));
  expect(document.work.inline + document.work.lines).toBeLessThan(12 * text.length);
});

test("an unchanged text costs nothing", () => {
  const text = TEXTS["mixed"]?.(20_000) ?? "";
  const document = createDocument(text);
  const { blocks, work } = document;
  document.replace(text);
  expect(document.blocks).toBe(blocks);
  expect(document.work).toEqual(work);
});
