// Running text to inline pieces: one pass from left to right over a window of text, in time linear in its length.
// Emphasis is settled by emphasis.ts, bare addresses are found by autolink.ts.
import { type Inline, plainText } from "../tree.ts";
import { addressAt, linkMail } from "./autolink.ts";
import { normalizeLabel, parseDestination, parseLabel, parseTitle, skipGap, type Target } from "./destination.ts";
import { assemble, type Piece, type Range, Run, Runs } from "./emphasis.ts";
import { decodeReference, REFERENCE } from "./entities.ts";

/** What a (normalised) label stands for. Every label asked for is one the text depends on. */
export type Lookup = (label: string) => Target | undefined;

/** The pieces of a text, and up to where nothing is left open that later text could close. */
export interface Scan {
  readonly inline: Inline[];
  /** Index of the first opener (bracket, emphasis, code, tag) without its closer, or infinity. */
  readonly openAt: number;
  /** Ranges [from, to) of the source that belong together: links, emphasis, code, tags. */
  readonly bound: readonly Range[];
}

interface Bracket {
  readonly image: boolean;
  /** Index in the source just after the bracket. */
  readonly at: number;
  /** Index of its text in the pieces. */
  readonly piece: number;
  readonly runs: Run | null;
  active: boolean;
  /** Another bracket was opened after it, so its text cannot be a label. */
  followed: boolean;
}

const SPECIAL = /[\n\\`*_~[\]<&]|!\[|(?<![A-Za-z0-9])https?:\/\/|(?<![^\s*_~(])www\./gi;
const TICKS = /`+/g;
const SAME = { "*": /\*+/y, _: /_+/y, "~": /~+/y };
const ENTITY = new RegExp(REFERENCE, "y");
const AUTOLINK = /<([A-Za-z][A-Za-z0-9.+-]{1,31}:[^\s<>\x00-\x20]*)>/y;
const MAILLINK = /<([a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*)>/y;
const TAG = /<(?:[A-Za-z][A-Za-z0-9-]*(?:\s+[A-Za-z_:][\w.:-]*(?:\s*=\s*(?:[^\s"'=<>`]+|'[^']*'|"[^"]*"))?)*\s*\/?|\/[A-Za-z][A-Za-z0-9-]*\s*)>/y;
const ENCLOSED: readonly (readonly [RegExp, string])[] = [
  [/<!--/y, "-->"],
  [/<\?/y, "?>"],
  [/<!\[CDATA\[/y, "]]>"],
  [/<![A-Za-z]/y, ">"],
];
const SPACE = /\s/u;
const PUNCTUATION = /[\p{P}\p{S}]/u;

function matchAt(pattern: RegExp, source: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(source);
}

class Scanner {
  private at = 0;
  private readonly pieces: Piece[] = [];
  private readonly runs = new Runs();
  private readonly brackets: Bracket[] = [];
  /** Closers that were searched for in vain; searching again from further on would fail as well. */
  private readonly missing = new Set<string>();
  private openAt = Number.POSITIVE_INFINITY;
  private readonly source: string;
  private readonly lookup: Lookup;

  private readonly arriving: boolean;

  constructor(source: string, lookup: Lookup, arriving: boolean) {
    this.source = source;
    this.lookup = lookup;
    this.arriving = arriving;
  }

  scan(): Scan {
    const { source } = this;
    while (this.at < source.length) {
      SPECIAL.lastIndex = this.at;
      const found = SPECIAL.exec(source);
      const next = found?.index ?? source.length;
      if (next > this.at) this.text(source.slice(this.at, next));
      this.at = next;
      if (!found) break;
      const pieces = this.pieces.length;
      this.special(found[0]);
      const last = this.pieces.at(-1);
      const whole = last && !(last instanceof Run) && last.kind !== "text" && last.kind !== "break";
      if (whole || (found[0] === "&" && pieces < this.pieces.length)) this.runs.bound.push([next, this.at]);
    }
    const opener = this.runs.pair(null);
    if (this.arriving) this.runs.pairWithEnd(source.length);
    const bracket = this.brackets.find((one) => one.active)?.at ?? Number.POSITIVE_INFINITY;
    const inline = linkMail(assemble(this.pieces));
    return { inline, openAt: Math.min(this.openAt, opener, bracket), bound: this.runs.bound };
  }

  private text(text: string): void {
    this.pieces.push({ kind: "text", text });
  }

  /** Takes `length` characters as they are. */
  private literal(length: number): void {
    this.text(this.source.slice(this.at, this.at + length));
    this.at += length;
  }

  private special(token: string): void {
    switch (token) {
      case "\n":
        return this.lineEnd();
      case "\\":
        return this.backslash();
      case "`":
        return this.code();
      case "*":
      case "_":
      case "~":
        return this.run(token);
      case "[":
      case "![":
        return this.open(token);
      case "]":
        return this.close();
      case "<":
        return this.angle();
      case "&":
        return this.reference();
      default:
        return this.address();
    }
  }

  private lineEnd(): void {
    const last = this.pieces.at(-1);
    let hard = false;
    if (last && !(last instanceof Run) && last.kind === "text") {
      let end = last.text.length;
      while (last.text.charAt(end - 1) === " ") end--;
      hard = last.text.length - end >= 2;
      this.pieces[this.pieces.length - 1] = { kind: "text", text: last.text.slice(0, end) };
    }
    if (hard) this.pieces.push({ kind: "break" });
    else this.text("\n");
    this.at++;
    while (this.source.charAt(this.at) === " ") this.at++;
  }

  private backslash(): void {
    const next = this.source.charAt(this.at + 1);
    if (next === "\n") {
      this.pieces.push({ kind: "break" });
      this.at += 2;
      while (this.source.charAt(this.at) === " ") this.at++;
    } else if (/[!-/:-@[-`{-~]/.test(next)) {
      this.text(next);
      this.at += 2;
    } else {
      this.literal(1);
    }
  }

  private code(): void {
    const ticks = matchAt(/`+/y, this.source, this.at)?.[0] ?? "`";
    const from = this.at + ticks.length;
    if (!this.missing.has(ticks)) {
      TICKS.lastIndex = from;
      for (let run = TICKS.exec(this.source); run; run = TICKS.exec(this.source)) {
        if (run[0].length !== ticks.length) continue;
        const inner = this.source.slice(from, run.index).replaceAll("\n", " ");
        const padded = inner.startsWith(" ") && inner.endsWith(" ") && inner.trim() !== "";
        this.pieces.push({ kind: "code", text: padded ? inner.slice(1, -1) : inner });
        this.at = run.index + ticks.length;
        return;
      }
      this.missing.add(ticks);
    }
    this.openAt = Math.min(this.openAt, this.at);
    const rest = this.source.slice(from);
    if (!this.arriving || rest.length > 80 || /[\n`]/.test(rest)) return this.literal(ticks.length);
    if (rest !== "") this.pieces.push({ kind: "code", text: rest });
    this.at = this.source.length;
  }

  private run(character: "*" | "_" | "~"): void {
    const length = matchAt(SAME[character], this.source, this.at)?.[0].length ?? 1;
    if (this.arriving && this.at + length === this.source.length && this.unfinished(character, length)) {
      this.at += length;
      return;
    }
    const codeBefore = this.source.charCodeAt(this.at - 1);
    const astral = codeBefore >= 0xdc00 && codeBefore <= 0xdfff && this.at > 1;
    const before = this.at === 0 ? "\n" : this.source.slice(this.at - (astral ? 2 : 1), this.at);
    const afterCode = this.source.codePointAt(this.at + length);
    const after = afterCode === undefined ? "\n" : String.fromCodePoint(afterCode);
    const spaceBefore = SPACE.test(before);
    const spaceAfter = SPACE.test(after);
    const markBefore = PUNCTUATION.test(before);
    const markAfter = PUNCTUATION.test(after);
    const opening = !spaceAfter && (!markAfter || spaceBefore || markBefore);
    const closing = !spaceBefore && (!markBefore || spaceAfter || markAfter);
    const word = character === "_";
    const canOpen = opening && (!word || !closing || markBefore);
    const canClose = closing && (!word || !opening || markAfter);
    if ((!canOpen && !canClose) || (character === "~" && length > 2)) return this.literal(length);
    const run = new Run(character, length, canOpen, canClose, this.at);
    this.runs.push(run);
    this.pieces.push(run);
    this.at += length;
  }

  /** Whether a run at the end of arriving text is only the first part of a marker: of an opening one, or half of a closing one. */
  private unfinished(character: string, length: number): boolean {
    if (length > 3) return false;
    let opener = this.runs.last;
    while (opener && !(opener.character === character && opener.canOpen)) opener = opener.before;
    return !opener || opener.length > length;
  }

  private open(token: "[" | "!["): void {
    const last = this.brackets.at(-1);
    if (last) last.followed = true;
    this.at += token.length;
    this.brackets.push({
      image: token === "![",
      at: this.at,
      piece: this.pieces.length,
      runs: this.runs.last,
      active: true,
      followed: false,
    });
    this.text(token);
  }

  private close(): void {
    const opener = this.brackets.pop();
    if (!opener?.active) return this.literal(1);
    const found = this.inlineTarget(this.at + 1) ?? this.referenceTarget(opener);
    if (!found) {
      // What follows may be the beginning of a target that the end of the window cuts off.
      const next = this.source.charAt(this.at + 1);
      if (next === "" || next === "(" || next === "[") this.openAt = Math.min(this.openAt, opener.at - 2);
      return this.literal(1);
    }
    this.runs.pair(opener.runs);
    this.runs.forget(opener.runs);
    this.runs.bound.push([opener.at - 2, found.next]);
    const inner = assemble(this.pieces.splice(opener.piece).slice(1));
    const { href, title } = found.target;
    if (opener.image) {
      this.pieces.push({ kind: "image", href, title, alt: plainText(inner) });
    } else {
      this.pieces.push({ kind: "link", href, title, children: withoutLinks(inner) });
      // A link cannot hold another link: the brackets around it can only be images now.
      for (let i = this.brackets.length - 1; i >= 0; i--) {
        const outer = this.brackets[i];
        if (!outer || outer.image) continue;
        if (!outer.active) break;
        outer.active = false;
      }
    }
    this.at = found.next;
  }

  private inlineTarget(at: number): { target: Target; next: number } | null {
    if (this.source.charAt(at) !== "(") return null;
    const href = parseDestination(this.source, skipGap(this.source, at + 1));
    if (!href) return null;
    let next = skipGap(this.source, href.next);
    const title = next > href.next ? parseTitle(this.source, next) : null;
    if (title) next = skipGap(this.source, title.next);
    if (this.source.charAt(next) !== ")") return null;
    return { target: { href: href.value, title: title?.value ?? "" }, next: next + 1 };
  }

  private referenceTarget(opener: Bracket): { target: Target; next: number } | null {
    const label = parseLabel(this.source, this.at + 1);
    const full = label !== null && label.value !== "";
    if (!full && (opener.followed || this.at - opener.at > 999)) return null;
    const name = full ? label.value : this.source.slice(opener.at, this.at);
    if (name.trim() === "") return null;
    const target = this.lookup(normalizeLabel(name));
    return target ? { target, next: label?.next ?? this.at + 1 } : null;
  }

  private angle(): void {
    const link = matchAt(AUTOLINK, this.source, this.at) ?? matchAt(MAILLINK, this.source, this.at);
    if (link?.[1] !== undefined) {
      const [all, text] = link;
      const href = /^[A-Za-z][A-Za-z0-9.+-]{1,31}:/.test(text) ? text : `mailto:${text}`;
      this.pieces.push({ kind: "link", href, title: "", children: [{ kind: "text", text }] });
      this.at += all.length;
      return;
    }
    const length = matchAt(TAG, this.source, this.at)?.[0].length ?? this.enclosed();
    if (length === 0) {
      if (/[A-Za-z/!?]/.test(this.source.charAt(this.at + 1))) this.openAt = Math.min(this.openAt, this.at);
      return this.literal(1);
    }
    const text = this.source.slice(this.at, this.at + length);
    // The one tag that carries no markup but a line ending, which tables cannot write otherwise.
    this.pieces.push(/^<br\s*\/?>$/i.test(text) ? { kind: "break" } : { kind: "html", text });
    this.at += length;
  }

  /** Length of a comment, instruction, declaration or CDATA section here, or 0. */
  private enclosed(): number {
    for (const [start, end] of ENCLOSED) {
      const from = matchAt(start, this.source, this.at)?.[0].length;
      if (from === undefined) continue;
      const short = end === "-->" ? matchAt(/<!--(?:-?>)/y, this.source, this.at) : null;
      if (short) return short[0].length;
      if (this.missing.has(end)) return 0;
      const to = this.source.indexOf(end, this.at + from);
      if (to >= 0) return to + end.length - this.at;
      this.missing.add(end);
      return 0;
    }
    return 0;
  }

  private reference(): void {
    const match = matchAt(ENTITY, this.source, this.at);
    if (!match) return this.literal(1);
    this.text(decodeReference(match[0]));
    this.at += match[0].length;
  }

  private address(): void {
    const found = addressAt(this.source, this.at, this.brackets.length > 0);
    if (!found) return this.literal(1);
    this.pieces.push(found.link);
    this.at += found.length;
  }
}

/** Bare addresses inside a link are only its text. */
function withoutLinks(parts: readonly Inline[]): Inline[] {
  return parts.flatMap((part): Inline[] => {
    if (part.kind === "link") return withoutLinks(part.children);
    if (part.kind === "emphasis" || part.kind === "strong" || part.kind === "strike") {
      return [{ kind: part.kind, children: withoutLinks(part.children) }];
    }
    return [part];
  });
}

/** An image or an address in parentheses that has no end yet. */
const UNFINISHED_IMAGE = /!\[[^[\]\n]{0,300}(?:\]\([^()\s]{0,2000})?$/;
const UNFINISHED_LINK = /\[([^[\]\n]{1,300})\]\([^()\s]{0,2000}$/;

/**
 * Reads running text. With `arriving` the text is the end of what is still being received: markers whose partners have not come
 * yet are taken as if they had, so that what is shown does not jump from source to result.
 */
export function scanInline(source: string, lookup: Lookup, arriving = false): Scan {
  const shown = arriving ? source.replace(UNFINISHED_IMAGE, "").replace(UNFINISHED_LINK, "$1") : source;
  return new Scanner(shown, lookup, arriving).scan();
}
