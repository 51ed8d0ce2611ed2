// The follower against a scripted server: each connection is a script of events, the test reads what was shown.
import { describe, expect, it } from "vitest";
import { ApiError } from "../src/apiError";
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
