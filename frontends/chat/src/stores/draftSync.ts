// Drafts follow the person: what is written here is kept on the server a moment later, and what was written elsewhere
// appears here as long as nobody touched the field.
import { ApiError } from "@taifas/api-client/apiError";
import { createChatApi } from "@taifas/api-client/chatClient";
import type { StoredDraft } from "@taifas/api-client/types";
import { call } from "../api/api";
import { drafts, NEW_CHAT, setDraft } from "./drafts";

const api = createChatApi(call);
const WRITE_AFTER_MS = 700;
const UUID = /^[0-9a-f-]{36}$/;

interface Known {
  /** As the server has it. */
  text: string;
  version: number;
}

const known = new Map<string, Known>();
const pushing = new Map<string, ReturnType<typeof setTimeout>>();

const local = (key: string): string => drafts.getState()[key] ?? "";
const follows = (key: string): boolean => key === NEW_CHAT || UUID.test(key);

/** Which draft the page shows. */
function openKey(): string {
  return /^\/[cp]\/([0-9a-f-]{36})/.exec(location.pathname)?.[1] ?? NEW_CHAT;
}

function adopt(key: string, stored: StoredDraft | null): void {
  const before = known.get(key);
  const next: Known = stored ? { text: stored.text, version: stored.version } : { text: "", version: 0 };
  if (before && stored && stored.version <= before.version) return;
  const untouched = local(key) === (before?.text ?? "");
  known.set(key, next);
  if (untouched && local(key) !== next.text) setDraft(key, next.text);
  else if (local(key) !== next.text) schedule(key);
}

async function ask(key: string): Promise<void> {
  try {
    adopt(key, await api.draft(key));
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) adopt(key, null);
  }
}

function schedule(key: string): void {
  if (!follows(key)) return;
  const waiting = pushing.get(key);
  if (waiting !== undefined) clearTimeout(waiting);
  pushing.set(key, setTimeout(() => {
    pushing.delete(key);
    void push(key);
  }, WRITE_AFTER_MS));
}

async function push(key: string): Promise<void> {
  const text = local(key);
  const before = known.get(key) ?? { text: "", version: 0 };
  if (text === before.text) return;
  try {
    const { version } = await api.putDraft(key, text, before.version);
    known.set(key, { text, version });
    if (local(key) !== text) schedule(key);
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== "stale") return;
    // Both devices wrote: the one that writes now has the last word.
    const current = error.extras["current"] as StoredDraft | undefined;
    known.set(key, { text: current?.text ?? "", version: current?.version ?? 0 });
    if (local(key) !== (current?.text ?? "")) schedule(key);
  }
}

/** Another device wrote into a draft of the person's. */
export async function draftChanged(id: string): Promise<void> {
  const open = openKey();
  // The empty page's draft has no id of its own.
  const key = known.has(id) || id === open ? id : NEW_CHAT;
  if (key !== open) {
    known.delete(key);
    return;
  }
  await ask(key);
}

export function keepDrafts(signal: AbortSignal): void {
  let before = drafts.getState();
  const leave = drafts.subscribe((now) => {
    for (const key of new Set([...Object.keys(before), ...Object.keys(now)])) {
      if (before[key] !== now[key]) schedule(key);
    }
    before = now;
  });
  const look = (): void => {
    const key = openKey();
    if (!known.has(key)) void ask(key);
  };
  look();
  // wouter moves by the history; its own event tells of it.
  const events = ["popstate", "pushState", "replaceState", "focus"];
  for (const name of events) addEventListener(name, look);
  signal.addEventListener("abort", () => {
    leave();
    for (const name of events) removeEventListener(name, look);
    for (const timer of pushing.values()) clearTimeout(timer);
    pushing.clear();
    known.clear();
  }, { once: true });
}
