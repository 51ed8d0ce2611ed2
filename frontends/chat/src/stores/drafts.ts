// Unsent text per chat, kept through navigation, reload and a lost session.
import { createStore } from "zustand/vanilla";
import { readLocalJson, writeLocal } from "./localData";

/** The draft of the empty page, which has no chat yet. */
export const NEW_CHAT = "new";
/** What is written in a temporary chat is never stored. */
export const TEMPORARY = "temporary";

const KEY = "taifas.drafts";
/** Oldest drafts go first beyond this many. */
const MOST_DRAFTS = 50;
const WRITE_AFTER_MS = 250;

type Drafts = Readonly<Record<string, string>>;

export const drafts = createStore<Drafts>(() => readLocalJson<Drafts>(KEY, {}));

let timer: ReturnType<typeof setTimeout> | null = null;
/** What this tab wrote: what others wrote stays as they left it. */
const written = new Set<string>();

function persist(): void {
  if (timer !== null) clearTimeout(timer);
  timer = null;
  const kept = readLocalJson<Record<string, string>>(KEY, {});
  for (const place of written) {
    const text = drafts.getState()[place];
    delete kept[place];
    if (text && place !== TEMPORARY) kept[place] = text;
  }
  written.clear();
  const newest = Object.entries(kept).slice(-MOST_DRAFTS);
  writeLocal(KEY, newest.length === 0 ? null : JSON.stringify(Object.fromEntries(newest)));
}

export function setDraft(key: string, text: string): void {
  const { [key]: _old, ...others } = drafts.getState();
  drafts.setState(text === "" ? others : { ...others, [key]: text }, true);
  written.add(key);
  timer ??= setTimeout(persist, WRITE_AFTER_MS);
}

/** Puts text back that could not be sent, in front of what was written since. */
export function giveBack(key: string, text: string): void {
  const since = drafts.getState()[key] ?? "";
  setDraft(key, since.trim() === "" ? text : `${text}\n\n${since}`);
}

addEventListener("pagehide", persist);
