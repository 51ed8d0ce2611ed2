// Answers that are being written. Each has a follower that outlives cuts and one view that changes at most once per
// frame; finished answers move into the query cache and leave here.
import { ApiError } from "@taifas/api-client/apiError";
import { backoffMs, sleep } from "@taifas/api-client/backoff";
import type { ReplyEvent } from "@taifas/api-client/replyStream";
import { insist } from "@taifas/ui-components/part";
import { isRunning, type Mark, type Message, type MessageState, type Reason } from "@taifas/api-client/types";
import { api, doubtSession, watchedFetch } from "../api/api";
import { refreshChats, told } from "../api/lists";
import { putMessage, refreshThread } from "../api/queries";
import { reportAnswer, reportSilence } from "./connection";
import { feed } from "./feed";
import { tellTabs } from "./tabs";

/** What the screen shows of an answer; a new object for every change. */
export interface LiveView {
  text: string;
  state: MessageState;
  reason: Reason | null;
  marks: Mark[];
  attempt: number;
  finishedAt: string | null;
  /** Stop was pressed: the text stands still while the server confirms. */
  stopping: boolean;
  /** The model may have to be loaded before its first word. */
  loading: boolean;
}

interface Live {
  message: Message;
  view: LiveView;
  next: LiveView;
  followers: number;
  abort: AbortController;
  scheduled: boolean;
}

/** A hidden tab gets no frames; its title and live region still want to know, slowly. */
const HIDDEN_FLUSH_MS = 250;
/** The cache tells its readers in a later task; until then the finished view stays here, so that nothing flickers. */
const HANDOVER_MS = 200;

const replies = new Map<string, Live>();
const listeners = new Map<string, Set<() => void>>();

export function subscribeReply(id: string, listener: () => void): () => void {
  const set = listeners.get(id) ?? new Set();
  listeners.set(id, set.add(listener));
  return () => {
    set.delete(listener);
    if (set.size === 0) listeners.delete(id);
  };
}

export function liveView(id: string): LiveView | null {
  return replies.get(id)?.view ?? null;
}

/** The exact source text received so far, frames or not. */
export function liveText(id: string): string | null {
  return replies.get(id)?.next.text ?? null;
}

function notify(id: string): void {
  for (const listener of listeners.get(id) ?? []) listener();
}

/** Follows a running answer as long as anybody wants it; the returned function says that one does not any more. */
export function follow(message: Message): () => void {
  const known = replies.get(message.id);
  // A later attempt of the server's goes on in the same stream; beginning anew would take the words off the screen.
  const live = known && isRunning(known.next.state) ? known : start(message);
  live.followers += 1;
  return () => {
    live.followers -= 1;
    if (live.followers > 0) return;
    // Strict effects leave and come back in one go; only a real leave ends the connection.
    setTimeout(() => {
      if (live.followers > 0 || replies.get(message.id) !== live || !isRunning(live.next.state)) return;
      live.abort.abort();
      replies.delete(message.id);
      notify(message.id);
    }, 0);
  };
}

/** The reader of streams; not needed for the first paint. */
export const replyStream = () => import("@taifas/api-client/replyStream");

function start(message: Message): Live {
  replies.get(message.id)?.abort.abort();
  const view: LiveView = {
    text: message.text, state: message.state, reason: null, marks: message.marks, attempt: message.attempt,
    finishedAt: null, stopping: false, loading: false,
  };
  const live: Live = { message, view, next: view, followers: 0, abort: new AbortController(), scheduled: false };
  replies.set(message.id, live);
  const options = {
    replyId: message.id,
    signal: live.abort.signal,
    fetch: watchedFetch,
    carry: (id: string, from: string | null, signal: AbortSignal) => feed.share?.carry(id, from, signal) ?? null,
    onEvent: (event: ReplyEvent) => apply(live, event),
    onConnection: (status: "open" | "lost") => (status === "open" ? reportAnswer() : reportSilence()),
  };
  insist(replyStream, live.abort.signal).then(({ followReply }) => followReply(options)).catch((error: unknown) => {
    if (replies.get(message.id) === live) replies.delete(message.id);
    notify(message.id);
    // Without the reader the end is told by the feed; the page asks to be loaded again.
    if (!(error instanceof ApiError)) return;
    if (error.status === 401) doubtSession();
    else refreshThread(message.chat_id);
  });
  return live;
}

function apply(live: Live, event: ReplyEvent): void {
  const { next } = live;
  switch (event.type) {
    case "snapshot":
      live.next = {
        ...next, text: event.text, state: event.state, reason: event.reason, marks: event.marks, attempt: event.attempt,
      };
      break;
    case "text":
      live.next = { ...next, text: next.text + event.text, state: "streaming" };
      break;
    case "mark":
      live.next = { ...next, marks: [...next.marks, { kind: event.kind, at: codePoints(next.text) }] };
      break;
    case "state":
      live.next = { ...next, state: event.state, attempt: event.attempt, loading: event.loading };
      break;
    case "done":
      live.next = { ...next, state: event.state, reason: event.reason };
      finish(live, {
        ...live.message, text: live.next.text, marks: live.next.marks, attempt: live.next.attempt,
        state: event.state, reason: event.reason, finished_at: event.finishedAt,
      });
      return;
  }
  schedule(live);
}

function schedule(live: Live): void {
  if (live.scheduled) return;
  live.scheduled = true;
  if (document.hidden) setTimeout(() => flush(live), HIDDEN_FLUSH_MS);
  else requestAnimationFrame(() => flush(live));
}

function flush(live: Live): void {
  live.scheduled = false;
  if (replies.get(live.message.id) !== live) return;
  if (live.view.stopping || live.view === live.next) return;
  live.view = live.next;
  notify(live.message.id);
}

/** Hands a finished answer to the cache. */
function finish(live: Live, message: Message): void {
  const { id, chat_id: chatId } = message;
  live.abort.abort();
  live.view = {
    text: message.text, state: message.state, reason: message.reason ?? null, marks: message.marks,
    attempt: message.attempt, finishedAt: message.finished_at ?? null, stopping: false, loading: false,
  };
  live.next = live.view;
  putMessage(message);
  if (replies.get(id) === live) notify(id);
  setTimeout(() => {
    if (replies.get(id) !== live) return;
    replies.delete(id);
    notify(id);
  }, HANDOVER_MS);
  if (!told.now) refreshChats();
  tellTabs({ kind: "chat", id: chatId });
}

/** Stops an answer: at once on the screen, and on the server as soon as it can be reached. */
export async function stopReply(message: Message): Promise<void> {
  const live = replies.get(message.id) ?? start(message);
  live.view = { ...live.next, state: "stopped", finishedAt: new Date().toISOString(), stopping: true };
  notify(message.id);
  const given = new AbortController();
  for (let failures = 1; ; failures += 1) {
    try {
      const answer = await api.stop(message.id);
      // Still running means that it was heard; the stream brings the end.
      if (!isRunning(answer.state) && isRunning(live.next.state)) finish(live, answer);
      return;
    } catch (error) {
      const hopeless = error instanceof ApiError && !error.transient;
      if (hopeless || !isRunning(live.next.state)) {
        live.view = live.next;
        notify(message.id);
        refreshThread(message.chat_id);
        return;
      }
      await sleep(backoffMs(failures), given.signal);
      // It ended meanwhile, and perhaps goes on because the person wanted it: nothing is left to stop.
      if (replies.get(message.id) !== live || !isRunning(live.next.state)) return;
    }
  }
}

/** Asks for the rest of an answer that was stopped, cut or failed. Throws what the API throws. */
export async function continueReply(message: Message, model: string | null): Promise<void> {
  const next = await api.continue(message.id, model);
  // The words on the screen stay while the new attempt begins.
  putMessage(next.text === "" ? { ...next, text: message.text } : next);
  refreshChats();
  tellTabs({ kind: "chat", id: message.chat_id });
}

function codePoints(text: string): number {
  let count = 0;
  for (const _char of text) count += 1;
  return count;
}
