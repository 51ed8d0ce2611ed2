// The live feed: one connection that tells what changed, and carries answers as they are written. A WebSocket where it
// gets through, server-sent events where it is blocked. Comes back by itself, from where it was. Knows no framework.
import { ApiError, apiErrorFrom } from "./apiError";
import { backoffMs, sleep } from "./backoff";
import { SseParser } from "./sse";

export interface Hint {
  /** An event's kind: `chat.renamed`, `message.sent`… */
  kind: string;
  /** What it happened to. */
  id: string;
  version: number;
}

/** One event of an answer's stream, as the answer's own route sends it. */
export interface ReplyFrame {
  event: string;
  id: string | null;
  data: Record<string, unknown> | null;
}

export interface LiveEvents {
  onHint: (hint: Hint, position: string) => void;
  /** Something may have been missed: fetch everything anew. */
  onResync: (position: string | null) => void;
  /** `carries`: whether answers come over it. */
  onOpen: (carries: boolean, position: string | null) => void;
  onLost: () => void;
  onReply: (reply: string, frame: ReplyFrame) => void;
  /** The connection lives; told every 20 s. */
  onBeat: (position: string | null) => void;
}

interface Options extends LiveEvents {
  signal: AbortSignal;
  /** Behind what is known. */
  position?: string | null;
  WebSocket?: typeof WebSocket;
  fetch?: typeof fetch;
  random?: () => number;
  wait?: (ms: number, signal: AbortSignal) => Promise<void>;
}

const PATH = "/api/v1/live";
/** Signs of life come more often than this; longer silence means a dead connection. */
const SILENCE_MS = 50_000;
const OPEN_MS = 15_000;
const HEALTHY_MS = 5_000;
/** A draining server asks everyone back at a random moment within this time. */
const DRAIN_SPREAD_MS = 2_000;
/** After this many WebSockets in a row that were never greeted, server-sent events are tried. */
const BLOCKED_AFTER = 1;

type End = "bye" | "cut" | "never";

export class LiveFeed {
  #socket: WebSocket | null = null;
  #greeted = false;
  #position: string | null;
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
    this.#position = options.position ?? null;
  }

  /** Whether answers can be followed over it now. */
  get carries(): boolean {
    return this.#greeted && this.#socket !== null;
  }

  follow(reply: string, from: string | null): void {
    this.#send({ type: "follow", reply, from });
  }

  unfollow(reply: string): void {
    this.#send({ type: "unfollow", reply });
  }

  #send(frame: unknown): void {
    if (this.#socket?.readyState === 1) this.#socket.send(JSON.stringify(frame));
  }

  /** Ends when `signal` aborts, or with ApiError when this person may not listen (401, 403, 404). */
  async run(): Promise<void> {
    const { signal, random = Math.random, wait = sleep } = this.#options;
    let failures = 0;
    let blocked = 0;
    while (!signal.aborted) {
      const began = Date.now();
      const bySocket = blocked < BLOCKED_AFTER;
      let end: End = "never";
      let atLeastMs = 0;
      try {
        end = bySocket ? await this.#overSocket() : await this.#overEvents();
      } catch (error) {
        if (error instanceof ApiError) {
          if ([401, 403, 404].includes(error.status)) throw error;
          atLeastMs = (error.retryAfter ?? 0) * 1000;
        }
      }
      if (this.#greeted) this.#options.onLost();
      this.#greeted = false;
      this.#socket = null;
      if (signal.aborted) return;
      // What was blocked once is tried again whenever the other way ends: the proxy between may be another one now.
      blocked = bySocket && end === "never" ? blocked + 1 : 0;
      if (end === "bye") {
        failures = 0;
        await wait(random() * DRAIN_SPREAD_MS, signal);
        continue;
      }
      if (end === "cut" && Date.now() - began >= HEALTHY_MS) failures = 0;
      failures += 1;
      await wait(Math.max(atLeastMs, backoffMs(failures, random)), signal);
    }
  }

  #address(): string {
    return this.#position === null ? PATH : `${PATH}?position=${encodeURIComponent(this.#position)}`;
  }

  #overSocket(): Promise<End> {
    const { signal, WebSocket: Socket = globalThis.WebSocket } = this.#options;
    return new Promise((resolve) => {
      const socket = new Socket(`${location.origin.replace(/^http/, "ws")}${this.#address()}`);
      this.#socket = socket;
      let end: End = "never";
      const close = (): void => socket.close();
      let timer = setTimeout(close, OPEN_MS);
      signal.addEventListener("abort", close);
      socket.onmessage = ({ data }: MessageEvent): void => {
        clearTimeout(timer);
        timer = setTimeout(close, SILENCE_MS);
        if (end === "never") end = "cut";
        if (this.#take(String(data), true)) {
          end = "bye";
          socket.close();
        }
      };
      socket.onclose = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", close);
        resolve(end);
      };
    });
  }

  async #overEvents(): Promise<End> {
    const { signal, fetch: request = fetch } = this.#options;
    const attempt = new AbortController();
    const abort = (): void => attempt.abort();
    signal.addEventListener("abort", abort);
    let timer = setTimeout(abort, OPEN_MS);
    let end: End = "never";
    try {
      const response = await request(this.#address(), {
        headers: { Accept: "text/event-stream", "X-CSRF": "1" }, signal: attempt.signal, cache: "no-store", credentials: "same-origin",
      });
      if (!response.ok) throw apiErrorFrom(response, await response.json().catch(() => null));
      if (!response.body || !(response.headers.get("Content-Type") ?? "").startsWith("text/event-stream")) return "never";
      const parser = new SseParser();
      const reader = response.body.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return end;
        clearTimeout(timer);
        timer = setTimeout(abort, SILENCE_MS);
        for (const event of parser.push(value)) {
          end = "cut";
          if (this.#take(event.data, false)) return "bye";
        }
      }
    } catch (error) {
      if (error instanceof ApiError) throw error;
      return end;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      attempt.abort();
    }
  }

  /** True when the server asks to come again. */
  #take(text: string, bySocket: boolean): boolean {
    const frame = parsed(text);
    if (!frame) return false;
    const { onHint, onResync, onOpen, onReply, onBeat } = this.#options;
    const position = typeof frame["position"] === "string" ? frame["position"] : null;
    if (position !== null) this.#position = position;
    switch (frame["type"]) {
      case "hello":
        this.#greeted = true;
        onOpen(bySocket, this.#position);
        return false;
      case "hint":
        onHint({ kind: String(frame["kind"]), id: String(frame["id"]), version: Number(frame["version"] ?? 0) }, this.#position ?? "");
        return false;
      case "resync":
        onResync(this.#position);
        return false;
      case "reply":
        onReply(String(frame["reply"]), {
          event: String(frame["event"]), id: typeof frame["id"] === "string" ? frame["id"] : null, data: record(frame["data"]),
        });
        return false;
      case "ping":
        onBeat(this.#position);
        return false;
      case "bye":
        return true;
      default:
        return false;
    }
  }
}

function record(value: unknown): Record<string, unknown> | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    return record(JSON.parse(text));
  } catch {
    return null;
  }
}
