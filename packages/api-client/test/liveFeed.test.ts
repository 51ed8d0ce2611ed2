// The live feed against scripted connections: what is passed on, when it comes back, and from where.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "../src/apiError";
import { LiveFeed, type Hint, type ReplyFrame } from "../src/liveFeed";

/** A socket whose other end is the test. */
class Socket {
  static all: Socket[] = [];
  readyState = 1;
  sent: unknown[] = [];
  closed = false;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;
  constructor(readonly url: string) {
    Socket.all.push(this);
  }
  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
  close(): void {
    if (this.closed) return;
    this.closed = true;
    queueMicrotask(() => this.onclose?.());
  }
  say(...frames: unknown[]): void {
    for (const frame of frames) this.onmessage?.({ data: typeof frame === "string" ? frame : JSON.stringify(frame) });
  }
}

const hello = (position: string) => ({ type: "hello", position });
const hint = (id: string, position: string) => ({ type: "hint", kind: "chat.renamed", id, version: 3, position });
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};

function start(answers: (() => Promise<Response>)[] = [], position: string | null = null) {
  const abort = new AbortController();
  const heard: string[] = [];
  const hints: [Hint, string][] = [];
  const frames: [string, ReplyFrame][] = [];
  const waits: number[] = [];
  const asked: string[] = [];
  /** Ends the pause before the next try. */
  let goOn: () => void = () => undefined;
  const feed = new LiveFeed({
    signal: abort.signal, position, random: () => 1,
    WebSocket: Socket as unknown as typeof WebSocket,
    fetch: (async (input: RequestInfo | URL) => {
      asked.push(String(input));
      const answer = answers.shift();
      if (!answer) throw new TypeError("network");
      return answer();
    }) as typeof fetch,
    wait: (ms) => {
      waits.push(ms);
      return new Promise((resolve) => { goOn = resolve; });
    },
    onHint: (one, at) => hints.push([one, at]),
    onResync: (at) => heard.push(`resync ${at}`),
    onOpen: (carries, at) => heard.push(`open ${carries ? "carries" : "hints"} ${at}`),
    onLost: () => heard.push("lost"),
    onReply: (reply, frame) => frames.push([reply, frame]),
    onBeat: (at) => heard.push(`beat ${at}`),
  });
  const run = feed.run().then(() => "ended", (error: unknown) => error);
  const next = async (): Promise<void> => {
    goOn();
    await settled();
  };
  return { feed, run, abort, heard, hints, frames, waits, asked, next };
}

const latest = (): Socket => {
  const socket = Socket.all.at(-1);
  if (!socket) throw new Error("no socket was opened");
  return socket;
};
async function cut(socket: Socket): Promise<void> {
  socket.close();
  await settled();
}

/** An answer of server-sent events that the test writes and ends. */
function stream() {
  let control: ReadableStreamDefaultController<Uint8Array> | null = null;
  const body = new ReadableStream<Uint8Array>({ start: (given) => { control = given; } });
  return {
    answer: async () => new Response(body, { headers: { "Content-Type": "text/event-stream" } }),
    say: (frame: unknown) => control?.enqueue(new TextEncoder().encode(`data: ${JSON.stringify(frame)}\n\n`)),
    end: () => control?.close(),
  };
}
const eventually = (check: () => void): Promise<void> => vi.waitFor(check, { interval: 1 });

beforeEach(() => {
  Socket.all = [];
  vi.stubGlobal("location", { origin: "https://chat.example.org" });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("LiveFeed over a WebSocket", () => {
  it("passes hints, resyncs and frames of answers on, and drops what it does not understand", async () => {
    const r = start();
    expect(latest().url).toBe("wss://chat.example.org/api/v1/live");
    expect(r.feed.carries).toBe(false);
    latest().say("{broken", 7, [1], hello("p1"), { type: "new in a later version" }, hint("c1", "p2"), { type: "resync", position: "p3" }, { type: "ping", position: "p4" },
      { type: "reply", reply: "r1", event: "text", id: "e-1", data: { text: "Hi" } }, { type: "reply", reply: "r1", event: "end", data: [1] });
    expect(r.heard).toEqual(["open carries p1", "resync p3", "beat p4"]);
    expect(r.hints).toEqual([[{ kind: "chat.renamed", id: "c1", version: 3 }, "p2"]]);
    expect(r.frames).toEqual([["r1", { event: "text", id: "e-1", data: { text: "Hi" } }], ["r1", { event: "end", id: null, data: null }]]);
    expect(r.feed.carries).toBe(true);
    r.feed.follow("r1", "e-1");
    r.feed.unfollow("r1");
    expect(latest().sent).toEqual([{ type: "follow", reply: "r1", from: "e-1" }, { type: "unfollow", reply: "r1" }]);
  });

  it("comes back from where it was, later and later, and at once again after it held", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const r = start();
    for (let cuts = 1; cuts <= 7; cuts += 1) {
      latest().say(hello(`p${cuts}`));
      await cut(latest());
      expect(Socket.all).toHaveLength(cuts);
      await r.next();
      expect(latest().url).toMatch(new RegExp(`\\?position=p${cuts}$`));
    }
    expect(r.waits).toEqual([200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
    latest().say(hello("p8"));
    vi.setSystemTime(Date.now() + 5_000);
    await cut(latest());
    expect(r.waits.at(-1)).toBe(200);
    expect(r.heard.filter((what) => what === "lost")).toHaveLength(8);
  });

  it("comes again when the server asks it to, without counting it as a failure", async () => {
    const r = start();
    latest().say(hello("p1"));
    await cut(latest());
    await r.next();
    latest().say(hello("p2"), { type: "bye" });
    await settled();
    expect(latest().closed).toBe(true);
    await r.next();
    latest().say(hello("p3"));
    await cut(latest());
    // Cut, asked back within the spread, cut: the third counts as the first.
    expect(r.waits).toEqual([200, 2_000, 200]);
  });

  it("gives a silent connection up", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const r = start();
    latest().say(hello("p1"));
    vi.advanceTimersByTime(49_000);
    latest().say(hint("c1", "p2"));
    vi.advanceTimersByTime(49_000);
    await settled();
    expect(r.heard).not.toContain("lost");
    vi.advanceTimersByTime(2_000);
    await settled();
    expect(latest().closed).toBe(true);
    expect(r.heard).toContain("lost");
  });

  it("ends when nobody wants it any more", async () => {
    const r = start();
    latest().say(hello("p1"));
    r.abort.abort();
    expect(await r.run).toBe("ended");
    expect(latest().closed).toBe(true);
    expect(Socket.all).toHaveLength(1);
  });
});

describe("LiveFeed where WebSockets are blocked", () => {
  it("goes over to server-sent events, which carry hints alone, and tries the socket again afterwards", async () => {
    const events = stream();
    const r = start([events.answer], "p0");
    await cut(latest());
    await r.next();
    await eventually(() => expect(r.asked).toEqual(["/api/v1/live?position=p0"]));
    events.say(hello("p1"));
    events.say(hint("c1", "p2"));
    await eventually(() => expect(r.hints).toHaveLength(1));
    expect(r.heard).toEqual(["open hints p1"]);
    expect(r.feed.carries).toBe(false);
    events.end();
    await eventually(() => expect(r.heard).toEqual(["open hints p1", "lost"]));
    await eventually(() => expect(r.waits).toHaveLength(2));
    await r.next();
    expect(Socket.all).toHaveLength(2);
    expect(latest().url).toMatch(/\?position=p2$/);
  });

  it("ends with the reason when this person may not listen", async () => {
    const r = start([async () => Response.json({ code: "unauthenticated", detail: "Sign in." }, { status: 401 })]);
    await cut(latest());
    await r.next();
    const error = await r.run;
    expect(error).toBeInstanceOf(ApiError);
    expect((error as ApiError).status).toBe(401);
  });

  it("waits as long as a busy server asks, and takes a page of a proxy for no feed", async () => {
    const r = start([
      async () => Response.json({ code: "unavailable" }, { status: 503, headers: { "Retry-After": "7" } }),
      async () => new Response("<h1>Sign in to the network</h1>", { headers: { "Content-Type": "text/html" } }),
    ]);
    await cut(latest());
    await r.next();
    await eventually(() => expect(r.waits).toEqual([200, 7_000]));
    await r.next();
    await cut(latest());
    await r.next();
    await eventually(() => expect(r.asked).toHaveLength(2));
    await eventually(() => expect(r.waits).toHaveLength(4));
    expect(r.heard).toEqual([]);
  });
});
