// Follows one reply until it is done, through any number of cuts: reads its events over fetch, keeps the cursor,
// reconnects from it, and asks for a snapshot when something is missing. Knows no framework and no screen.
import { ApiError, apiErrorFrom } from "./apiError";
import { backoffMs, sleep } from "./backoff";
import { formatEventId, judge, parseEventId, type ReplyCursor } from "./replyCursor";
import type { ReplyFrame } from "./liveFeed";
import { SseParser } from "./sse";
import { isRunning, type Mark, type MessageState, type Reason } from "./types";

export type ReplyEvent =
  /** Replaces everything shown so far. */
  | { type: "snapshot"; text: string; state: MessageState; reason: Reason | null; marks: Mark[]; attempt: number }
  | { type: "text"; text: string }
  | { type: "mark"; kind: Mark["kind"] }
  /** `loading`: nothing has come for a while, from a server that may be loading the model. */
  | { type: "state"; state: MessageState; attempt: number; loading: boolean }
  | { type: "done"; state: MessageState; reason: Reason | null; finishedAt: string | null };

export interface FollowOptions {
  replyId: string;
  signal: AbortSignal;
  onEvent: (event: ReplyEvent) => void;
  /** "open" when bytes may flow, "lost" when a try failed or the stream broke before its end. */
  onConnection?: (status: "open" | "lost") => void;
  /** Where a former follower left off. */
  cursor?: ReplyCursor | null;
  fetch?: typeof fetch;
  /** Another way the events may come; null when it cannot carry them now. */
  carry?: (replyId: string, from: string | null, signal: AbortSignal) => AsyncIterable<ReplyFrame> | null;
  random?: () => number;
  wait?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Server comments come every 15 s; three missed ones mean that the connection is dead though nobody said so. */
const SILENCE_MS = 45_000;
/** Deadline for the first byte of the answer's head. */
const HEAD_MS = 15_000;
/** A connection that lived this long was healthy; the next failure starts the waiting times anew. */
const HEALTHY_MS = 5_000;
/** A draining server asks everyone back at a random moment within this time. */
const DRAIN_SPREAD_MS = 2_000;

type Outcome = "done" | "cut" | "gap" | "drain";

/**
 * Resolves when the reply is done or `signal` aborts. Never gives up by itself, except when the server says that
 * there is nothing to follow for this person: then it rejects with ApiError (401, 403, 404).
 */
export async function followReply(options: FollowOptions): Promise<void> {
  const { signal, random = Math.random, wait = sleep, onConnection } = options;
  const follower = new Follower(options);
  let failures = 0;
  while (!signal.aborted) {
    const started = Date.now();
    const progress = follower.applied;
    let outcome: Outcome = "cut";
    let atLeastMs = 0;
    try {
      outcome = await follower.connect();
    } catch (error) {
      if (error instanceof ApiError) {
        if ([401, 403, 404].includes(error.status)) throw error;
        atLeastMs = (error.retryAfter ?? 0) * 1000;
      }
    }
    if (signal.aborted || outcome === "done") return;
    if (outcome === "gap") follower.cursor = null;
    if (outcome === "drain") {
      failures = 0;
      await wait(random() * DRAIN_SPREAD_MS, signal);
      continue;
    }
    onConnection?.("lost");
    if (follower.applied > progress || Date.now() - started >= HEALTHY_MS) failures = 0;
    failures += 1;
    await wait(Math.max(atLeastMs, backoffMs(failures, random)), signal);
  }
}

class Follower {
  cursor: ReplyCursor | null;
  /** Events that moved the cursor so far; tells progress from a stream that only repeats itself. */
  applied = 0;
  /** The feed would not carry this answer, or brought nothing of it: its own route does, or says why. */
  refused = false;
  /** The events come over the feed, which all tabs of a browser share, and with it their followings of one answer. */
  #shared = false;
  /** What comes connects with what is shown here. Over the feed another tab's following may go on for a while. */
  #joined = false;
  /** The snapshot had no id, because the answer has no stream (any more, or yet): the next event begins one. */
  #unplaced = false;
  readonly #options: FollowOptions;

  constructor(options: FollowOptions) {
    this.#options = options;
    this.cursor = options.cursor ?? null;
  }

  /** One connection, from request to its end. Throws on network failure and on refusals. */
  async connect(): Promise<Outcome> {
    const { replyId, signal, onConnection, carry } = this.#options;
    this.#unplaced = false;
    const attempt = new AbortController();
    const from = this.cursor ? formatEventId(this.cursor) : null;
    const frames = this.refused ? null : carry?.(replyId, from, attempt.signal);
    this.#shared = Boolean(frames);
    this.#joined = !frames;
    if (!frames) return this.#connectAlone(attempt);
    const abort = (): void => attempt.abort();
    signal.addEventListener("abort", abort);
    const timer = setTimeout(() => {
      // The tab that has the feed may stand still: asking it again would be no use.
      this.refused = true;
      abort();
    }, HEAD_MS);
    try {
      for await (const frame of frames) {
        onConnection?.("open");
        if (frame.event === "error") {
          this.refused = true;
          return "cut";
        }
        const outcome = this.#take(frame);
        // Only the beginning is waited for; from then on the feed itself looks after the connection.
        if (this.#joined) clearTimeout(timer);
        if (outcome) return outcome;
      }
      return "cut";
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      attempt.abort();
    }
  }

  async #connectAlone(attempt: AbortController): Promise<Outcome> {
    const { replyId, signal, onConnection, fetch: request = fetch } = this.#options;
    const abort = (): void => attempt.abort();
    signal.addEventListener("abort", abort);
    let timer = setTimeout(abort, HEAD_MS);
    const hear = (): void => {
      clearTimeout(timer);
      timer = setTimeout(abort, SILENCE_MS);
    };
    try {
      const headers: Record<string, string> = { Accept: "text/event-stream" };
      if (this.cursor) headers["Last-Event-ID"] = formatEventId(this.cursor);
      const response = await request(`/api/v1/replies/${encodeURIComponent(replyId)}/stream`, {
        headers, signal: attempt.signal, cache: "no-store", credentials: "same-origin",
      });
      if (!response.ok) throw await refusal(response);
      if (!response.body || !(response.headers.get("Content-Type") ?? "").startsWith("text/event-stream")) return "cut";
      hear();
      onConnection?.("open");
      return await this.#read(response.body, hear);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      attempt.abort();
    }
  }

  async #read(body: ReadableStream<Uint8Array>, hear: () => void): Promise<Outcome> {
    const parser = new SseParser();
    const reader = body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return "cut";
      hear();
      for (const event of parser.push(value)) {
        if (this.#options.signal.aborted) return "cut";
        const outcome = this.#take({ event: event.type, id: event.id, data: parseObject(event.data) });
        if (outcome) return outcome;
      }
    }
  }

  /** The beginning that another tab is given: it is a part of what is shown here. */
  #isForAnother(cursor: ReplyCursor, state: MessageState): boolean {
    const { cursor: own } = this;
    return this.#shared && own !== null && cursor.epoch === own.epoch && cursor.seq <= own.seq && isRunning(state);
  }

  /**
   * Applies one event; an outcome ends the connection. Over the feed the server has one following of an answer for all
   * tabs, which begins anew, in place of the former one, where the tab that asked last wants it: what was read further
   * here is dropped, and what another one had read further is left out until the own following begins. Where it passed
   * over this tab, it is asked for again from here.
   */
  #take(event: ReplyFrame): Outcome | null {
    const { data } = event;
    const { onEvent } = this.#options;
    switch (event.event) {
      case "snapshot": {
        const cursor = parseEventId(event.id);
        if (!data || (event.id !== null && !cursor)) return "gap";
        if (cursor && this.#isForAnother(cursor, data["state"] as MessageState)) return null;
        this.#joined = true;
        this.cursor = cursor;
        this.#unplaced = cursor === null;
        onEvent({
          type: "snapshot", text: text(data["text"]), state: data["state"] as MessageState,
          reason: reason(data["reason"]), marks: marks(data["marks"]), attempt: count(data["attempt"]),
        });
        return null;
      }
      case "text":
      case "mark":
      case "end": {
        const first = this.#unplaced ? parseEventId(event.id) : null;
        const verdict = first ? { kind: "apply" as const, cursor: first } : judge(this.cursor, event.id);
        this.#unplaced = false;
        if (verdict.kind === "drop") return null;
        if (verdict.kind === "gap" && this.#shared) return this.#joined ? "cut" : null;
        if (verdict.kind === "gap" || !data) return "gap";
        this.#joined = true;
        this.cursor = verdict.cursor;
        this.applied += 1;
        if (event.event === "text") onEvent({ type: "text", text: text(data["text"]) });
        if (event.event === "mark") onEvent({ type: "mark", kind: data["kind"] as Mark["kind"] });
        return null;
      }
      case "state":
        if (data && this.#joined) {
          onEvent({
            type: "state", state: data["state"] as MessageState, attempt: count(data["attempt"]), loading: data["loading"] === true,
          });
        }
        return null;
      case "done":
        if (!this.#joined) return null;
        if (!data) return "gap";
        onEvent({
          type: "done", state: data["state"] as MessageState, reason: reason(data["reason"]),
          finishedAt: typeof data["finished_at"] === "string" ? data["finished_at"] : null,
        });
        return "done";
      case "reconnect":
        return "drain";
      default:
        return null;
    }
  }
}

async function refusal(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => null);
  return apiErrorFrom(response, body);
}

function parseObject(data: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function count(value: unknown): number {
  return typeof value === "number" ? value : 1;
}

function reason(value: unknown): Reason | null {
  return typeof value === "object" && value !== null && "code" in value ? (value as Reason) : null;
}

function marks(value: unknown): Mark[] {
  return Array.isArray(value) ? (value as Mark[]) : [];
}
