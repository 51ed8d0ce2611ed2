// One live feed for all tabs of a browser: the tab that holds the lock has the connection and passes on what it hears.
// Where a browser has no locks (a page over plain HTTP has none), every tab has a connection of its own.
import { LiveFeed, type Hint, type ReplyFrame } from "./liveFeed";

const NAME = "taifas-live";
/** The tab with the connection passes on a beat every 20 s; after longer silence it is taken to stand still. */
const SILENCE_MS = 50_000;

type News =
  | { say: "hint"; hint: Hint; position: string }
  | { say: "resync"; position: string | null }
  | { say: "status"; open: boolean; carries: boolean; position: string | null }
  | { say: "reply"; reply: string; frame: ReplyFrame }
  | { say: "beat"; carries: boolean; position: string | null }
  | { say: "hello" }
  | { say: "follow"; tab: string; reply: string; from: string | null }
  | { say: "unfollow"; tab: string; reply: string };

export interface ShareOptions {
  signal: AbortSignal;
  onHint: (hint: Hint) => void;
  onResync: () => void;
  onOpen: () => void;
  onLost: () => void;
  fetch?: typeof fetch;
  /** For tests. */
  locks?: LockManager | null;
  channel?: BroadcastChannel | null;
  feed?: (options: ConstructorParameters<typeof LiveFeed>[0]) => LiveFeed;
}

/** Frames of one answer, until the connection is lost or the reader leaves. */
class Inbox implements AsyncIterable<ReplyFrame> {
  readonly #frames: ReplyFrame[] = [];
  #ended = false;
  #wake: (() => void) | null = null;

  push(frame: ReplyFrame): void {
    this.#frames.push(frame);
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ReplyFrame> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame) yield frame;
      else if (this.#ended) return;
      else await new Promise<void>((resolve) => { this.#wake = resolve; });
    }
  }
}

export class LiveShare {
  readonly #tab = crypto.getRandomValues(new Uint32Array(2)).join("");
  readonly #options: ShareOptions;
  readonly #channel: BroadcastChannel | null;
  readonly #locks: LockManager | null;
  #feed: LiveFeed | null = null;
  #open = false;
  #carries = false;
  #position: string | null = null;
  #silence: ReturnType<typeof setTimeout> | undefined;
  /** What this tab reads. */
  readonly #inboxes = new Map<string, Set<Inbox>>();
  /** Which tabs read an answer; kept by the tab with the connection. */
  readonly #readers = new Map<string, Set<string>>();

  constructor(options: ShareOptions) {
    this.#options = options;
    this.#locks = options.locks === undefined ? (globalThis.navigator?.locks ?? null) : options.locks;
    const makes = this.#locks !== null && typeof BroadcastChannel !== "undefined";
    this.#channel = options.channel === undefined ? (makes ? new BroadcastChannel(NAME) : null) : options.channel;
  }

  /** Ends when `signal` aborts, or as LiveFeed ends. */
  async run(): Promise<void> {
    const { signal } = this.#options;
    if (!this.#locks || !this.#channel) return this.#lead();
    const channel = this.#channel;
    const hear = (event: MessageEvent<News>): void => this.#hear(event.data);
    channel.addEventListener("message", hear);
    this.#post({ say: "hello" });
    try {
      await this.#locks.request(NAME, { signal }, () => this.#lead());
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      channel.removeEventListener("message", hear);
      channel.close();
      clearTimeout(this.#silence);
    }
  }

  async #lead(): Promise<void> {
    const make = this.#options.feed ?? ((options) => new LiveFeed(options));
    const feed = make({
      signal: this.#options.signal,
      position: this.#position,
      ...(this.#options.fetch ? { fetch: this.#options.fetch } : {}),
      onHint: (hint, position) => this.#tell({ say: "hint", hint, position }),
      onResync: (position) => this.#tell({ say: "resync", position }),
      onOpen: (carries, position) => this.#tell({ say: "status", open: true, carries, position }),
      onLost: () => {
        this.#readers.clear();
        this.#tell({ say: "status", open: false, carries: false, position: this.#position });
      },
      onReply: (reply, frame) => {
        if (frame.event === "done" || frame.event === "error") this.#readers.delete(reply);
        this.#tell({ say: "reply", reply, frame });
      },
      onBeat: (position) => this.#tell({ say: "beat", carries: this.#carries, position }),
    });
    this.#feed = feed;
    try {
      await feed.run();
    } finally {
      this.#feed = null;
      this.#tell({ say: "status", open: false, carries: false, position: this.#position });
    }
  }

  #post(news: News): void {
    try {
      this.#channel?.postMessage(news);
    } catch {
      // Closed already: nobody is left to tell.
    }
  }

  #tell(news: News): void {
    this.#post(news);
    this.#hear(news);
  }

  #hear(news: News): void {
    const { onHint, onResync, onOpen, onLost } = this.#options;
    if (!["hello", "follow", "unfollow"].includes(news.say)) this.#lives();
    switch (news.say) {
      case "hint":
        this.#position = news.position;
        onHint(news.hint);
        return;
      case "resync":
        this.#position = news.position;
        onResync();
        return;
      case "status":
        this.#position = news.position ?? this.#position;
        this.#status(news.open, news.carries);
        if (news.open) onOpen();
        else onLost();
        return;
      case "reply":
        for (const inbox of this.#inboxes.get(news.reply) ?? []) inbox.push(news.frame);
        return;
      case "beat":
        this.#position = news.position ?? this.#position;
        // It stood still, and goes on.
        if (this.#open) return;
        this.#status(true, news.carries);
        onOpen();
        return;
      case "hello":
        // Who just came knows of no connection: that there is none yet would sound like a loss.
        if (this.#feed && this.#open) this.#post({ say: "status", open: true, carries: this.#carries, position: this.#position });
        return;
      case "follow":
        if (this.#feed) this.#follow(news.tab, news.reply, news.from);
        return;
      case "unfollow":
        if (this.#feed) this.#unfollow(news.tab, news.reply);
    }
  }

  /** The tab with the connection was heard. One that stands still (suspended, or printing) says nothing, and nobody tells. */
  #lives(): void {
    clearTimeout(this.#silence);
    if (this.#feed) return;
    this.#silence = setTimeout(() => {
      if (this.#feed || !this.#open) return;
      this.#status(false, false);
      this.#options.onLost();
    }, SILENCE_MS);
  }

  #status(open: boolean, carries: boolean): void {
    // A connection that was made anew knows nothing of what was read over the old one.
    for (const inboxes of this.#inboxes.values()) for (const inbox of inboxes) inbox.end();
    this.#inboxes.clear();
    this.#open = open;
    this.#carries = carries;
  }

  #follow(tab: string, reply: string, from: string | null): void {
    const readers = this.#readers.get(reply) ?? new Set();
    this.#readers.set(reply, readers.add(tab));
    // Asked anew for every reader: who has read further already drops what it knows.
    this.#feed?.follow(reply, from);
  }

  #unfollow(tab: string, reply: string): void {
    const readers = this.#readers.get(reply);
    if (!readers?.delete(tab) || readers.size > 0) return;
    this.#readers.delete(reply);
    this.#feed?.unfollow(reply);
  }

  /** The events of an answer behind `from`, or null when the feed cannot carry them now. */
  carry(reply: string, from: string | null, signal: AbortSignal): AsyncIterable<ReplyFrame> | null {
    if (!this.#open || !this.#carries || signal.aborted) return null;
    const inbox = new Inbox();
    const inboxes = this.#inboxes.get(reply) ?? new Set();
    this.#inboxes.set(reply, inboxes.add(inbox));
    const news: News = { say: "follow", tab: this.#tab, reply, from };
    if (this.#feed) this.#follow(news.tab, reply, from);
    else this.#post(news);
    signal.addEventListener("abort", () => {
      inbox.end();
      inboxes.delete(inbox);
      if (inboxes.size > 0) return;
      if (this.#inboxes.get(reply) === inboxes) this.#inboxes.delete(reply);
      if (this.#feed) this.#unfollow(this.#tab, reply);
      else this.#post({ say: "unfollow", tab: this.#tab, reply });
    }, { once: true });
    return inbox;
  }
}
