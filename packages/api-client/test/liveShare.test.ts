// Several tabs of one browser: who has the connection, what the others hear, and what happens when that tab goes.
import { afterEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "../src/apiError";
import type { LiveFeed } from "../src/liveFeed";
import { LiveShare } from "../src/liveShare";

type FeedOptions = ConstructorParameters<typeof LiveFeed>[0];
interface Feed { options: FeedOptions; follows: [string, string | null][]; unfollows: string[]; fail: (error: unknown) => void }

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};

/** What the tabs of a browser have in common: the lock, the channel, and what the test knows of their connections. */
function browser() {
  const feeds: Feed[] = [];
  const channels = new Set<(data: unknown) => void>();
  let held: Promise<unknown> = Promise.resolve();
  const locks = {
    request: (_name: string, { signal }: { signal: AbortSignal }, work: () => Promise<void>) => {
      const mine = held.then(() => {
        if (signal.aborted) throw new DOMException("aborted", "AbortError");
        return work();
      });
      held = mine.catch(() => undefined);
      return mine;
    },
  } as unknown as LockManager;
  const channel = (): BroadcastChannel => {
    let hear: ((data: unknown) => void) | null = null;
    return {
      addEventListener: (_name: string, listener: (event: MessageEvent) => void) => {
        hear = (data) => listener({ data } as MessageEvent);
        channels.add(hear);
      },
      removeEventListener: () => hear && channels.delete(hear),
      postMessage: (data: unknown) => {
        const others = [...channels].filter((other) => other !== hear);
        queueMicrotask(() => others.forEach((other) => other(structuredClone(data))));
      },
      close: () => undefined,
    } as unknown as BroadcastChannel;
  };
  const tab = (withLocks = true) => {
    const abort = new AbortController();
    const heard: string[] = [];
    const share = new LiveShare({
      signal: abort.signal,
      locks: withLocks ? locks : null,
      channel: withLocks ? channel() : null,
      onHint: (hint) => heard.push(`hint ${hint.id}`),
      onResync: () => heard.push("resync"),
      onOpen: () => heard.push("open"),
      onLost: () => heard.push("lost"),
      feed: (options) => {
        const feed: Feed = { options, follows: [], unfollows: [], fail: () => undefined };
        feeds.push(feed);
        return {
          run: () => new Promise<void>((resolve, reject) => {
            feed.fail = reject;
            options.signal.addEventListener("abort", () => resolve());
          }),
          follow: (reply: string, from: string | null) => feed.follows.push([reply, from]),
          unfollow: (reply: string) => feed.unfollows.push(reply),
        } as unknown as LiveFeed;
      },
    });
    const run = share.run().then(() => "ended", (error: unknown) => error);
    return { share, abort, heard, run };
  };
  return { feeds, tab };
}

const HINT = { kind: "chat.renamed", version: 1 };
const frame = (text: string) => ({ event: "text", id: null, data: { text } });

/** Reads an answer in the background. */
function read(frames: AsyncIterable<{ data: Record<string, unknown> | null }> | null) {
  const got: unknown[] = [];
  const end = frames === null ? null : (async () => {
    for await (const one of frames) got.push(one.data?.["text"]);
    got.push("end");
  })();
  return { got, end };
}

describe("LiveShare", () => {
  afterEach(() => vi.useRealTimers());

  it("has one connection for all tabs; all hear what it hears", async () => {
    const { feeds, tab } = browser();
    const [one, two] = [tab(), tab()];
    await settled();
    expect(feeds).toHaveLength(1);
    feeds[0]?.options.onOpen(true, "p1");
    feeds[0]?.options.onHint({ ...HINT, id: "c1" }, "p2");
    feeds[0]?.options.onResync("p3");
    feeds[0]?.options.onLost();
    await settled();
    for (const { heard } of [one, two]) expect(heard).toEqual(["open", "hint c1", "resync", "lost"]);
  });

  it("tells a tab that comes later how things stand", async () => {
    const { feeds, tab } = browser();
    tab();
    await settled();
    feeds[0]?.options.onOpen(true, "p1");
    await settled();
    const late = tab();
    await settled();
    expect(late.heard).toEqual(["open"]);
    expect(late.share.carry("r", null, new AbortController().signal)).not.toBeNull();
  });

  it("gives the connection to the next tab when its tab goes, behind what was heard last", async () => {
    const { feeds, tab } = browser();
    const [one, two, three] = [tab(), tab(), tab()];
    await settled();
    feeds[0]?.options.onOpen(true, "p1");
    feeds[0]?.options.onHint({ ...HINT, id: "c1" }, "p7");
    await settled();
    one.abort.abort();
    expect(await one.run).toBe("ended");
    await settled();
    expect(feeds).toHaveLength(2);
    expect(feeds[1]?.options.position).toBe("p7");
    feeds[1]?.options.onOpen(true, "p7");
    feeds[1]?.options.onHint({ ...HINT, id: "c2" }, "p8");
    await settled();
    for (const { heard } of [two, three]) expect(heard.at(-1)).toBe("hint c2");
    expect(one.heard).not.toContain("hint c2");
    two.abort.abort();
    await settled();
    expect(feeds[2]?.options.position).toBe("p8");
    three.abort.abort();
    expect(await three.run).toBe("ended");
  });

  it("passes over a tab that went while it waited", async () => {
    const { feeds, tab } = browser();
    const [one, two, three] = [tab(), tab(), tab()];
    await settled();
    two.abort.abort();
    one.abort.abort();
    await settled();
    expect(await two.run).toBe("ended");
    expect(feeds).toHaveLength(2);
    expect(feeds[1]?.options.signal).toBe(three.abort.signal);
  });

  it("has a connection per tab where there are no locks", async () => {
    const { feeds, tab } = browser();
    const [one, two] = [tab(false), tab(false)];
    await settled();
    expect(feeds).toHaveLength(2);
    feeds[0]?.options.onHint({ ...HINT, id: "c1" }, "p1");
    expect([one.heard, two.heard]).toEqual([["hint c1"], []]);
  });

  it("ends with the reason in every tab when the person may not listen", async () => {
    const { feeds, tab } = browser();
    const [one, two] = [tab(), tab()];
    await settled();
    const refusal = new ApiError(401, "unauthenticated", "Sign in.", null, null, {});
    feeds[0]?.fail(refusal);
    expect(await one.run).toBe(refusal);
    await settled();
    feeds[1]?.fail(refusal);
    expect(await two.run).toBe(refusal);
  });

  it("carries an answer to the tabs that read it, and stops when the last one leaves", async () => {
    const { feeds, tab } = browser();
    const [one, two] = [tab(), tab()];
    await settled();
    const feed = feeds[0];
    expect(two.share.carry("r", null, new AbortController().signal), "nothing is open yet").toBeNull();
    feed?.options.onOpen(true, "p1");
    await settled();
    const leave = [new AbortController(), new AbortController()] as const;
    const here = read(one.share.carry("r", null, leave[0].signal));
    const there = read(two.share.carry("r", "e-4", leave[1].signal));
    await settled();
    expect(feed?.follows).toEqual([["r", null], ["r", "e-4"]]);
    feed?.options.onReply("r", frame("a"));
    feed?.options.onReply("another", frame("x"));
    await settled();
    expect([here.got, there.got]).toEqual([["a"], ["a"]]);
    leave[0].abort();
    await here.end;
    feed?.options.onReply("r", frame("b"));
    await settled();
    expect(feed?.unfollows).toEqual([]);
    expect(there.got).toEqual(["a", "b"]);
    leave[1].abort();
    await there.end;
    await settled();
    expect(feed?.unfollows).toEqual(["r"]);
    expect(here.got).toEqual(["a", "end"]);
  });

  it("lets readers go when the connection is lost, and carries nothing over events", async () => {
    const { feeds, tab } = browser();
    const [one, two] = [tab(), tab()];
    await settled();
    feeds[0]?.options.onOpen(true, "p1");
    await settled();
    const here = read(one.share.carry("r", null, new AbortController().signal));
    const there = read(two.share.carry("r", null, new AbortController().signal));
    await settled();
    feeds[0]?.options.onLost();
    await Promise.all([here.end, there.end]);
    expect([here.got, there.got]).toEqual([["end"], ["end"]]);
    feeds[0]?.options.onOpen(false, "p2");
    await settled();
    for (const { share } of [one, two]) expect(share.carry("r", null, new AbortController().signal)).toBeNull();
  });

  it("takes a tab that says nothing for long to stand still, and hears it again when it goes on", async () => {
    vi.useFakeTimers();
    const { feeds, tab } = browser();
    const [one, two] = [tab(), tab()];
    await settled();
    feeds[0]?.options.onOpen(true, "p1");
    await settled();
    const there = read(two.share.carry("r", null, new AbortController().signal));
    for (let beats = 0; beats < 5; beats += 1) {
      await vi.advanceTimersByTimeAsync(20_000);
      feeds[0]?.options.onBeat("p2");
      await settled();
    }
    expect([two.heard, there.got]).toEqual([["open"], []]);
    await vi.advanceTimersByTimeAsync(50_000);
    expect(two.heard).toEqual(["open", "lost"]);
    expect(there.got).toEqual(["end"]);
    expect(two.share.carry("r", null, new AbortController().signal), "nobody would bring it").toBeNull();
    expect(one.heard, "who has the connection knows better").toEqual(["open"]);
    feeds[0]?.options.onBeat("p3");
    await settled();
    expect(two.heard).toEqual(["open", "lost", "open"]);
    expect(two.share.carry("r", null, new AbortController().signal)).not.toBeNull();
    one.abort.abort();
    await settled();
    expect(feeds[1]?.options.position, "a beat says how far was heard").toBe("p3");
    two.abort.abort();
  });
});
