// Drafts follow the person: what is written here is kept on the server a moment later, and what was written elsewhere
// appears here as long as nobody touched the field. Where both happened, nothing is overwritten: the field keeps what
// stands in it, the server keeps the other text, and the person decides.
import { ApiError } from "@taifas/api-client/apiError";
import { createChatApi } from "@taifas/api-client/chatClient";
import type { StoredDraft } from "@taifas/api-client/types";
import { call } from "../api/api";
import { onBack } from "./connection";
import { drafts, NEW_CHAT, setDraft } from "./drafts";
import { readLocalJson, writeLocal } from "./localData";
import { otherDrafts, setOther } from "./otherDrafts";

const api = createChatApi(call);
const WRITE_AFTER_MS = 700;
const UUID = /^[0-9a-f-]{36}$/;
const KEY = "taifas.draftBases";

/** What the server had when this browser last agreed with it. */
interface Base {
  text: string;
  version: number;
}

const bases = new Map<string, Base>();
/** Asked about since the page was loaded; what is stored of them may be old. */
const asked = new Set<string>();
/** Texts on their way, or of which it is not known whether they arrived. */
const sent = new Map<string, Set<string>>();
/** The server's side of what the person has to decide. */
const inDispute = new Map<string, Base>();
const waiting = new Map<string, ReturnType<typeof setTimeout>>();
const writing = new Set<string>();

/** Ended when the person has gone: nothing of theirs may be written into another one's account. */
let gone: AbortSignal | null = null;

const local = (key: string): string => drafts.getState()[key] ?? "";
const follows = (key: string): boolean => key === NEW_CHAT || UUID.test(key);
const baseText = (key: string): string => bases.get(key)?.text ?? "";

/** Which draft the page shows. */
function openKey(): string {
  return /^\/[cp]\/([0-9a-f-]{36})/.exec(location.pathname)?.[1] ?? NEW_CHAT;
}

/** A draft that was changed and not yet sent must be told from one that changed elsewhere, even after a reload. */
function settle(key: string, base: Base): void {
  bases.set(key, base);
  if (inDispute.delete(key)) setOther(key, null);
  const stored = readLocalJson<Record<string, Base>>(KEY, {});
  delete stored[key];
  const all = local(key) === "" ? stored : { ...stored, [key]: base };
  writeLocal(KEY, Object.keys(all).length === 0 ? null : JSON.stringify(all));
}

/** What the server has meets what stands here. */
function meet(key: string, stored: Base): void {
  const before = bases.get(key);
  if (before && stored.version <= before.version) return;
  const here = local(key);
  const untouched = here === (before?.text ?? "");
  // Written here itself; or the other text is gone, or is the beginning of this one.
  const ours = sent.get(key)?.has(stored.text) === true || stored.text === "" || (!before && here.startsWith(stored.text));
  if (untouched || ours || here === stored.text) {
    settle(key, { text: stored.text, version: stored.version });
    if (here === stored.text) return;
    if (untouched) setDraft(key, stored.text);
    else schedule(key);
    return;
  }
  inDispute.set(key, { text: stored.text, version: stored.version });
  setOther(key, stored.text);
}

async function ask(key: string): Promise<void> {
  asked.add(key);
  try {
    meet(key, await api.draft(key));
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) meet(key, { text: "", version: 0 });
    else asked.delete(key);
  }
}

function schedule(key: string): void {
  if (gone?.aborted !== false || !follows(key)) return;
  clearTimeout(waiting.get(key));
  waiting.set(key, setTimeout(() => {
    waiting.delete(key);
    void push(key);
  }, WRITE_AFTER_MS));
}

/** One write at a time: a second one would not know the version that the first one makes. */
async function push(key: string): Promise<void> {
  const text = local(key);
  if (text === baseText(key) || inDispute.has(key)) return;
  if (writing.has(key)) return schedule(key);
  writing.add(key);
  sent.set(key, (sent.get(key) ?? new Set()).add(text));
  try {
    const { version } = await api.putDraft(key, text, bases.get(key)?.version ?? 0);
    settle(key, { text, version });
    sent.delete(key);
    if (local(key) !== text) schedule(key);
  } catch (error) {
    const current = error instanceof ApiError && error.code === "stale" ? (error.extras["current"] as StoredDraft | undefined) : undefined;
    if (current) meet(key, current);
  } finally {
    writing.delete(key);
  }
}

/** The person chose what the draft is to say; the other text is not needed any more. */
export function decideDraft(key: string, text: string): void {
  const base = inDispute.get(key);
  if (base) settle(key, base);
  setDraft(key, text);
  schedule(key);
}

/** Another device wrote into a draft of the person's. */
export async function draftChanged(id: string): Promise<void> {
  const open = openKey();
  // The empty page's draft has no id of its own.
  const key = bases.has(id) || id === open ? id : NEW_CHAT;
  if (key === open) await ask(key);
  else asked.delete(key);
}

export function keepDrafts(signal: AbortSignal): void {
  gone = signal;
  for (const [key, base] of Object.entries(readLocalJson<Record<string, Base>>(KEY, {}))) bases.set(key, base);
  let before = drafts.getState();
  const leave = drafts.subscribe((now) => {
    for (const key of new Set([...Object.keys(before), ...Object.keys(now)])) {
      if (before[key] !== now[key]) schedule(key);
    }
    before = now;
  });
  const look = (): void => {
    const key = openKey();
    if (!asked.has(key)) void ask(key).then(() => schedule(key));
  };
  look();
  // What could not be sent while the server was away.
  const leaveBack = onBack(() => {
    for (const key of Object.keys(drafts.getState())) schedule(key);
  });
  // wouter moves by the history; its own event tells of it.
  const events = ["popstate", "pushState", "replaceState", "focus"];
  for (const name of events) addEventListener(name, look);
  signal.addEventListener("abort", () => {
    leave();
    leaveBack();
    for (const name of events) removeEventListener(name, look);
    for (const timer of waiting.values()) clearTimeout(timer);
    for (const kept of [waiting, bases, asked, sent, inDispute]) kept.clear();
    otherDrafts.setState({}, true);
  }, { once: true });
}
