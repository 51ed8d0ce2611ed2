// Which events of a reply are new. Pure, so that every off-by-one has a test.
// An id is "<epoch hex>-<seq decimal>" or "<epoch>-none" (a snapshot of nothing, seq -1).

export interface ReplyCursor {
  epoch: string;
  seq: number;
}

export type Verdict =
  /** Show it; `cursor` is the new place. */
  | { kind: "apply"; cursor: ReplyCursor }
  /** Shown already. */
  | { kind: "drop" }
  /** Something is missing: only a snapshot can help. */
  | { kind: "gap" };

/** Null when the text is no id of a reply's event. */
export function parseEventId(id: string | null): ReplyCursor | null {
  const match = id === null ? null : /^([0-9a-f]+)-(\d{1,15}|none)$/i.exec(id);
  if (!match) return null;
  const [, epoch = "", seq = ""] = match;
  return { epoch: epoch.toLowerCase(), seq: seq === "none" ? -1 : Number(seq) };
}

export function formatEventId(cursor: ReplyCursor): string {
  return `${cursor.epoch}-${cursor.seq < 0 ? "none" : cursor.seq}`;
}

/** Judges an event that carries an id (`text`, `mark`, `end`) against the last one applied. */
export function judge(last: ReplyCursor | null, id: string | null): Verdict {
  const next = parseEventId(id);
  if (!next || !last || next.epoch !== last.epoch) return { kind: "gap" };
  if (next.seq <= last.seq) return { kind: "drop" };
  return next.seq === last.seq + 1 ? { kind: "apply", cursor: next } : { kind: "gap" };
}
