// How blocks begin and end: the patterns of the CommonMark specification, each asked at the first character of a line that is
// no white space.
import type { Line } from "./line.ts";
import type { Fence, Marker } from "./node.ts";

const HTML_STARTS: readonly RegExp[] = [
  /^<(?:script|pre|textarea|style)(?:\s|>|$)/i,
  /^<!--/,
  /^<\?/,
  /^<![A-Za-z]/,
  /^<!\[CDATA\[/,
  /^<\/?(?:address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details|dialog|dir|div|dl|dt|fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hr|html|iframe|legend|li|link|main|menu|menuitem|nav|noframes|ol|optgroup|option|p|param|search|section|summary|table|tbody|td|tfoot|th|thead|title|tr|track|ul)(?:\s|\/?>|$)/i,
  /^(?:<[A-Za-z][A-Za-z0-9-]*(?:\s+[A-Za-z_:][\w.:-]*(?:\s*=\s*(?:[^\s"'=<>`]+|'[^']*'|"[^"]*"))?)*\s*\/?>|<\/[A-Za-z][A-Za-z0-9-]*\s*>)\s*$/,
];
const HTML_ENDS: readonly RegExp[] = [/<\/(?:script|pre|textarea|style)>/i, /-->/, /\?>/, />/, /\]\]>/];

/** Which kind of HTML block (1 to 7) begins with these words; the seventh cannot interrupt a paragraph. */
export function htmlStart(word: string, inParagraph: boolean): number | null {
  if (!word.startsWith("<")) return null;
  const index = HTML_STARTS.findIndex((pattern, i) => (i < 6 || !inParagraph) && pattern.test(word));
  return index < 0 ? null : index + 1;
}

/** Whether the line ends an HTML block of kinds 1 to 5; the others end at a blank line. */
export function htmlEnds(kind: number, text: string): boolean {
  return HTML_ENDS[kind - 1]?.test(text) ?? false;
}

/** The level of a heading that starts with "#" and its text. */
export function atxHeading(word: string): { level: number; text: string } | null {
  const match = /^(#{1,6})(?:[ \t]+|$)/.exec(word);
  if (!match?.[1]) return null;
  const text = word.slice(match[0].length).trim();
  // The closing sequence needs a blank before it. (One pattern for it would take quadratic time on long runs of blanks.)
  let end = text.length;
  while (text.charAt(end - 1) === "#") end--;
  const closed = end < text.length && (end === 0 || /[ \t]/.test(text.charAt(end - 1)));
  return { level: match[1].length, text: closed ? text.slice(0, end).trimEnd() : text };
}

/** The level a line under a paragraph gives it, or 0. */
export function setextLevel(word: string): number {
  return /^=+[ \t]*$/.test(word) ? 1 : /^-+[ \t]*$/.test(word) ? 2 : 0;
}

export function isRule(word: string): boolean {
  return /^(?:(?:\*[ \t]*){3,}|(?:_[ \t]*){3,}|(?:-[ \t]*){3,})$/.test(word);
}

/** A fence that opens a code block and its info string. */
export function openingFence(word: string, indent: number): { fence: Fence; info: string } | null {
  const match = /^(`{3,}(?!.*`)|~{3,})(.*)$/s.exec(word);
  if (!match?.[1]) return null;
  return { fence: { character: match[1].charAt(0), length: match[1].length, indent }, info: (match[2] ?? "").trim() };
}

export function closesFence(word: string, fence: Fence): boolean {
  const match = /^(`{3,}|~{3,})[ \t]*$/.exec(word);
  return match?.[1] !== undefined && match[1].startsWith(fence.character) && match[1].length >= fence.length;
}

/** Reads a list marker and the blanks after it; leaves the line alone if there is none. */
export function listMarker(line: Line, inParagraph: boolean): Marker | null {
  const { word, indent } = line;
  const match = /^(?:([*+-])|(\d{1,9})([.)]))(?=[ \t]|$)/.exec(word);
  if (!match) return null;
  const [mark, bullet, digits, dot] = match;
  const empty = /^[ \t]*$/.test(word.slice(mark.length));
  if (inParagraph && (empty || (digits !== undefined && Number(digits) !== 1))) return null;
  line.skipBlanks();
  line.skip(mark.length);
  const blanks = line.indent;
  // Content indented by five or more is indented code after a single blank.
  const gap = empty || blanks > 4 ? 1 : blanks;
  line.skipColumns(gap);
  return { sign: bullet ?? dot ?? "", start: digits === undefined ? null : Number(digits), width: indent + mark.length + gap };
}
