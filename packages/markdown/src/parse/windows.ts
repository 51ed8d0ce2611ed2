// Bounds the cost of running text. A paragraph longer than a window is read in segments, each cut where nothing is open; where
// a cut falls depends on the text alone, never on the pieces it arrived in. While a paragraph grows, only its last segment is
// read again. Emphasis, links and code longer than a window may lose their closer: no real text has them.
import type { Inline } from "../tree.ts";
import type { Target } from "./destination.ts";
import { appendInline } from "./emphasis.ts";
import { type Lookup, type Scan, scanInline } from "./inline.ts";

/** Characters (UTF-16 code units) per window. */
export const WINDOW = 4096;
/** No segment is shorter, so that a text full of openers still gets along in steps. */
const SHORTEST = 1024;

/** A segment that is settled as long as its window and the labels it asked for stay the same. */
export interface Segment {
  readonly window: string;
  readonly length: number;
  readonly inline: readonly Inline[];
  readonly labels: ReadonlyMap<string, Target | undefined>;
}

/** Running text: its pieces and every label it depends on. `read` counts the characters that had to be scanned. */
export interface Reading {
  readonly inline: readonly Inline[];
  readonly labels: ReadonlySet<string>;
  readonly read: number;
}

function cutOf(window: string, scan: Scan): number | null {
  const joined = new Uint8Array(window.length + 1);
  for (const [from, to] of scan.bound) joined.fill(1, Math.max(0, from + 1), Math.min(to, window.length));
  const last = (limit: number, seam: RegExp): number | null => {
    for (let at = Math.min(limit, window.length - 1); at >= SHORTEST; at--) {
      if (joined[at] === 0 && seam.test(window.slice(at - 2, at + 1))) return at;
    }
    return null;
  };
  const blank = /\S \S/;
  const safe = Math.min(scan.openAt, window.length - 1);
  return last(safe, blank) ?? last(safe, /\p{L}\p{L}.?/u) ?? last(window.length - 1, blank) ?? last(window.length - 1, /\p{L}\p{L}.?/u);
}

/**
 * Reads running text; `known` holds the settled segments of an earlier reading and is brought up to date. For `arriving` see
 * `scanInline`.
 */
export function readInline(source: string, lookup: Lookup, known: Segment[], arriving = false): Reading {
  const inline: Inline[] = [];
  const labels = new Set<string>();
  let read = 0;
  let from = 0;
  let size = WINDOW;
  let index = 0;
  while (source.length - from > size) {
    let segment = known[index];
    if (segment && !settled(segment, source, from, lookup)) {
      known.length = index;
      segment = undefined;
    }
    if (!segment) {
      const window = source.slice(from, from + size);
      const asked = new Map<string, Target | undefined>();
      const ask = remember(lookup, asked);
      read += size;
      const cut = cutOf(window, scanInline(window, ask));
      if (cut === null) {
        size *= 2;
        continue;
      }
      read += cut;
      segment = { window, length: cut, inline: scanInline(window.slice(0, cut), ask).inline, labels: asked };
      known.push(segment);
    }
    for (const part of segment.inline) appendInline(inline, part);
    for (const label of segment.labels.keys()) labels.add(label);
    from += segment.length;
    size = WINDOW;
    index++;
  }
  known.length = Math.min(known.length, index);
  const rest = source.slice(from);
  const asked = new Map<string, Target | undefined>();
  for (const part of scanInline(rest, remember(lookup, asked), arriving).inline) appendInline(inline, part);
  for (const label of asked.keys()) labels.add(label);
  return { inline, labels, read: read + rest.length };
}

function remember(lookup: Lookup, asked: Map<string, Target | undefined>): Lookup {
  return (label) => {
    const target = lookup(label);
    asked.set(label, target);
    return target;
  };
}

function settled(segment: Segment, source: string, from: number, lookup: Lookup): boolean {
  if (source.length - from <= segment.window.length || !source.startsWith(segment.window, from)) return false;
  for (const [label, target] of segment.labels) {
    const now = lookup(label);
    if (now?.href !== target?.href || now?.title !== target?.title) return false;
  }
  return true;
}
