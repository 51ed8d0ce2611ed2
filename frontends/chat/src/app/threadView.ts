// The thread as its own chunk: an empty page needs none of it. A chat's page begins loading it from the inline script;
// the empty page loads it when idle, long before a first question is written.
import { lazy } from "react";
import { chatIdOf } from "./routes";

const load = async () => ({ default: (await import("../features/thread/Thread")).Thread });

export const ThreadView = lazy(load);

/** Longest wait for an idle moment, in milliseconds. */
const IDLE_MS = 1_500;

export function preloadThread(): void {
  const start = (): void => void load().catch(() => undefined);
  if (chatIdOf(location.pathname) !== null) start();
  else if (typeof requestIdleCallback === "function") requestIdleCallback(start, { timeout: IDLE_MS });
  else setTimeout(start, IDLE_MS);
}
