// The follower against a scripted server: each connection is a script of events, the test reads what was shown.
import { afterEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "../src/apiError";
import type { ReplyFrame } from "../src/liveFeed";
import type { ReplyCursor } from "../src/replyCursor";
import { followReply, type ReplyEvent } from "../src/replyStream";

type Script = { body: string; asked?: (lastEventId: string | null) => void } | Response | "refused";

const event = (type: string, id: string | null, data: object): string =>
  `event: ${type}\n${id === null ? "" : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;
const snapshot = (id: string, text: string): string =>
  event("snapshot", id, { text, state: "streaming", reason: null, marks: [], attempt: 1 });
const word = (id: string, text: string): string => event("text", id, { text });
const done = event("done", null, { state: "complete", reason: null, finished_at: "2030-01-01T00:00:00Z" });

async function run(scripts: Script[], stopAfter = Infinity) {
  const asked: (string | null)[] = [];
  const waits: number[] = [];
  const connection: string[] = [];
  const events: ReplyEvent[] = [];
  const abort = new AbortController();
  const request = async (_input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    asked.push(new Headers(init?.headers).get("Last-Event-ID"));
    if (asked.length >= stopAfter) abort.abort();
    const script = scripts.shift();
    if (script === undefined) throw new Error("one connection too many");
    if (script === "refused") throw new TypeError("network");
    if (script instanceof Response) return script;
    return new Response(script.body, { headers: { "Content-Type": "text/event-stream" } });
  };
  const result = await followReply({
    replyId: "r", signal: abort.signal, fetch: request as typeof fetch, random: () => 1,
    wait: async (ms) => { waits.push(ms); },
    onEvent: (e) => events.push(e), onConnection: (status) => connection.push(status),
  }).catch((error: unknown) => error);
  let shown = "";
  for (const e of events) {
    if (e.type === "snapshot") shown = e.text;
    if (e.type === "text") shown += e.text;
  }
  return { asked, waits, connection, events, shown, result };
}

describe("followReply", () => {
  it("shows a reply from its first word to its end", async () => {
    const r = await run([{ body: snapshot("e-none", "") + word("e-0", "Hel") + word("e-1", "lo") + event("end", "e-2", {}) + done }]);
    expect(r.shown).toBe("Hello");
    expect(r.asked).toEqual([null]);
    expect(r.events.at(-1)).toEqual({ type: "done", state: "complete", reason: null, finishedAt: "2030-01-01T00:00:00Z" });
    expect(r.waits).toEqual([]);
  });

  it("hears that a model may be loading, which moves no position", async () => {
    const loading = event("state", null, { state: "streaming", attempt: 1, loading: true });
    const r = await run([{ body: snapshot("e-none", "") + loading }, { body: word("e-0", "a") + done }]);
    expect(r.events).toContainEqual({ type: "state", state: "streaming", attempt: 1, loading: true });
    expect(r.asked).toEqual([null, "e-none"]);
  });

  it("goes on after a cut from the last id and drops what is repeated", async () => {
    const r = await run([
      { body: snapshot("e-1", "ab") + word("e-2", "c") + 'event: text\nid: e-3\ndata: {"te' },
      { body: word("e-1", "b") + word("e-2", "c") + word("e-3", "d") + done },
    ]);
    expect(r.asked).toEqual([null, "e-2"]);
    expect(r.shown).toBe("abcd");
    expect(r.connection).toEqual(["open", "lost", "open"]);
  });

  it("resumes a reply of which nothing was sent yet", async () => {
    const r = await run([{ body: snapshot("e-none", "") }, { body: word("e-0", "a") + done }]);
    expect(r.asked).toEqual([null, "e-none"]);
    expect(r.shown).toBe("a");
  });

  it("asks for a snapshot when one event is missing", async () => {
    const r = await run([
      { body: snapshot("e-none", "") + word("e-0", "a") + word("e-2", "c") + done },
      { body: snapshot("e-2", "abc") + word("e-3", "d") + done },
    ]);
    expect(r.asked).toEqual([null, null]);
    expect(r.shown).toBe("abcd");
  });

  it("asks for a snapshot when the epoch changes without one, and takes a new epoch with one", async () => {
    const r = await run([
      { body: snapshot("e-5", "old") },
      { body: word("f-6", "x") },
      { body: snapshot("f-none", "") + word("f-0", "new") + done },
    ]);
    expect(r.asked).toEqual([null, "e-5", null]);
    expect(r.shown).toBe("new");
  });

  it("shows an answer that had ended before it was followed", async () => {
    const stored = event("snapshot", null, { text: "abc", state: "interrupted", reason: null, marks: [], attempt: 2 });
    const r = await run([{ body: snapshot("e-1", "ab") }, { body: stored + done }]);
    expect(r.asked).toEqual([null, "e-1"]);
    expect(r.shown).toBe("abc");
    expect(r.events.at(-1)?.type).toBe("done");
  });

  it("begins with a snapshot without an id when no stream is there yet, and goes on from the first event's id", async () => {
    const queued = event("snapshot", null, { text: "", state: "queued", reason: null, marks: [], attempt: 1 });
    const r = await run([{ body: queued + word("e-0", "a") + word("e-1", "b") }, { body: word("e-2", "c") + done }]);
    expect(r.asked).toEqual([null, "e-1"]);
    expect(r.shown).toBe("abc");
  });

  it("never gives up, waits longer and longer, and starts anew after progress", async () => {
    const r = await run([
      "refused", "refused", new Response("busy", { status: 502 }), "refused", "refused", "refused", "refused",
      { body: snapshot("e-none", "") + word("e-0", "a") },
      { body: done },
    ]);
    expect(r.waits).toEqual([200, 400, 800, 1600, 3200, 5000, 5000, 200]);
    expect(r.shown).toBe("a");
  });

  it("does not hammer a server that answers with snapshots and cuts", async () => {
    const cut = { body: snapshot("e-0", "a") };
    const r = await run([cut, cut, cut, { body: done }]);
    expect(r.waits).toEqual([200, 400, 800]);
  });

  it("waits as long as the server asks", async () => {
    const r = await run([new Response("{}", { status: 503, headers: { "Retry-After": "7" } }), { body: snapshot("e-0", "a") + done }]);
    expect(r.waits).toEqual([7000]);
  });

  it("comes back once at a random moment when the server drains, keeping its place, without calling it lost", async () => {
    const r = await run([
      { body: snapshot("e-0", "a") + event("reconnect", null, {}) + word("e-1", "never read") },
      { body: word("e-1", "b") + done },
    ]);
    expect(r.waits).toEqual([2000]);
    expect(r.asked).toEqual([null, "e-0"]);
    expect(r.shown).toBe("ab");
    expect(r.connection).toEqual(["open", "open"]);
  });

  it("does not connect again after done", async () => {
    const r = await run([{ body: snapshot("e-0", "a") + done + word("e-1", "late") }]);
    expect(r.shown).toBe("a");
    expect(r.asked).toHaveLength(1);
  });

  it.each([401, 403, 404])("says so when there is nothing to follow: %i", async (status) => {
    const problem = { status, code: "not_found", detail: "No such reply.", title: "Not found" };
    const r = await run([new Response(JSON.stringify(problem), { status })]);
    expect(r.result).toBeInstanceOf(ApiError);
    expect((r.result as ApiError).status).toBe(status);
  });

  it("takes the snapshot of a finished reply, which has no id", async () => {
    const whole = event("snapshot", null, { text: "whole", state: "complete", reason: null, marks: [], attempt: 1 });
    const r = await run([{ body: whole + done }]);
    expect(r.shown).toBe("whole");
    expect(r.asked).toHaveLength(1);
  });

  it("takes the first words after a snapshot without id as its continuation, and counts from there", async () => {
    const nowhere = event("snapshot", null, { text: "a", state: "streaming", reason: null, marks: [], attempt: 1 });
    const r = await run([
      { body: nowhere + word("e-5", "b") + word("e-7", "never shown") },
      { body: snapshot("e-6", "abc") + word("e-7", "d") + done },
    ]);
    expect(r.asked).toEqual([null, null]);
    expect(r.shown).toBe("abcd");
  });

  it("stops at once when aborted", async () => {
    const r = await run([{ body: snapshot("e-0", "a") }, "refused"], 2);
    expect(r.asked).toHaveLength(2);
    expect(r.result).toBeUndefined();
  });

  it("treats a page in place of a stream as a cut", async () => {
    const r = await run([new Response("<html>", { headers: { "Content-Type": "text/html" } }), { body: snapshot("e-0", "a") + done }]);
    expect(r.shown).toBe("a");
    expect(r.waits).toEqual([200]);
  });

  it("passes marks and states on", async () => {
    const r = await run([{ body: snapshot("e-0", "a") + event("state", null, { state: "streaming", attempt: 2 }) + event("mark", "e-1", { kind: "continued" }) + word("e-2", "b") + done }]);
    expect(r.events.map((e) => e.type)).toEqual(["snapshot", "state", "mark", "text", "done"]);
  });
});

const frame = (event: string, id: string | null, data: Record<string, unknown>): ReplyFrame => ({ event, id, data });
const carried = {
  snapshot: (id: string | null, text: string, state = "streaming") => frame("snapshot", id, { text, state, reason: null, marks: [], attempt: 1 }),
  word: (seq: number) => frame("text", `e-${seq}`, { text: String(seq) }),
  state: frame("state", null, { state: "streaming", attempt: 9, loading: true }),
  done: frame("done", null, { state: "complete", reason: null, finished_at: null }),
  error: frame("error", null, { code: "unavailable", detail: "come again" }),
};
/** What was said up to and with `seq`, one digit each. */
const upTo = (seq: number): string => Array.from({ length: seq + 1 }, (_, one) => String(one)).join("");

/** A follower that may use the feed: `tries` are what comes over it, and nothing more comes before it is left. */
async function overFeed(tries: ReplyFrame[][], alone: string[] = [], cursor: ReplyCursor | null = null) {
  const asked: (string | null)[] = [];
  const askedAlone: (string | null)[] = [];
  const events: ReplyEvent[] = [];
  const lengths: number[] = [];
  let shown = cursor ? upTo(cursor.seq) : "";
  const abort = new AbortController();
  const result = await followReply({
    replyId: "r", signal: abort.signal, cursor, random: () => 1, wait: async () => undefined,
    carry: (_reply, from, signal) => {
      asked.push(from);
      const frames = tries.shift();
      if (!frames) abort.abort();
      if (!frames) return null;
      return (async function* () {
        yield* frames;
        await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      })();
    },
    fetch: (async (_input: RequestInfo | URL, init?: RequestInit) => {
      askedAlone.push(new Headers(init?.headers).get("Last-Event-ID"));
      const body = alone.shift();
      if (body === undefined) abort.abort();
      return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
    }) as typeof fetch,
    onEvent: (e) => {
      events.push(e);
      if (e.type === "snapshot") shown = e.text;
      if (e.type === "text") shown += e.text;
      lengths.push(shown.length);
    },
  }).catch((error: unknown) => error);
  return { asked, askedAlone, events, shown, lengths, result };
}

describe("followReply over the feed of a browser's tabs", () => {
  const { snapshot: begin, word: piece, state, done: end, error } = carried;
  afterEach(() => vi.useRealTimers());

  it("leaves out what another tab is given until its own following begins", async () => {
    const r = await overFeed([[piece(7), state, piece(8), end, begin("e-5", upTo(5)), piece(6), piece(7), piece(8), piece(9), end]]);
    expect(r.asked).toEqual([null]);
    expect(r.shown).toBe(upTo(9));
    expect(r.events.map((e) => e.type)).toEqual(["snapshot", "text", "text", "text", "text", "done"]);
  });

  it("keeps what it shows when a tab that joins is given the beginning", async () => {
    const r = await overFeed([[begin("e-5", upTo(5)), piece(6), piece(7), begin("e-3", upTo(3)), ...[4, 5, 6, 7, 8].map(piece), end]]);
    expect(r.lengths).toEqual([6, 7, 8, 9, 9]);
    expect(r.shown).toBe(upTo(8));
  });

  it("takes a snapshot that says more, is of another epoch, or ends the answer", async () => {
    const r = await overFeed([[begin("e-2", upTo(2)), begin("e-4", upTo(4)), begin("f-1", "new"), begin("f-0", "whole", "complete"), end]]);
    expect(r.events.map((e) => (e.type === "snapshot" ? e.text : e.type))).toEqual([upTo(2), upTo(4), "new", "whole", "done"]);
  });

  it("comes back with an older place than another tab's, and goes on from its own", async () => {
    const r = await overFeed([[piece(8), begin("e-2", upTo(2)), end, piece(4), piece(5), end]], [], { epoch: "e", seq: 3 });
    expect(r.asked).toEqual(["e-3"]);
    expect(r.shown).toBe(upTo(5));
    expect(Math.min(...r.lengths)).toBe(5);
  });

  it("asks again from its own place when a tab that had read further took the following over", async () => {
    const r = await overFeed([[begin("e-2", upTo(2)), piece(3), piece(6)], [piece(4), piece(5), piece(6), end]]);
    expect(r.asked).toEqual([null, "e-3"]);
    expect(r.shown).toBe(upTo(6));
  });

  it("reads the answer's own stream, from its place, when the feed refuses", async () => {
    const r = await overFeed([[begin("e-1", upTo(1)), error]], [word("e-2", "2") + done]);
    expect(r.askedAlone).toEqual(["e-1"]);
    expect(r.shown).toBe(upTo(2));
  });

  it("reads the answer's own stream when nothing of it comes over the feed in time", async () => {
    vi.useFakeTimers();
    const following = overFeed([[piece(7), state]], [snapshot("e-1", upTo(1)) + done]);
    await vi.advanceTimersByTimeAsync(15_000);
    const r = await following;
    expect([r.asked, r.askedAlone]).toEqual([[null], [null]]);
    expect(r.shown).toBe(upTo(1));
  });

  it("waits for the feed no longer once its own following has begun", async () => {
    vi.useFakeTimers();
    const following = overFeed([[begin("e-1", upTo(1))]]);
    let over = false;
    void following.then(() => { over = true; });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(over).toBe(false);
  });
});
