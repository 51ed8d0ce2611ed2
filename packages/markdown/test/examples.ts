// The texts the property tests are made of: every CommonMark example, and a set for what GitHub Flavored Markdown adds, each with
// the HTML its specification asks for (tables, tasks, strikethrough, bare addresses).
import { tests } from "./commonmark.ts";

export interface Example {
  readonly name: string;
  readonly markdown: string;
  readonly html: string;
}

export const commonmark: readonly Example[] = tests.map((test) => ({
  name: `${test.section} ${test.number}`,
  markdown: test.markdown.replaceAll("→", "\t"),
  html: test.html.replaceAll("→", "\t"),
}));

const link = (href: string, text = href) => `<a href="${href.replaceAll("&", "&amp;")}">${text.replaceAll("&", "&amp;")}</a>`;
const paragraph = (...lines: string[]) => `<p>${lines.join("\n")}</p>\n`;

function table(head: string, ...rows: string[]): string {
  const line = (cells: string, tag: string) =>
    `<tr>\n${cells
      .split("|")
      .map((cell) => {
        const match = /^(?:(left|center|right):)?(.*)$/s.exec(cell);
        return `<${tag}${match?.[1] ? ` align="${match[1]}"` : ""}>${match?.[2]}</${tag}>\n`;
      })
      .join("")}</tr>\n`;
  const body = rows.length > 0 ? `<tbody>\n${rows.map((row) => line(row, "td")).join("")}</tbody>\n` : "";
  return `<table>\n<thead>\n${line(head, "th")}</thead>\n${body}</table>\n`;
}

const done = '<input type="checkbox" checked="" disabled="" /> ';
const open = '<input type="checkbox" disabled="" /> ';

const gfmList: readonly (readonly [string, string, string])[] = [
  ["table", "| foo | bar |\n| --- | --- |\n| baz | bim |\n", table("foo|bar", "baz|bim")],
  ["table alignment", "| abc | defghi |\n:-: | -----------:\nbar | baz\n", table("center:abc|right:defghi", "center:bar|right:baz")],
  ["table left alignment", "a|b\n:-|-\n1|2\n", table("left:a|b", "left:1|2")],
  ["table pipe in code", "| f\\|oo  |\n| ------ |\n| b `\\|` az |\n| b **\\|** im |\n", table("f|oo".replace("|", "&#124;"), "b <code>&#124;</code> az", "b <strong>&#124;</strong> im").replaceAll("&#124;", "|")],
  ["table ends at quote", "| abc | def |\n| --- | --- |\n| bar | baz |\n> bar\n", `${table("abc|def", "bar|baz")}<blockquote>\n<p>bar</p>\n</blockquote>\n`],
  ["table row without pipe", "| abc | def |\n| --- | --- |\n| bar | baz |\nbar\n\nbar\n", `${table("abc|def", "bar|baz", "bar|")}<p>bar</p>\n`],
  ["table needs equal cells", "| abc | def |\n| --- |\n| bar |\n", paragraph("| abc | def |", "| --- |", "| bar |")],
  ["table uneven rows", "| abc | def |\n| --- | --- |\n| bar |\n| bar | baz | boo |\n", table("abc|def", "bar|", "bar|baz")],
  ["table without body", "| abc | def |\n| --- | --- |\n", table("abc|def")],
  ["table after paragraph", "text\n| a | b |\n| - | - |\n| c | d |\n", `<p>text</p>\n${table("a|b", "c|d")}`],
  ["table in item", "- | a | b |\n  | - | - |\n  | c | d |\n", `<ul>\n<li>\n${table("a|b", "c|d")}</li>\n</ul>\n`],
  ["table in quote", "> | a |\n> | - |\n> | c |\n", `<blockquote>\n${table("a", "c")}</blockquote>\n`],
  ["table not lazy", "> | a |\n| - |\n", "<blockquote>\n<p>| a |\n| - |</p>\n</blockquote>\n"],
  ["table one column", "| a |\n| - |\n| **b** |\n", table("a", "<strong>b</strong>")],
  ["table with definition", "| [x] |\n| - |\n| [x] |\n\n[x]: https://a.b\n", table(link("https://a.b", "x"), link("https://a.b", "x"))],
  ["table with line ending", "| a |\n| - |\n| b<br>c |\n", table("a", "b<br />\nc")],
  ["dashes alone are a heading", "a\n-\n", "<h2>a</h2>\n"],
  ["dashes with blank are an item", "a | b\n- | -\n", paragraph("a | b").replace("</p>\n", "</p>\n<ul>\n<li>| -</li>\n</ul>\n")],
  ["tasks", "- [ ] foo\n- [x] bar\n", `<ul>\n<li>${open}foo</li>\n<li>${done}bar</li>\n</ul>\n`],
  ["tasks nested", "- [x] foo\n  - [ ] bar\n  - [X] baz\n- [ ] bim\n", `<ul>\n<li>${done}foo\n<ul>\n<li>${open}bar</li>\n<li>${done}baz</li>\n</ul>\n</li>\n<li>${open}bim</li>\n</ul>\n`],
  ["tasks ordered", "1. [x] a\n2. [ ] b\n", `<ol>\n<li>${done}a</li>\n<li>${open}b</li>\n</ol>\n`],
  ["tasks loose", "- [x] a\n\n- b\n", `<ul>\n<li>\n<p>${done}a</p>\n</li>\n<li>\n<p>b</p>\n</li>\n</ul>\n`],
  ["box without text", "- [ ]\n- [x]y\n", "<ul>\n<li>[ ]</li>\n<li>[x]y</li>\n</ul>\n"],
  ["box outside a list", "[ ] foo\n", paragraph("[ ] foo")],
  ["strikethrough", "~~Hi~~ Hello, ~there~ world!\n", paragraph("<del>Hi</del> Hello, <del>there</del> world!")],
  ["strikethrough ends with paragraph", "This ~~has a\n\nnew paragraph~~.\n", paragraph("This ~~has a") + paragraph("new paragraph~~.")],
  ["three tildes are text", "This will ~~~not~~~ strike.\n", paragraph("This will ~~~not~~~ strike.")],
  ["tildes must be equal", "a ~~b~ c\n", paragraph("a ~~b~ c")],
  ["strikethrough with emphasis", "~~a **b** c~~ **d ~e~ f**\n", paragraph("<del>a <strong>b</strong> c</del> <strong>d <del>e</del> f</strong>")],
  ["www", "www.commonmark.org\n", paragraph(link("http://www.commonmark.org", "www.commonmark.org"))],
  ["www in text", "Visit www.commonmark.org/help for more.\n", paragraph(`Visit ${link("http://www.commonmark.org/help", "www.commonmark.org/help")} for more.`)],
  ["address before stop", "Visit www.commonmark.org.\n\nVisit www.commonmark.org/a.b.\n", paragraph(`Visit ${link("http://www.commonmark.org", "www.commonmark.org")}.`) + paragraph(`Visit ${link("http://www.commonmark.org/a.b", "www.commonmark.org/a.b")}.`)],
  ["address in parentheses", "(https://x.org/search?q=(b))) https://x.org/(a\n", paragraph(`(${link("https://x.org/search?q=(b)")})) ${link("https://x.org/(a")}`)],
  ["address before reference", "www.x.com/search?q=c&hl=en\n\nwww.x.com/search?q=c&hl;\n", paragraph(link("http://www.x.com/search?q=c&hl=en", "www.x.com/search?q=c&hl=en")) + paragraph(`${link("http://www.x.com/search?q=c", "www.x.com/search?q=c")}&amp;hl;`)],
  ["address before angle", "www.commonmark.org/he<lp\n", paragraph(`${link("http://www.commonmark.org/he", "www.commonmark.org/he")}&lt;lp`)],
  ["http address", "http://commonmark.org\n\n(Visit https://encrypted.x.com/search?q=M+(b))\n", paragraph(link("http://commonmark.org")) + paragraph(`(Visit ${link("https://encrypted.x.com/search?q=M+(b)")})`)],
  ["address with underscores", "https://x.org/a_b_c/__init__.py and https://x_y.z_w/a\n", paragraph(`${link("https://x.org/a_b_c/__init__.py")} and https://x_y.z_w/a`)],
  ["address in strong", "**https://x.org/a** *www.x.org*\n", paragraph(`<strong>${link("https://x.org/a")}</strong> <em>${link("http://www.x.org", "www.x.org")}</em>`)],
  ["address inside a link", "[https://a.org](https://b.org) [see www.a.org]\n", paragraph(`${link("https://b.org", "https://a.org")} [see ${link("http://www.a.org", "www.a.org")}]`)],
  ["mail", "foo@bar.baz, a.b-c_d@a.b. a.b-c_d@a.b- a.b-c_d@a.b_\n", paragraph(`${link("mailto:foo@bar.baz", "foo@bar.baz")}, ${link("mailto:a.b-c_d@a.b", "a.b-c_d@a.b")}. a.b-c_d@a.b- a.b-c_d@a.b_`)],
  ["mail with plus", "hello+xyz@mail.example and hello@mail+xyz.example\n", paragraph(`${link("mailto:hello+xyz@mail.example", "hello+xyz@mail.example")} and hello@mail+xyz.example`)],
  ["address in code", "`https://a.org` www.\n", paragraph("<code>https://a.org</code> www.")],
];

export const gfm: readonly Example[] = gfmList.map(([name, markdown, html]) => ({ name, markdown, html }));

/** Texts that are awkward to receive in pieces. */
export const awkward: readonly string[] = [
  "[a] [b] ![a]\n\n- [a]\n\n> | [c] |\n> | - |\n> | [c][] |\n\n[a]: https://a.a\n[b]: https://b.b 'title'\n\n[c]: https://c.c\n",
  "[a]\n\n[a]: https://one.x\n\n[a]: https://two.x\n",
  "[a]\n\n> [a]: https://quoted.x\n\n[a]: https://later.x",
  "[a]\n\n[a]: https://x.y\n\"title\" not a title\n\n[a]: <https://z.z>\n===\nb",
  "[a]\n\n[a]:\nhttps://x.y\n'ti\ntle'",
  "line\r\nline two\r\n\r\n- a\r\n- b\r\n\r\n```\r\ncode\r\n\r\n```\r\n",
  "mac\rstyle\r\rendings\r\n\rmixed\n\r",
  "nul \0 here\n\n`a\0b`\n\n```\n\0\n```\n",
  "emoji 😀 split, *😀*, **a😀**, `😀`, 👩‍👩‍👧\n\n| 😀 |\n| - |\n| 😀 |\n",
  "```js\nunclosed\n\n  code",
  "````\n```\n````\n~~~\n```\n~~~~\n",
  "- a\n\n  b\n\n\n      code\n- c\n   lazy\nmore lazy\n\nafter",
  "1. a\n   1. b\n      1. c\n\n   d\n2) e\n",
  "> a\nb\n> c\n\n> d\n===\n> e\n",
  "a\n===\nb\n---\nc\n\n---\n***\n",
  "<div>\n*a*\n\n*b*\n<!-- x\n\ny --> *c*\n<script>\nalert(1)\n\n</script>\nd <b>e</b> <br> f\n",
  "| a | b |\n| --- | :-: |\n| c | d\ne\n\n| a\n|--\nf\n",
  "    indented\n\n\n    more\n\n\ntext\n    not code\n",
  "**bold *both* bold** ***x*** __a__ _b_ ~~c~~ `` ` `` \\* &amp; &copy\n",
  "- [ ] a\n- [x] b\n- [x]\n\n[x]: /u\n",
  "\uFEFFbom\n\ttab\n>\ttab\n-\ttab\n1.\t\tcode\n",
];
