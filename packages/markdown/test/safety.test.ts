// Nothing a message holds becomes a live element that is not ours: the rendered page has only elements, attributes and addresses
// from short lists, whatever the source is.
import fc from "fast-check";
import { type DefaultTreeAdapterMap, parse } from "parse5";
import { createElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { expect, test } from "vitest";
import { Markdown } from "../src/Markdown.tsx";
import { placeToShow, safeAddress } from "../src/view/address.ts";
import { awkward, commonmark, gfm } from "./examples.ts";

const ATTRIBUTES: Readonly<Record<string, readonly string[]>> = {
  a: ["class", "href", "target", "rel"],
  div: ["class", "dir", "tabindex", "role", "aria-label"],
  pre: ["class", "tabindex", "role", "aria-label"],
  span: ["class", "aria-hidden", "role"],
  p: ["class", "dir"],
  ul: ["class", "dir"],
  ol: ["class", "dir", "start"],
  li: ["class"],
  input: ["class", "type", "checked", "readonly", "disabled", "aria-label"],
  blockquote: ["class", "dir"],
  figure: ["class", "dir"],
  figcaption: ["class"],
  code: ["class"],
  button: ["class", "type", "data-state"],
  svg: ["viewbox", "viewBox", "width", "height", "aria-hidden", "focusable"],
  path: ["d"],
  th: ["class", "scope"],
  td: ["class"],
  ...Object.fromEntries(["h3", "h4", "h5", "h6"].map((name) => [name, ["class", "dir"]])),
  ...Object.fromEntries(["em", "strong", "del", "br", "table", "thead", "tbody", "tr", "html", "head", "body"].map((name) => [name, []])),
  hr: ["class"],
};
const CLASS = /^(?:md|md-[a-z0-9-]+)(?: md-[a-z0-9-]+)*$/;

type ParentNode = DefaultTreeAdapterMap["parentNode"];

function inspect(parent: ParentNode, source: string): void {
  for (const node of parent.childNodes) {
    if (node.nodeName === "#comment") throw new Error(`comment from ${source}`);
    if (!("tagName" in node)) continue;
    const allowed = ATTRIBUTES[node.tagName];
    expect(allowed, `<${node.tagName}> from ${source}`).toBeDefined();
    for (const { name, value } of node.attrs) {
      expect(allowed, `${name} of <${node.tagName}> from ${source}`).toContain(name);
      if (name === "class") expect(value, source).toMatch(CLASS);
      if (name === "href") {
        expect(value, source).toMatch(/^(?:https?:\/\/[^\s"<>]+|mailto:[^\s"<>]+)$/);
        const at = Object.fromEntries(node.attrs.map((a) => [a.name, a.value]));
        expect(at, source).toMatchObject({ target: "_blank", rel: "noopener noreferrer nofollow ugc" });
      }
    }
    inspect(node, source);
  }
}

function render(text: string): string {
  const html = renderToStaticMarkup(createElement(Markdown, { text, streaming: true }));
  inspect(parse(`<!doctype html><html><head></head><body>${html}</body></html>`), JSON.stringify(text));
  return html;
}

const SCRIPT = "alert(1)";
const ADDRESSES = [
  `javascript:${SCRIPT}`,
  `JaVaScRiPt:${SCRIPT}`,
  ` javascript:${SCRIPT}`,
  `java\tscript:${SCRIPT}`,
  `java\nscript:${SCRIPT}`,
  `java\0script:${SCRIPT}`,
  `\x01javascript:${SCRIPT}`,
  `\u00a0javascript:${SCRIPT}`,
  `javascript&colon;${SCRIPT}`,
  `javascript&#58;${SCRIPT}`,
  `javascript&#x3a;${SCRIPT}`,
  `&#106;avascript:${SCRIPT}`,
  `java&Tab;script:${SCRIPT}`,
  `java&#9;script:${SCRIPT}`,
  `java&#10;script:${SCRIPT}`,
  `java%0ascript:${SCRIPT}`,
  `java\\script:${SCRIPT}`,
  `javascript\\:${SCRIPT}`,
  `vbscript:msgbox(1)`,
  `data:text/html,<script>${SCRIPT}</script>`,
  "data:text/html;base64,PHNjcmlwdD4=",
  "data:image/svg+xml,<svg onload=alert(1)>",
  "blob:https://example.com/1",
  "file:///etc/passwd",
  "filesystem:https://example.com/",
  "view-source:https://example.com",
  "about:blank",
  "chrome://settings",
  "intent://x#Intent;end",
  "ftp://example.com",
  "tel:+40",
  "//example.com/x",
  "/relative",
  "/docs/../api/v1/session",
  "/docs//example.com/x.md",
  "/docs/a.md?x=1",
  "/docs/a.html",
  "/docsx/a.md",
  "#fragment",
  "?query",
  "https:example.com",
  "https:/example.com",
  "https://",
  "http:\\\\example.com",
  "x-javascript:1",
  `https://example.com/" onmouseover="${SCRIPT}`,
  `https://example.com/'><script>${SCRIPT}</script>`,
];

const WRAPS: readonly ((address: string) => string)[] = [
  (a) => `[x](${a})`,
  (a) => `[x](<${a}>)`,
  (a) => `[x](<${a}> "title")`,
  (a) => `![x](${a})`,
  (a) => `![x](<${a}>)`,
  (a) => `[![x](<${a}>)](<${a}>)`,
  (a) => `<${a}>`,
  (a) => a,
  (a) => `[x]\n\n[x]: ${a}`,
  (a) => `[x]\n\n[x]: <${a}>`,
  (a) => `![x][y]\n\n[y]: <${a}>`,
  (a) => `| [x](<${a}>) |\n| - |\n| ![x](<${a}>) |`,
  (a) => `- [ ] [x](<${a}>)`,
  (a) => `# [x](<${a}>)`,
  (a) => `<a href="${a}">x</a>`,
  (a) => `<img src="${a}">`,
  (a) => `\`\`\`${a}\n${a}`,
];

test("the server's own documentation is live, and nothing beside it", () => {
  for (const address of ["/docs/using.md", "/docs/api/README.md#by-example", "/README.md"]) {
    expect(renderToStaticMarkup(createElement(Markdown, { text: `[docs/using.md, A part](${address})` }))).toContain(`href="${address}"`);
  }
});

test("no address but http, https and mailto is live", () => {
  for (const address of ADDRESSES) {
    for (const wrap of WRAPS) {
      const html = render(wrap(address));
      for (const [, href] of html.matchAll(/href="([^"]*)"/g)) expect(href).toMatch(/^https?:\/\/example\.com/);
    }
  }
});

test("no raw HTML is live", () => {
  const tags = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=data:text/html,x></object>",
    "<embed src=//x>",
    "<form action=//x><button formaction=javascript:alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<base href=//x>",
    "<meta http-equiv=refresh content='0;url=//x'>",
    "<link rel=stylesheet href=//x>",
    "<style>*{background:url(//x)}</style>",
    "<div style=background:url(//x)>",
    "<template><script>alert(1)</script></template>",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<textarea></textarea><script>alert(1)</script>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml-stylesheet href='javascript:alert(1)'?>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<a href=javascript:alert(1) style=x onclick=alert(1)>x</a>",
    "</div></body><script>alert(1)</script>",
    "<x-foo is=script>",
  ];
  for (const tag of tags) {
    for (const wrap of [(t: string) => t, (t: string) => `text ${t}`, (t: string) => `**${t}**`, (t: string) => `[${t}](https://example.com)`, (t: string) => `![${t}](https://example.com)`, (t: string) => `| ${t} |\n| - |`, (t: string) => `\`${t}\``, (t: string) => `\`\`\`${t}\n${t}\n\`\`\``, (t: string) => `> ${t}`, (t: string) => `- ${t}`, (t: string) => `[x]: https://example.com '${t}'\n[x]`]) {
      render(wrap(tag));
    }
  }
});

test("no random text is live", () => {
  const part = fc.oneof(
    fc.constantFrom(...ADDRESSES, ...commonmark.map((e) => e.markdown), ...gfm.map((e) => e.markdown), ...awkward),
    fc.constantFrom("<", ">", '"', "'", "[", "]", "](", ")", "!", "`", "\n", "&", "javascript:", "data:", "https://a.b/", " onload=", "style="),
    fc.string({ maxLength: 8, unit: "binary" }),
  );
  fc.assert(fc.property(fc.array(part, { maxLength: 8 }), (parts) => void render(parts.join(""))), { numRuns: 1500 });
});

test("images are never loaded", () => {
  const html = render("![a chart](https://example.com/x.png)");
  expect(html).not.toMatch(/<img|src=/);
  expect(html).toContain("Image: a chart<span class=\"md-place\"> (example.com)</span>");
});

test("the real host is shown when the words suggest another one", () => {
  const place = (words: string, href: string) => {
    const address = safeAddress(href);
    return address && placeToShow(address, words);
  };
  expect(place("https://bank.com", "https://evil.net/bank.com")).toBe("evil.net");
  expect(place("bank.com", "https://evil.net")).toBe("evil.net");
  expect(place("Go to bank.com now", "https://evil.net")).toBe("evil.net");
  expect(place("bank\u200b.com", "https://evil.net")).toBe("evil.net");
  expect(place("bank\uff0ecom", "https://evil.net")).toBe("evil.net");
  expect(place("(bank.com)", "https://bank.com.evil.net")).toBe("bank.com.evil.net");
  expect(place("https://bank.com@evil.net", "https://evil.net")).toBe("evil.net");
  expect(place("1.2.3.4", "https://5.6.7.8/")).toBe("5.6.7.8");
  expect(place("click", "https://bank.com@evil.net/")).toBe("evil.net");
  expect(place("b\u0430nk.com", "https://b\u0430nk.com/")).toBe("xn--bnk-6cd.com");
  expect(place("help@bank.com", "mailto:thief@evil.net")).toBe("thief@evil.net");
  expect(place("bank.com", "https://www.bank.com/login")).toBeNull();
  expect(place("https://bank.com/a.html", "https://bank.com/a.html")).toBeNull();
  expect(place("the report", "https://evil.net")).toBeNull();
  expect(place("help@bank.com", "mailto:help@bank.com")).toBeNull();
  expect(render("[bank.com](https://evil.net)")).toContain('bank.com<span class="md-place"> (evil.net)</span>');
});

test("characters that reorder text are visible", () => {
  expect(render("a \u202etxt.exe\u202c b")).toContain('<span class="md-control">U+202E</span>txt.exe<span class="md-control">U+202C</span>');
  expect(render("`\u2066x`")).toContain("U+2066");
  expect(render("```\nif (a\u2069) \u200f\n```")).toMatch(/U\+2069.*U\+200F/s);
  expect(render("[bank\u202e](https://a.b)")).toContain("U+202E");
  // Prose in right-to-left scripts needs its marks.
  expect(render("שלום\u200f!")).not.toContain("U+200F");
});
