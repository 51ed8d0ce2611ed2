// Emphasis, strong and strikethrough: runs of * _ ~ are collected while the text is read and paired afterwards, as the
// "delimiter stack" of the CommonMark specification describes. Pairs are noted on the runs; the tree is built from the notes.
import type { Inline } from "../tree.ts";

type Wrap = "emphasis" | "strong" | "strike";

/** A run of one delimiter character. */
export class Run {
  readonly opens: Wrap[] = [];
  readonly closes: Wrap[] = [];
  /** Characters of the run that no pair has used. */
  left: number;
  before: Run | null = null;
  after: Run | null = null;
  readonly character: string;
  readonly length: number;
  readonly canOpen: boolean;
  readonly canClose: boolean;
  /** Index in the source, to know how far back an unpaired opener reaches. */
  readonly at: number;

  constructor(character: string, length: number, canOpen: boolean, canClose: boolean, at: number) {
    this.character = character;
    this.length = this.left = length;
    this.canOpen = canOpen;
    this.canClose = canClose;
    this.at = at;
  }

  /** Runs with the same key fail to find an opener in the same place. */
  get key(): string {
    return this.character === "~" ? `~${this.length}` : `${this.character}${this.canOpen}${this.length % 3}`;
  }
}

/** Text, a finished piece, or a run whose fate is open. */
export type Piece = Inline | Run;

/** A stretch [from, to) of the source. */
export type Range = readonly [number, number];

/** The runs seen and not yet settled, in order. */
export class Runs {
  /** Stretches of the source that belong together. */
  readonly bound: Range[] = [];
  last: Run | null = null;

  push(run: Run): void {
    run.before = this.last;
    if (this.last) this.last.after = run;
    this.last = run;
  }

  private remove(run: Run): void {
    if (run.before) run.before.after = run.after;
    if (run.after) run.after.before = run.before;
    else this.last = run.before;
  }

  /** Lets the openers left after pairing reach to the end of the text, if they are near it. For text that is still arriving. */
  pairWithEnd(end: number): void {
    for (let run = this.last; run; run = run.before) {
      const reach = run.left >= 2 || run.character === "~" ? 400 : 80;
      if (!run.canOpen || run.left > 3 || end - run.at > reach) continue;
      if (run.character === "~") run.opens.push("strike");
      else if (run.left >= 2) run.opens.push("strong");
      if (run.character !== "~" && run.left !== 2) run.opens.push("emphasis");
      run.left = 0;
    }
  }

  /** Pairs the runs after `bottom`. Returns the index of the first opener left without a closer. */
  pair(bottom: Run | null): number {
    const floor = new Map<string, Run | null>();
    let closer = this.last;
    while (closer && closer.before !== bottom) closer = closer.before;
    while (closer) {
      const next: Run | null = closer.after;
      if (!closer.canClose) {
        closer = next;
        continue;
      }
      const stop = floor.has(closer.key) ? (floor.get(closer.key) ?? null) : bottom;
      let opener = closer.before;
      while (opener && opener !== stop && opener !== bottom && !pairs(opener, closer)) opener = opener.before;
      if (!opener || opener === stop || opener === bottom) {
        floor.set(closer.key, closer.before);
        if (!closer.canOpen) this.remove(closer);
        closer = next;
        continue;
      }
      const used = closer.character === "~" ? closer.length : Math.min(2, opener.left, closer.left);
      const wrap = closer.character === "~" ? "strike" : used === 2 ? "strong" : "emphasis";
      this.bound.push([opener.at, closer.at + closer.length]);
      opener.opens.push(wrap);
      closer.closes.push(wrap);
      opener.left -= used;
      closer.left -= used;
      opener.after = closer;
      closer.before = opener;
      if (opener.left === 0) this.remove(opener);
      if (closer.left === 0) {
        this.remove(closer);
        closer = next;
      }
    }
    let first = Number.POSITIVE_INFINITY;
    for (let run = this.last; run && run !== bottom; run = run.before) if (run.canOpen) first = run.at;
    return first;
  }

  /** Forgets the runs after `bottom`. */
  forget(bottom: Run | null): void {
    this.last = bottom;
    if (bottom) bottom.after = null;
  }
}

function pairs(opener: Run, closer: Run): boolean {
  if (opener.character !== closer.character || !opener.canOpen) return false;
  if (closer.character === "~") return opener.length === closer.length;
  const eitherBoth = closer.canOpen || opener.canClose;
  return !(eitherBoth && closer.length % 3 !== 0 && (opener.length + closer.length) % 3 === 0);
}

/** Puts neighbouring texts together. */
export function appendInline(list: Inline[], part: Inline): void {
  const last = list.at(-1);
  if (part.kind !== "text") list.push(part);
  else if (last?.kind === "text") list[list.length - 1] = { kind: "text", text: last.text + part.text };
  else if (part.text !== "") list.push(part);
}

/** The tree of a row of pieces whose runs have been paired. */
export function assemble(pieces: readonly Piece[]): Inline[] {
  const frames: { wrap: Wrap | null; children: Inline[] }[] = [{ wrap: null, children: [] }];
  const add = (part: Inline) => {
    const top = frames.at(-1);
    if (top) appendInline(top.children, part);
  };
  for (const piece of pieces) {
    if (!(piece instanceof Run)) {
      add(piece);
      continue;
    }
    for (let i = 0; i < piece.closes.length; i++) {
      const done = frames.pop();
      if (done?.wrap) add({ kind: done.wrap, children: done.children });
    }
    if (piece.left > 0) add({ kind: "text", text: piece.character.repeat(piece.left) });
    for (let i = piece.opens.length - 1; i >= 0; i--) frames.push({ wrap: piece.opens[i] ?? null, children: [] });
  }
  while (frames.length > 1) {
    const done = frames.pop();
    if (done?.wrap) add({ kind: done.wrap, children: done.children });
  }
  return frames[0]?.children ?? [];
}
