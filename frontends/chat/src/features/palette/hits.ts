// How what was found is shown: under which heading, and which part of a long text. Pure.
import type { TextId } from "../../texts/t";

const DAY_MS = 24 * 3600 * 1000;
/** The first match stands within so many characters of the line's start. */
const LEAD = 24;

export function groupOf(iso: string, now: Date = new Date()): TextId {
  const today = new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime();
  const at = new Date(iso).getTime();
  if (at >= today) return "palette.today";
  if (at >= today - DAY_MS) return "palette.yesterday";
  if (at >= today - 6 * DAY_MS) return "palette.week";
  if (at >= today - 29 * DAY_MS) return "palette.month";
  return "palette.older";
}

export interface Piece {
  text: string;
  match: boolean;
}

export function clipped(snippet: readonly Piece[]): Piece[] {
  const first = snippet.findIndex((piece) => piece.match);
  if (first <= 0) return [...snippet];
  const before = snippet.slice(0, first).map((piece) => piece.text).join("");
  if (before.length <= LEAD) return [...snippet];
  const tail = before.slice(-LEAD);
  // From the beginning of a word, unless it is one long word.
  const word = tail.slice(tail.indexOf(" ") + 1);
  return [{ text: `… ${word.trimStart()}`, match: false }, ...snippet.slice(first)];
}
