// The thread as its own chunk: an empty page needs none of it. A chat's page begins loading it from the inline script;
// the empty page loads it when idle, long before a first question is written.
import { part } from "@taifas/ui-components/part";
import { ThreadSkeleton } from "../features/thread/ThreadSkeleton";
import { withTexts } from "../texts/locale";
import { chatIdOf } from "./routes";

export const ThreadView = part(async () => (await withTexts("chat", import("../features/thread/Thread"))).Thread, <ThreadSkeleton />);

/** Longest wait for an idle moment, in milliseconds. */
const IDLE_MS = 500;

export function whenIdle(work: () => void): void {
  if (typeof requestIdleCallback === "function") requestIdleCallback(work, { timeout: IDLE_MS });
  else setTimeout(work, IDLE_MS);
}

export function preloadThread(): void {
  if (chatIdOf(location.pathname) !== null) void ThreadView.load();
  else whenIdle(() => void ThreadView.load());
}
