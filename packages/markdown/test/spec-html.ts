// Prints a tree the way the specifications print their examples. For tests only: the product never makes HTML text. Raw HTML
// passes through so that recognising it can be compared as well.
import type { Block, Cells, Inline, ListItem } from "../src/tree.ts";

const escape = (text: string) => text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c] ?? c);

/** Percent-encodes what may not stand in a URL and keeps what is encoded already. */
function encode(href: string): string {
  return escape(href.replace(/%(?![0-9a-fA-F]{2})|[^\w\-.!~*'();/?:@&=+$,#%]/gu, (c) => (c === "%" ? "%25" : encodeURIComponent(c))));
}

const title = (text: string) => (text === "" ? "" : ` title="${escape(text)}"`);

function inlineHtml(part: Inline): string {
  switch (part.kind) {
    case "text":
      return escape(part.text);
    case "code":
      return `<code>${escape(part.text)}</code>`;
    case "html":
      return part.text;
    case "break":
      return "<br />\n";
    case "link":
      return `<a href="${encode(part.href)}"${title(part.title)}>${inlinesHtml(part.children)}</a>`;
    case "image":
      return `<img src="${encode(part.href)}" alt="${escape(part.alt)}"${title(part.title)} />`;
    default: {
      const tag = { emphasis: "em", strong: "strong", strike: "del" }[part.kind];
      return `<${tag}>${inlinesHtml(part.children)}</${tag}>`;
    }
  }
}

export function inlinesHtml(parts: readonly Inline[]): string {
  return parts.map(inlineHtml).join("");
}

function itemHtml(item: ListItem, tight: boolean): string {
  const box = item.done === null ? "" : `<input type="checkbox"${item.done ? ' checked=""' : ""} disabled="" /> `;
  const parts = item.children.map((block, i) => {
    const inner = block.kind === "paragraph" && tight ? inlinesHtml(block.inline) : blockHtml(block);
    return { html: i === 0 ? (inner.startsWith("<p>") ? inner.replace("<p>", `<p>${box}`) : box + inner) : inner, bare: block.kind === "paragraph" && tight };
  });
  let html = "<li>";
  parts.forEach((part, i) => {
    if (!part.bare && (i === 0 || parts[i - 1]?.bare)) html += "\n";
    html += part.html + (part.bare ? "" : "\n");
  });
  return `${html}</li>\n`;
}

function rowHtml(cells: Cells, tag: string, align: readonly (string | null)[]): string {
  const inner = cells.map((cell, i) => `<${tag}${align[i] ? ` align="${align[i]}"` : ""}>${inlinesHtml(cell)}</${tag}>\n`);
  return `<tr>\n${inner.join("")}</tr>\n`;
}

function blockHtml(block: Block): string {
  switch (block.kind) {
    case "paragraph":
      return `<p>${inlinesHtml(block.inline)}</p>`;
    case "heading":
      return `<h${block.level}>${inlinesHtml(block.inline)}</h${block.level}>`;
    case "rule":
      return "<hr />";
    case "html":
      return block.text;
    case "code": {
      const language = /^\S+/.exec(block.info)?.[0];
      const lines = block.pages.flat();
      const text = lines.map((line) => `${line}\n`).join("");
      return `<pre><code${language ? ` class="language-${escape(language)}"` : ""}>${escape(text)}</code></pre>`;
    }
    case "quote":
      return `<blockquote>\n${specHtml(block.children)}</blockquote>`;
    case "list": {
      const tag = block.start === null ? "ul" : "ol";
      const start = block.start === null || block.start === 1 ? "" : ` start="${block.start}"`;
      return `<${tag}${start}>\n${block.items.map((item) => itemHtml(item, block.tight)).join("")}</${tag}>`;
    }
    case "table": {
      const body = block.rows.length > 0 ? `<tbody>\n${block.rows.map((row) => rowHtml(row, "td", block.align)).join("")}</tbody>\n` : "";
      return `<table>\n<thead>\n${rowHtml(block.head, "th", block.align)}</thead>\n${body}</table>`;
    }
  }
}

/** The HTML of blocks as the specification writes it. */
export function specHtml(blocks: readonly Block[]): string {
  return blocks.map((block) => `${blockHtml(block)}\n`).join("");
}
