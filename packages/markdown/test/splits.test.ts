// The property the package stands on: whatever pieces a text arrives in, the tree is that of the whole text – at the end, and at
// every moment before for the text so far.
import fc from "fast-check";
import { expect, test } from "vitest";
import { createDocument, type MarkdownDocument } from "../src/document.ts";
import { scanInline } from "../src/parse/inline.ts";
import { readInline } from "../src/parse/windows.ts";
import { plainText } from "../src/tree.ts";
import { awkward, commonmark, gfm } from "./examples.ts";
import { holds } from "./kept.ts";

const texts = [...commonmark.map((e) => e.markdown), ...gfm.map((e) => e.markdown), ...awkward];
const RUNS = Number(process.env["SPLIT_RUNS"] ?? 1500);

function feed(document: MarkdownDocument, text: string, cuts: readonly number[], each?: (so: string) => void): void {
  let from = 0;
  for (const cut of [...cuts].map((c) => Math.floor(c * text.length)).sort((a, b) => a - b)) {
    document.append(text.slice(from, cut));
    each?.(text.slice(0, cut));
    from = cut;
  }
  document.append(text.slice(from));
}

// Places as parts of the length. Not doubles: those of fast-check crowd near zero.
const place = fc.integer({ min: 0, max: 2 ** 20 }).map((n) => n / 2 ** 20);
const cuts = fc.array(place, { minLength: 1, maxLength: 24, size: "max" });
const joined = fc
  .array(fc.tuple(fc.constantFrom(...texts), fc.constantFrom("", "\n", "\n\n", "\r\n", " ", "- ", "> ", "  ")), { minLength: 1, maxLength: 6, size: "max" })
  .map((parts) => parts.map(([text, glue]) => text + glue).join(""));

/** Random rows of the characters Markdown cares about. */
const noise = fc
  .array(fc.constantFrom("a", "b ", " ", "  ", "\n", "\n\n", "\r\n", "\t", "*", "**", "_", "~~", "`", "```", "[", "]", "(", ")", "![", "[a]", "[a]: /u", ":", "<", ">", "> ", "- ", "1. ", "#", "# ", "=", "---", "|", "| - |", "\\", "&amp;", "<b>", "<!--", "-->", "https://a.b", "www.a.b", "x@y.z", "😀"), { maxLength: 40, size: "max" })
  .map((parts) => parts.join(""));

function check(text: string, at: readonly number[]): void {
  const document = createDocument();
  feed(document, text, at);
  const whole = createDocument(text);
  expect(document.blocks).toEqual(whole.blocks);
  expect(document.ends).toEqual(whole.ends);
  expect(document.text).toBe(text);
}

test("every example, character by character, at every moment", () => {
  for (const text of texts) {
    const document = createDocument();
    for (let i = 0; i < text.length; i++) {
      document.append(text.charAt(i));
      expect(document.blocks, JSON.stringify(text.slice(0, i + 1))).toEqual(createDocument(text.slice(0, i + 1)).blocks);
    }
  }
});

test("every example cut in two at every place", () => {
  for (const text of texts) {
    const whole = createDocument(text).blocks;
    for (let i = 1; i < text.length; i++) {
      const document = createDocument(text.slice(0, i));
      document.append(text.slice(i));
      expect(document.blocks).toEqual(whole);
    }
  }
});

test("joined examples in random pieces", () => {
  holds("joined-in-pieces", fc.property(joined, cuts, check), { numRuns: RUNS });
});

test("random markup in random pieces", () => {
  holds("noise-in-pieces", fc.property(noise, cuts, check), { numRuns: RUNS });
});

test("joined examples at every moment", () => {
  const property = fc.property(joined, cuts, (text, at) => {
    const document = createDocument();
    feed(document, text, at, (so) => expect(document.blocks).toEqual(createDocument(so).blocks));
  });
  holds("joined-at-every-moment", property, { numRuns: Math.ceil(RUNS / 4) });
});

test("long paragraphs, which are read in segments", () => {
  const long = fc
    .array(fc.constantFrom("word ", "*soft* ", "**strong text** ", "`code` ", "[link](https://a.b) ", "[ref] ", "open * ", "一二三四五", "https://a.b/c ", "line\n", "&amp; ", "😀 "), { minLength: 600, maxLength: 3000, size: "max" })
    .map((parts) => parts.join(""));
  const texts = fc.array(long, { minLength: 1, maxLength: 2 }).map((paragraphs) => [...paragraphs, "[ref]: https://r.r\n"].join("\n\n"));
  holds("long-paragraphs", fc.property(texts, cuts, check), { numRuns: Math.ceil(RUNS / 30), endOnFailure: true });
});

test("long blocks, which are kept in pages and rows", () => {
  const line = fc.constantFrom("let a = 1;", "", "  indented", "| a | b |", "- item", "> quote", "text *soft*", "~~~");
  const prefix = fc.constantFrom(["", ""], ["> ", "> "], ["- ", "  "], ["1. - ", "     "]);
  const opening = fc.constantFrom("```js", "    code", "| a | b |\n| - | - |", "- item", "text");
  const long = fc.tuple(prefix, opening, fc.array(line, { minLength: 40, maxLength: 180, size: "max" })).map(([[first, next], open, lines]) =>
    [...open.split("\n"), ...lines].map((text, i) => (i === 0 ? first : next) + text).join("\n"),
  );
  holds("long-blocks", fc.property(long, cuts, check), { numRuns: Math.ceil(RUNS / 10), endOnFailure: true });
});

test("segments change nothing in text whose markup ends within a window", () => {
  const part = fc.constantFrom("word ", "*soft* ", "**strong text** ", "`code` ", "[link](https://a.b 'c') ", "2 \\* 3 ", "line\n", "&amp; ", "snake_case ", "https://a.b/c ");
  const long = fc.array(part, { minLength: 900, maxLength: 3000, size: "max" }).map((parts) => parts.join(""));
  const property = fc.property(long, (text) => {
    const none = () => undefined;
    expect(readInline(text, none, []).inline).toEqual(scanInline(text, none).inline);
  });
  // Shrinking a long text takes minutes and shows no more.
  holds("segments", property, { numRuns: Math.ceil(RUNS / 30), endOnFailure: true });
});

test("replacing the text is the same as starting with it", () => {
  const property = fc.property(joined, joined, (first, second) => {
    const document = createDocument(first);
    document.replace(second);
    expect(document.blocks).toEqual(createDocument(second).blocks);
  });
  holds("replaced", property, { numRuns: Math.ceil(RUNS / 4) });
});

test("a definition that arrives late reaches the blocks before it, and only those", () => {
  const document = createDocument("one [a]\n\ntwo\n\n- [a]\n\nthree\n\n");
  const before = document.blocks;
  document.append("[a]: https://x.y\n");
  expect(document.blocks).toEqual(createDocument(document.text).blocks);
  expect(JSON.stringify(document.blocks)).toContain("https://x.y");
  expect(document.blocks[1]).toBe(before[1]);
  expect(document.blocks[3]).toBe(before[3]);
  expect(document.blocks[0]).not.toBe(before[0]);
});

test("blocks before the last one keep their identity", () => {
  const document = createDocument("a\n\n- b\n- c\n\n```\nd\n```\n\ne");
  const before = document.blocks;
  document.append(" more\n\nf");
  expect(document.blocks.slice(0, 3).every((block, i) => block === before[i])).toBe(true);
});

test("ends say where each block stops", () => {
  const document = createDocument("a\r\nb\n\n# c\n\n- d\n\n  e\n\n\n```\nf\n```\ng");
  expect(document.ends.map((end, i) => document.text.slice(document.ends[i - 1] ?? 0, end).trim())).toEqual(["a\r\nb", "# c", "- d\n\n  e", "```\nf\n```", "g"]);
});

test("a definition reaches every segment of a long paragraph before it", () => {
  const text = `${"word [ref] and more words\n".repeat(600)}\n[ref]: https://r.r\n`;
  const document = createDocument();
  for (let at = 0; at < text.length; at += 500) document.append(text.slice(at, at + 500));
  expect(document.blocks).toEqual(createDocument(text).blocks);
  expect(JSON.stringify(document.blocks).split("https://r.r").length - 1).toBe(600);
});

test("the last line of a page may still grow", () => {
  const text = `\`\`\`\n${"let a = 1;\n".repeat(101)}`;
  const document = createDocument();
  for (const character of text) document.append(character);
  expect(document.blocks).toEqual(createDocument(text).blocks);
});

test("segments of one long paragraph are not taken for those of another", () => {
  const paragraphs = ["alpha beta ", "gamma delta "].map((words) => words.repeat(900).trim());
  for (const document of [createDocument(paragraphs.join("\n\n")), createDocument()]) {
    if (document.text === "") for (const character of paragraphs.join("\n\n").match(/.{1,97}|\n/g) ?? []) document.append(character);
    expect(document.blocks.map((block) => (block.kind === "paragraph" ? plainText(block.inline) : block.kind))).toEqual(paragraphs);
  }
});
