// Whether the server can be reached, learnt from every request, and looked after while it cannot.
import { backoffMs } from "@taifas/api-client/backoff";
import { createStore } from "zustand/vanilla";

export interface Connection {
  /** What the browser says about the network. */
  online: boolean;
  /** The server has been silent for longer than a blink. */
  lost: boolean;
}

/** Shorter silences heal by themselves and are nobody's business. */
const BLINK_MS = 900;

export const connection = createStore<Connection>(() => ({ online: navigator.onLine, lost: false }));

let blink: ReturnType<typeof setTimeout> | null = null;
let probing = false;
const backListeners = new Set<() => void>();

/** Calls `listener` whenever the server can be reached again after a loss. */
export function onBack(listener: () => void): () => void {
  backListeners.add(listener);
  return () => backListeners.delete(listener);
}

/** A request got an answer, whatever it said. */
export function reportAnswer(): void {
  if (blink !== null) clearTimeout(blink);
  blink = null;
  const { lost } = connection.getState();
  if (!lost) return;
  connection.setState({ lost: false });
  for (const listener of backListeners) listener();
}

/** A request or a stream got none. */
export function reportSilence(): void {
  if (blink !== null || connection.getState().lost) return;
  blink = setTimeout(() => {
    blink = null;
    connection.setState({ lost: true });
    void probe();
  }, BLINK_MS);
}

/** Asks for a sign of life until there is one: without it an idle page would say "lost" for ever. */
async function probe(): Promise<void> {
  if (probing) return;
  probing = true;
  for (let failures = 1; connection.getState().lost; failures += 1) {
    await new Promise<void>((resolve) => {
      setTimeout(resolve, backoffMs(failures + 1));
      window.addEventListener("online", () => resolve(), { once: true });
    });
    const answer = await fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(5_000) }).catch(() => null);
    if (answer?.ok) reportAnswer();
  }
  probing = false;
}

window.addEventListener("online", () => {
  connection.setState({ online: true });
  for (const listener of backListeners) listener();
});
window.addEventListener("offline", () => connection.setState({ online: false }));
