// The tree of every example is the one its specification asks for; what differs is listed here with the reason.
import { expect, test } from "vitest";
import { createDocument } from "../src/document.ts";
import { commonmark, gfm } from "./examples.ts";
import { specHtml } from "./spec-html.ts";

/** CommonMark examples that come out differently, on purpose. */
const EXCEPTIONS = new Map([
  ["Entity and numeric character references 25", "names that only HTML 5 has stay as written"],
  ["Autolinks 602", "a bare address is a link (GFM)"],
  ["Autolinks 606", "a bare mail address is a link (GFM)"],
  ["Autolinks 608", "a bare address is a link (GFM)"],
  ["Autolinks 611", "a bare address is a link (GFM)"],
  ["Autolinks 612", "a bare mail address is a link (GFM)"],
]);

test("the specification is there", () => {
  expect(commonmark.length).toBe(652);
  expect(gfm.length).toBeGreaterThan(40);
});

for (const example of [...commonmark, ...gfm]) {
  test(example.name, () => {
    const html = specHtml(createDocument(example.markdown).blocks);
    if (EXCEPTIONS.has(example.name)) expect(html).not.toBe(example.html);
    else expect(html).toBe(example.html);
  });
}
