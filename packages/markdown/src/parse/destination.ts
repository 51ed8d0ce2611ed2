// The parts that links and link reference definitions have in common: labels, destinations and titles.
import { decodeReference, REFERENCE } from "./entities.ts";

/** Where a link leads. */
export interface Target {
  readonly href: string;
  readonly title: string;
}

/** A parsed part and the index just after it. */
interface Part {
  readonly value: string;
  readonly next: number;
}

const ESCAPES = new RegExp(`\\\\([!-/:-@[-\`{-~])|${REFERENCE}`, "g");

/** Resolves backslash escapes and character references. */
export function unescapeText(text: string): string {
  return /[\\&]/.test(text) ? text.replace(ESCAPES, (all, escaped?: string) => escaped ?? decodeReference(all)) : text;
}

/** The form in which labels are compared: blanks collapsed and case folded. */
export function normalizeLabel(label: string): string {
  return label.trim().replace(/\s+/g, " ").toLowerCase().toUpperCase().toLowerCase();
}

const LABEL = /\[((?:[^\\[\]]|\\[\s\S]){0,999})\]/y;

/** A bracketed label at `at`, without its brackets. Labels longer than 999 characters are none. */
export function parseLabel(source: string, at: number): Part | null {
  LABEL.lastIndex = at;
  const match = LABEL.exec(source);
  return match?.[1] === undefined || match[1].length > 999 ? null : { value: match[1], next: LABEL.lastIndex };
}

const ANGLED = /<((?:[^<>\n\\]|\\.)*)>/y;

/** A link destination at `at`. */
export function parseDestination(source: string, at: number): Part | null {
  if (source.charAt(at) === "<") {
    ANGLED.lastIndex = at;
    const match = ANGLED.exec(source);
    return match?.[1] === undefined ? null : { value: unescapeText(match[1]), next: ANGLED.lastIndex };
  }
  let depth = 0;
  let i = at;
  for (; i < source.length; i++) {
    const code = source.charCodeAt(i);
    if (code <= 0x20 || code === 0x7f) break;
    if (code === 0x5c /* \ */ && /[!-/:-@[-`{-~]/.test(source.charAt(i + 1))) i++;
    // The limit keeps deeply nested parentheses from being searched for ever; the specification asks for three at least.
    else if (code === 0x28 && ++depth > 32) return null;
    else if (code === 0x29 && --depth < 0) break;
  }
  return depth > 0 ? null : { value: unescapeText(source.slice(at, i)), next: i };
}

const TITLE = /"((?:[^"\\]|\\[\s\S])*)"|'((?:[^'\\]|\\[\s\S])*)'|\(((?:[^()\\]|\\[\s\S])*)\)/y;

/** A link title at `at`. */
export function parseTitle(source: string, at: number): Part | null {
  TITLE.lastIndex = at;
  const match = TITLE.exec(source);
  return match === null ? null : { value: unescapeText(match[1] ?? match[2] ?? match[3] ?? ""), next: TITLE.lastIndex };
}

const GAP = /[ \t]*(?:\n[ \t]*)?/y;

/** The index after blanks that hold at most one line ending. */
export function skipGap(source: string, at: number): number {
  GAP.lastIndex = at;
  GAP.exec(source);
  return GAP.lastIndex;
}
