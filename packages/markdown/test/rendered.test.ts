// What React really renders, compared with the HTML of the specifications after both are brought to one form: our frames and
// classes taken away, and the specification's links and images put through the rules for addresses.
import { isDeepStrictEqual } from "node:util";
import { type DefaultTreeAdapterMap, parseFragment } from "parse5";
import { createElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { expect, test } from "vitest";
import { createDocument } from "../src/document.ts";
import { Markdown } from "../src/Markdown.tsx";
import { safeAddress } from "../src/view/address.ts";
import { awkward, commonmark, gfm } from "./examples.ts";

type HtmlNode = DefaultTreeAdapterMap["childNode"];
type HtmlElement = DefaultTreeAdapterMap["element"];
type Parent = DefaultTreeAdapterMap["parentNode"];

/** An element as [name, attributes, ...children]; text as a string. */
type Form = string | readonly [string, Record<string, string>, ...Form[]];

/** Examples with raw HTML, which the specification passes through and we show as text: section and numbers. */
const RAW_HTML: Readonly<Record<string, readonly number[]>> = {
  "Backslash escapes": [21],
  "Entity and numeric character references": [31],
  "HTML blocks": Array.from({ length: 44 }, (_, i) => 148 + i),
  "Link reference definitions": [201],
  Lists: [308, 309],
  "Code spans": [344],
  "Emphasis and strong emphasis": [475, 476, 477],
  Links: [491, 494, 524, 536],
  "Raw HTML": [613, 614, 615, 616, 617, 623, 625, 626, 627, 628, 629, 630, 631],
  "Hard line breaks": [642, 643],
};

/** Examples that differ for a reason given in the conformance test or here. */
const OTHER = new Set([
  // A backslash in an address is a slash to the URL standard.
  "Autolinks 603",
  // The box of a task stands before its first paragraph, not in it.
  "tasks loose",
  "Entity and numeric character references 25",
  "Autolinks 602",
  "Autolinks 606",
  "Autolinks 608",
  "Autolinks 611",
  "Autolinks 612",
]);

const BLOCK = new Set(["p", "ul", "ol", "li", "blockquote", "pre", "table", "thead", "tbody", "tr", "th", "td", "hr", "h1", "h2", "h3", "h4", "h5", "h6"]);

const attributes = (node: HtmlElement) => Object.fromEntries(node.attrs.map((a) => [a.name, a.value]));

/** The specification encodes some characters that the URL standard leaves alone. */
const decodeMarks = (url: string) => url.replace(/%5[BCD]/g, decodeURIComponent);

function textOf(node: HtmlNode): string {
  if (node.nodeName === "#text") return (node as DefaultTreeAdapterMap["textNode"]).value;
  return "childNodes" in node ? node.childNodes.map(textOf).join("") : "";
}

function find(node: Parent, name: string): HtmlElement | undefined {
  for (const child of node.childNodes) {
    if (!("tagName" in child)) continue;
    if (child.tagName === name) return child;
    const inner = find(child, name);
    if (inner) return inner;
  }
  return undefined;
}

function forms(parent: Parent, inLink: boolean): Form[] {
  return parent.childNodes.flatMap((node) => form(node, inLink));
}

function form(node: HtmlNode, inLink: boolean): Form[] {
  if (node.nodeName === "#text") return [textOf(node)];
  if (!("tagName" in node)) return [`<${node.nodeName}>`];
  const given = attributes(node);
  const classes = (given["class"] ?? "").split(" ");
  const heading = classes.map((name) => /^md-(h[1-6])$/.exec(name)?.[1]).find(Boolean);
  // The host after misleading words has tests of its own.
  if (classes.includes("md-place")) return [];
  if (classes.includes("md") || classes.includes("md-tight") || classes.includes("md-table")) return forms(node, inLink);
  if (classes.includes("md-image")) return [["image", given["href"] ? { href: given["href"] } : {}, textOf(node)]];
  if (node.tagName === "img") {
    const address = safeAddress(given["src"] ?? "");
    const words = `Image${given["alt"]?.trim() ? `: ${given["alt"]}` : ""}${address ? ` (${address.place})` : ""}`;
    return [["image", address && !inLink ? { href: address.url } : {}, words]];
  }
  if (node.tagName === "figure") {
    const pre = find(node, "pre");
    const name = given["class"] === "md-code" ? textOf(find(node, "figcaption") as HtmlElement).replace("Copy", "") : "";
    return [["pre", {}, ["code", name ? { class: `language-${name}` } : {}, textOf(pre as HtmlElement).replace(/^\n$/, "")]]];
  }
  if (node.tagName === "pre") {
    const code = find(node, "code");
    const language = code ? attributes(code)["class"] : undefined;
    return [["pre", {}, ["code", language ? { class: language } : {}, textOf(node)]]];
  }
  if (node.tagName === "a") {
    const address = safeAddress(given["href"] ?? "");
    const inner = forms(node, true);
    if (!address) return inner;
    return [["a", { href: decodeMarks(address.url) }, ...(textOf(node).trim() === "" && !find(node, "img") ? [address.place] : inner)]];
  }
  const kept: Record<string, string> = {};
  if (given["start"]) kept["start"] = given["start"];
  if (node.tagName === "input") Object.assign(kept, { type: "checkbox" }, "checked" in given ? { checked: "" } : {});
  const align = given["align"] ?? /md-(left|center|right)/.exec(given["class"] ?? "")?.[1];
  if (align) kept["align"] = align;
  return [[heading ?? node.tagName, kept, ...forms(node, inLink)]];
}

/** Joins texts and drops the white space that HTML does not show. */
function tidy(parts: readonly Form[], inBlock: boolean): Form[] {
  const out: Form[] = [];
  for (const part of parts) {
    const last = out.at(-1);
    if (typeof part !== "string") {
      const [name, given, ...children] = part;
      out.push([name, given, ...(name === "pre" ? children : tidy(children, BLOCK.has(name)))]);
    } else if (typeof last === "string") out[out.length - 1] = last + part;
    else out.push(part);
  }
  const isBlock = (part: Form | undefined) => part === undefined || (typeof part !== "string" && (BLOCK.has(part[0]) || part[0] === "br" || part[0] === "input"));
  return out.flatMap((part, i): Form[] => {
    if (typeof part !== "string") return [part];
    let text = part.replace(/[ \t]*\n[ \t]*/g, "\n");
    if (inBlock || i > 0 ? isBlock(out[i - 1]) : false) text = text.replace(/^[ \n]+/, "");
    if (inBlock || i < out.length - 1 ? isBlock(out[i + 1]) : false) text = text.replace(/[ \n]+$/, "");
    return text === "" ? [] : [text];
  });
}

const canonical = (html: string) => tidy(forms(parseFragment(html), false), true);
const render = (text: string, streaming = false) =>
  renderToStaticMarkup(createElement(Markdown, { text, streaming, labels: { code: "" } }));

const hasRawHtml = (name: string) => RAW_HTML[name.replace(/ \d+$/, "")]?.includes(Number(/\d+$/.exec(name)?.[0])) ?? false;

for (const example of [...commonmark, ...gfm].filter((each) => !hasRawHtml(each.name))) {
  test(example.name, () => {
    const ours = canonical(render(example.markdown));
    const theirs = canonical(example.html);
    if (OTHER.has(example.name)) expect(ours).not.toEqual(theirs);
    else expect(ours).toEqual(theirs);
  });
}

const showsHtml = (tree: unknown): boolean => JSON.stringify(tree).includes('"kind":"html"');

test("every example left out has raw HTML", () => {
  for (const { name, markdown } of commonmark) {
    expect(showsHtml(createDocument(markdown).blocks), name).toBe(hasRawHtml(name));
  }
});

test("raw HTML is shown as it was written", () => {
  expect(render("a <b>c</b>\n\n<div>\n*x*\n</div>")).toContain("a &lt;b&gt;c&lt;/b&gt;");
  expect(render("<div>\n*x*\n</div>")).toContain("&lt;div&gt;\n*x*\n&lt;/div&gt;");
});

test("the caret stands after the last character and changes nothing else", () => {
  let compared = 0;
  for (const text of [...commonmark.map((e) => e.markdown), ...gfm.map((e) => e.markdown), ...awkward]) {
    const still = render(text);
    const moving = render(text, true);
    const caret = '<span class="md-caret" aria-hidden="true"></span>';
    expect(moving.split(caret).length).toBeLessThanOrEqual(2);
    // A thematic break and an empty text have no last character.
    const none = /<hr class="md-rule"\/>(?:<\/blockquote>|<\/li>|<\/[uo]l>|<\/div>)*$/.test(still) || still === '<div class="md"></div>' || /<blockquote[^>]*><\/blockquote>(?:<\/\w+>)*$/.test(still);
    if (!none) expect(moving, text).toContain(caret);
    // Where an unfinished marker at the end is shown as if finished, the words around the caret differ on purpose.
    const arriving = createDocument();
    arriving.replace(text, true);
    if (isDeepStrictEqual(arriving.blocks, createDocument(text).blocks)) {
      expect(moving.replace(caret, "")).toBe(still);
      compared++;
    }
  }
  expect(compared).toBeGreaterThan(620);
});

test("headings follow each other without gaps", () => {
  const levels = (text: string) => [...render(text).matchAll(/<(h\d) class="md-(h\d)"/g)].map((m) => `${m[1]}/${m[2]}`);
  expect(levels("## a\n\n#### b\n\n## c\n\n# d\n\n## e\n")).toEqual(["h3/h2", "h4/h4", "h3/h2", "h3/h1", "h4/h2"]);
  expect(render("> # quoted")).toContain('<p class="md-h1"');
});
