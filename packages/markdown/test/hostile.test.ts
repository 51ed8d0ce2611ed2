// Texts made to be slow. Every one of them is read in time that grows with its length, not with its square, and what is nested
// without end does not nest the page without end.
import { createElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { expect, test } from "vitest";
import { createDocument } from "../src/document.ts";
import { Markdown } from "../src/Markdown.tsx";

const HOSTILE: Readonly<Record<string, (n: number) => string>> = {
  brackets: (n) => "[".repeat(n),
  "closed brackets": (n) => "[".repeat(n / 2) + "]".repeat(n / 2),
  "links without end": (n) => "[a](b".repeat(n / 5),
  "links with open titles": (n) => '[a](b "'.repeat(n / 7),
  "images without end": (n) => "![a](".repeat(n / 5),
  emphasis: (n) => "*a _b ".repeat(n / 6),
  "emphasis both ways": (n) => "a**b_c*".repeat(n / 7),
  "nested emphasis": (n) => "*a ".repeat(n / 6) + "a* ".repeat(n / 6),
  tildes: (n) => "~a ~~b ".repeat(n / 7),
  ticks: (n) => Array.from({ length: 300 }, (_, i) => "`".repeat((i % 99) + 1)).join("a").slice(0, n).repeat(Math.ceil(n / 15000)),
  tags: (n) => "<a b='".repeat(n / 6),
  comments: (n) => "a <!-- ".repeat(n / 7),
  instructions: (n) => "a <? <![CDATA[ <!A ".repeat(n / 19),
  references: (n) => "&a".repeat(n / 2),
  mail: (n) => "a.b-".repeat(n / 4) + "@",
  "mail without host": (n) => "a@".repeat(n / 2),
  addresses: (n) => "https://a.b/(".repeat(n / 13),
  blanks: (n) => `# a${" ".repeat(n)}b`,
  "blanks in text": (n) => `a${" ".repeat(n)}b\nc`,
  quotes: (n) => ">".repeat(n),
  lists: (n) => "- ".repeat(n / 2),
  "numbered lists": (n) => "1. ".repeat(n / 3),
  "deep lists": (n) => Array.from({ length: Math.floor(Math.sqrt(n)) }, (_, i) => `${"  ".repeat(i)}- a\n`).join(""),
  definitions: (n) => "[a]: b\n".repeat(n / 7),
  "open definition": (n) => `[a]: b '${"c\n".repeat(n / 2)}`,
  "labels without end": (n) => "[a\\]".repeat(n / 4),
  pipes: (n) => `${"|".repeat(n / 2)}\n${"|-".repeat(n / 4)}\n`,
  fences: (n) => "```\n~~~\n".repeat(n / 8),
  underlines: (n) => "a\n=\n".repeat(n / 4),
};

for (const [name, make] of Object.entries(HOSTILE)) {
  test(name, () => {
    // The best of three: other work on the machine only ever makes it slower.
    const seconds = (text: string) => {
      const times = [0, 1, 2].map(() => {
        const start = performance.now();
        createDocument(text);
        return (performance.now() - start) / 1000;
      });
      return Math.min(...times);
    };
    const short = seconds(make(20_000));
    const long = seconds(make(80_000));
    // Four times the length may take ten times as long (noise), or half a second whatever the ratio.
    expect(long < Math.max(short * 10, 0.5), `${short} s, then ${long} s`).toBe(true);
    const html = renderToStaticMarkup(createElement(Markdown, { text: make(20_000) }));
    let depth = 0;
    let deepest = 0;
    for (const [tag] of html.matchAll(/<\/?(?!br|hr|input)[a-z]/g)) deepest = Math.max(deepest, (depth += tag.startsWith("</") ? -1 : 1));
    expect(deepest).toBeLessThan(200);
  });
}
