// The bare addresses of GitHub Flavored Markdown: www., http:// and https:// in running text, and e-mail addresses.
import type { Inline, LinkInline } from "../tree.ts";

// An address ends at a blank, at "<", at closing strong emphasis, and at full-width punctuation, which never belongs to one.
const ADDRESS = /(www\.|https?:\/\/)(?:(?!\*\*)[^\s<\u3001\u3002\uff01\uff09\uff0c\uff1a\uff1b\uff1f\u300b\u300d\u300f\u3011])+/iy;
const HOST = /^(?:[^\s/?#@]*@)?([\p{L}\p{N}_-]+(?:\.[\p{L}\p{N}_-]+)*)/u;

/** An address: how many characters of the source it takes, and its link. */
export interface Found {
  readonly length: number;
  readonly link: LinkInline;
}

function trimmed(address: string): string {
  let end = address.length;
  for (;;) {
    const last = address.charAt(end - 1);
    if (/[?!.,:*_~'"]/.test(last)) {
      end--;
    } else if (last === ")") {
      const part = address.slice(0, end);
      if (part.split(")").length <= part.split("(").length) break;
      end--;
    } else if (last === ";") {
      const reference = /&[A-Za-z0-9]+;$/.exec(address.slice(0, end));
      if (reference === null) break;
      end -= reference[0].length;
    } else {
      break;
    }
  }
  return address.slice(0, end);
}

/** The address at `at`, if there is one; `closing` ends it early at "]" (inside brackets). */
export function addressAt(source: string, at: number, closing: boolean): Found | null {
  ADDRESS.lastIndex = at;
  const match = ADDRESS.exec(source);
  const prefix = match?.[1];
  if (!match || prefix === undefined) return null;
  const end = closing ? match[0].indexOf("]") : -1;
  const text = trimmed(end >= 0 ? match[0].slice(0, end) : match[0]);
  const bare = prefix.toLowerCase() === "www.";
  const host = HOST.exec(bare ? text : text.slice(prefix.length))?.[1];
  if (host === undefined || text.length <= prefix.length) return null;
  const labels = host.split(".");
  if (labels.slice(-2).some((label) => label.includes("_")) || (bare && labels.length < 2)) return null;
  const link: LinkInline = { kind: "link", href: bare ? `http://${text}` : text, title: "", children: [{ kind: "text", text }] };
  return { length: text.length, link };
}

const MAIL = /(?<![A-Za-z0-9.+_-])[A-Za-z0-9.+_-]{1,64}@(?:[A-Za-z0-9_-]{1,63}\.){1,16}[A-Za-z0-9_-]{0,62}[A-Za-z0-9](?![\w-])/g;

/** Makes links of the e-mail addresses in running text; the inside of links is left alone. */
export function linkMail(parts: readonly Inline[]): Inline[] {
  const out: Inline[] = [];
  for (const part of parts) {
    if (part.kind === "emphasis" || part.kind === "strong" || part.kind === "strike") {
      out.push({ kind: part.kind, children: linkMail(part.children) });
      continue;
    }
    if (part.kind !== "text" || !part.text.includes("@")) {
      out.push(part);
      continue;
    }
    let from = 0;
    for (const match of part.text.matchAll(MAIL)) {
      const [mail] = match;
      if (match.index > from) out.push({ kind: "text", text: part.text.slice(from, match.index) });
      out.push({ kind: "link", href: `mailto:${mail}`, title: "", children: [{ kind: "text", text: mail }] });
      from = match.index + mail.length;
    }
    if (from < part.text.length) out.push({ kind: "text", text: part.text.slice(from) });
  }
  return out;
}
