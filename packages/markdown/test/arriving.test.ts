// While text arrives its end is shown as it will most likely be; once it has arrived nothing of that is left.
import fc from "fast-check";
import { expect, test } from "vitest";
import { createDocument } from "../src/document.ts";
import { awkward, commonmark, gfm } from "./examples.ts";
import { holds } from "./kept.ts";
import { specHtml } from "./spec-html.ts";

function arriving(text: string): string {
  const document = createDocument();
  document.replace(text, true);
  return specHtml(document.blocks).trim();
}

test.each([
  ["a *", "<p>a </p>"],
  ["a **", "<p>a </p>"],
  ["a **b", "<p>a <strong>b</strong></p>"],
  ["a **b*", "<p>a <strong>b</strong></p>"],
  ["a **b**", "<p>a <strong>b</strong></p>"],
  ["a *b", "<p>a <em>b</em></p>"],
  ["a ***b", "<p>a <em><strong>b</strong></em></p>"],
  ["a **b *c", "<p>a <strong>b <em>c</em></strong></p>"],
  ["a ~~b", "<p>a <del>b</del></p>"],
  ["a ~~b~", "<p>a <del>b</del></p>"],
  ["a `", "<p>a </p>"],
  ["a `b", "<p>a <code>b</code></p>"],
  ["a `b`", "<p>a <code>b</code></p>"],
  ["see [the notes](https://exa", "<p>see the notes</p>"],
  ["see [the notes](https://a.b)", '<p>see <a href="https://a.b">the notes</a></p>'],
  ["see ![a chart](https://exa", "<p>see </p>"],
  ["text\n-", "<p>text</p>"],
  ["text\n- a\n-", "<p>text</p>\n<ul>\n<li>a</li>\n</ul>"],
  ["text\n- **a", "<p>text</p>\n<ul>\n<li><strong>a</strong></li>\n</ul>"],
  ["text\n1", "<p>text</p>"],
  ["text\n##", "<p>text</p>"],
  ["text\n``", "<p>text</p>"],
  ["text\n```", "<p>text</p>\n<pre><code></code></pre>"],
  ["| a |\n| -", "<p>| a |</p>"],
  ["2 * 3 and a_b", "<p>2 * 3 and a_b</p>"],
  ["done **b** c", "<p>done <strong>b</strong> c</p>"],
  ["an old ** stays\n\nnew **b", "<p>an old ** stays</p>\n<p>new <strong>b</strong></p>"],
])("%j", (text, html) => {
  expect(arriving(text)).toBe(html);
});

test("nothing of it is left when the text has arrived", () => {
  const texts = [...commonmark, ...gfm].map((e) => e.markdown);
  const joined = fc.array(fc.constantFrom(...texts, ...awkward), { minLength: 1, maxLength: 5 }).map((parts) => parts.join("\n"));
  const property = fc.property(joined, fc.array(fc.integer({ min: 0, max: 2 ** 20 }).map((n) => n / 2 ** 20), { maxLength: 20, size: "max" }), (text, cuts) => {
    const document = createDocument();
    for (const cut of cuts.sort((a, b) => a - b)) document.replace(text.slice(0, Math.floor(cut * text.length)), true);
    document.replace(text, true);
    document.replace(text);
    const whole = createDocument(text);
    expect(document.blocks).toEqual(whole.blocks);
    expect(document.ends).toEqual(whole.ends);
  });
  holds("arrived", property, { numRuns: 1500 });
});
