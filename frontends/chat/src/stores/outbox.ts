// Messages on their way: shown at once, kept in the browser's database until the server has them, and sent again with
// the same key however often the connection fails. A message leaves only by being stored or by going back into the draft.
import { ApiError } from "@taifas/api-client/apiError";
import { backoffMs, sleep } from "@taifas/api-client/backoff";
import type { Chat, Message, StoredFile, Thread } from "@taifas/api-client/types";
import { createStore } from "zustand/vanilla";
import { api } from "../api/api";
import { putChat, refreshChats } from "../api/lists";
import { cachedThread, loadThread, putThread, refreshThread } from "../api/queries";
import { giveBackFiles } from "./attachments";
import { onBack } from "./connection";
import { giveBack, NEW_CHAT } from "./drafts";
import { dropRecord, isTaken, storedRecords, storeRecord } from "./localData";
import { session } from "./session";
import { arrivedReply } from "./stopOnArrival";
import { tellTabs } from "./tabs";
import { uuidv7 } from "./uuid";

export interface Outgoing {
  id: string;
  chatId: string;
  parentId: string | null;
  text: string;
  /** Empty while it waits for a chat that is not loaded: the chat's own. */
  model: string;
  createdAt: string;
  /** Another version of what was said under `parentId`, beside the ones that are there. */
  branch?: boolean;
  attachments?: StoredFile[];
  /** For a chat that begins in a project. */
  projectId?: string | null;
  /** `next` waits for the running answer to end; `sending` is under way; `waiting` failed and will be tried again. */
  state: "next" | "sending" | "waiting";
}

/** Why a message went back into the text field. */
export interface Returned {
  /** Messages that other devices wrote meanwhile; 0 when the reason is another one. */
  newer: number;
  /** The server's sentence; empty when it gave none. */
  detail: string;
  /** What it was written under: there it can be kept as a branch. */
  parentId: string | null;
}

/** What is to be sent. `chatId` null starts a new chat. */
export interface Letter {
  chatId: string | null;
  parentId: string | null;
  text: string;
  model: string;
  branch?: boolean;
  attachments?: StoredFile[];
  projectId?: string | null;
}

interface Outbox {
  items: readonly Outgoing[];
  /** By chat. */
  returned: Readonly<Record<string, Returned>>;
}

/** More than this cannot wait at a time; the text field keeps what exceeds it. */
const MOST_WAITING = 20;

export const outbox = createStore<Outbox>(() => ({ items: [], returned: {} }));

function put(item: Outgoing): void {
  outbox.setState(({ items }) => ({
    items: items.some((i) => i.id === item.id) ? items.map((i) => (i.id === item.id ? item : i)) : [...items, item],
  }));
  void storeRecord(item);
}

function drop(id: string): void {
  outbox.setState(({ items }) => ({ items: items.filter((item) => item.id !== id) }));
}

function remove(id: string): void {
  drop(id);
  void dropRecord(id);
}

/** False when it was sent or taken back meanwhile, here or in another tab. */
async function stillWaits(id: string): Promise<boolean> {
  if (await isTaken(id)) drop(id);
  return outbox.getState().items.some((item) => item.id === id);
}

export function setReturned(chatId: string, returned: Returned | null): void {
  const { [chatId]: _old, ...others } = outbox.getState().returned;
  outbox.setState({ returned: returned ? { ...others, [chatId]: returned } : others });
}

/** Gives the chat's id, or null when too much waits already. */
export function sendMessage(letter: Letter): string | null {
  if (outbox.getState().items.length >= MOST_WAITING) return null;
  const item = make(letter, "sending");
  setReturned(item.chatId, null);
  put(item);
  void deliver(item);
  return item.chatId;
}

/** Keeps the letter until the running answer of its chat ends. False when one waits there already. */
export function queueNext(letter: Letter & { chatId: string }): boolean {
  const { items } = outbox.getState();
  if (items.length >= MOST_WAITING || items.some((item) => item.chatId === letter.chatId && item.state === "next")) return false;
  put(make({ ...letter, parentId: null }, "next"));
  return true;
}

function make(letter: Letter, state: Outgoing["state"]): Outgoing {
  return { ...letter, id: uuidv7(), chatId: letter.chatId ?? uuidv7(), createdAt: new Date().toISOString(), state };
}

export function takeBackNext(item: Outgoing, place = item.chatId): void {
  remove(item.id);
  giveBack(place, item.text);
  giveBackFiles(place, item.attachments ?? []);
}

/** The answer the message waited for has ended: it goes now, under the chat's last message. */
export async function releaseNext(item: Outgoing, parentId: string | null, model: string): Promise<void> {
  if (!(await stillWaits(item.id))) return;
  const current = outbox.getState().items.find((i) => i.id === item.id);
  if (current?.state !== "next") return;
  const released: Outgoing = { ...current, parentId, model: current.model || model, state: "sending" };
  put(released);
  void deliver(released);
}

/** A request that was begun while the network changed can hang until its deadline: the first ones are short. */
const FIRST_DEADLINE_MS = 4_000;
const LONGEST_DEADLINE_MS = 20_000;

const inDelivery = new Set<string>();

/** Aborted, and made anew, when the server can be reached again: whoever waits for the next try does not wait on. */
let back = new AbortController();
onBack(() => {
  back.abort();
  back = new AbortController();
});

async function deliver(item: Outgoing): Promise<void> {
  if (inDelivery.has(item.id)) return;
  inDelivery.add(item.id);
  try {
    // Who has gone sends nothing: the cookie may be another person's by now.
    for (let failures = 1; !session.getState().left; failures += 1) {
      try {
        const deadline = Math.min(LONGEST_DEADLINE_MS, FIRST_DEADLINE_MS * 2 ** (failures - 1));
        const { chat, message, reply } = await api.send({ ...item, attachments: item.attachments?.map((file) => file.id) }, deadline);
        arrived(item, chat, message, reply);
        return;
      } catch (error) {
        const unknown = error instanceof ApiError && error.status === 401;
        if (error instanceof ApiError && !error.transient && !unknown && (await refused(item, error))) return;
        if (!(await stillWaits(item.id))) return;
        put({ ...item, state: "waiting" });
        if (unknown && session.getState().lost) return;
        const asked = error instanceof ApiError ? (error.retryAfter ?? 0) * 1000 : 0;
        await sleep(Math.max(asked, backoffMs(failures)), back.signal);
        if (!(await stillWaits(item.id))) return;
      }
    }
  } finally {
    inDelivery.delete(item.id);
  }
}

function arrived(item: Outgoing, chat: Chat, message: Message, reply: Message): void {
  const known = cachedThread(item.chatId);
  const all = (known?.messages ?? []).filter((m) => m.id !== message.id && m.id !== reply.id);
  // What stood under the same parent is another branch now.
  const before = all.slice(0, all.findIndex((m) => m.id === message.parent_id) + 1);
  const thread: Thread = { chat, messages: [...before, message, reply] };
  // Another tab sent it too, and the thread may have gone on since.
  const isThere = known?.messages.some((m) => m.id === message.id) === true;
  // A thread that was never loaded and has a past must be asked for, not made up.
  if (!isThere && (known || item.parentId === null)) putThread(thread);
  putChat(chat, true);
  remove(item.id);
  if (!known && item.parentId !== null) void loadThread(item.chatId).catch(() => undefined);
  arrivedReply(item.id, reply);
  refreshChats();
  tellTabs({ kind: "chat", id: item.chatId });
}

/** False while it cannot be known whether the message is stored all the same: then it waits. */
async function refused(item: Outgoing, error: ApiError): Promise<boolean> {
  const newer = error.status === 409 && Array.isArray(error.extras["newer"]) ? (error.extras["newer"] as Message[]) : null;
  if (error.code === "mismatch" || (error.code === "conflict" && newer === null)) {
    const stored = await isStored(item);
    if (stored === null) return false;
    if (stored) {
      await loadThread(item.chatId).catch(() => refreshThread(item.chatId));
      remove(item.id);
      refreshChats();
      return true;
    }
  }
  if (session.getState().left || !(await stillWaits(item.id))) return true;
  remove(item.id);
  const neverExisted = item.parentId === null && newer === null && !cachedThread(item.chatId);
  const place = neverExisted ? NEW_CHAT : item.chatId;
  giveBack(place, item.text);
  giveBackFiles(place, item.attachments ?? []);
  setReturned(place, {
    parentId: item.parentId,
    newer: newer ? Math.max(1, newer.filter((message) => message.role === "user").length) : 0,
    detail: error.detail,
  });
  return true;
}

/**
 * Two tabs may send one waiting message under different parents, and the server forgets keys after some days: if the
 * message is there, on whatever branch, it is sent. Null when the server does not say.
 */
async function isStored(item: Outgoing): Promise<boolean | null> {
  try {
    const { nodes } = await api.tree(item.chatId);
    return nodes.some((node) => node.id === item.id);
  } catch (error) {
    return error instanceof ApiError && !error.transient && error.status !== 401 ? false : null;
  }
}

/**
 * Sends what an earlier page or session, or a tab that was closed, could not. What another tab is about to send goes
 * with the same key: the server stores it once.
 */
export async function resumeOutbox(): Promise<void> {
  const stored = await storedRecords<Outgoing>();
  outbox.setState(({ items }) => ({ items: [...items, ...stored.filter((item) => !items.some((known) => known.id === item.id))] }));
  for (const item of outbox.getState().items) {
    if ((await stillWaits(item.id)) && item.state !== "next") void deliver(item);
  }
}

/** A waiting message follows an answer that ended well or by the person's own stop; after a cut the person decides. */
export function goesOnAfter(leaf: Message): boolean {
  return leaf.state === "complete" || leaf.state === "stopped";
}
