// The thread as its own chunk: an empty page needs none of it. A chat's page begins loading it from the inline script;
// the empty page loads it when idle, long before a first question is written.
import { lazy, type ComponentProps, type ComponentType, useState } from "react";
import type { Thread } from "../features/thread/Thread";
import { chatIdOf } from "./routes";

type Props = ComponentProps<typeof Thread>;

let loaded: ComponentType<Props> | null = null;

/** First and longest pause between tries, in milliseconds. */
const PAUSE_MS = 300;
const LONGEST_PAUSE_MS = 5_000;

/** Until it is there: a server that is away for a moment must not cost the page its threads. */
const load = async () => {
  for (let pause = PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      const { Thread } = await import("../features/thread/Thread");
      loaded = Thread;
      return { default: Thread };
    } catch {
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
};

const Lazy = lazy(load);

/** What is loaded is shown at once: a lazy component would suspend first, and React ends a suspense no sooner than after 300 ms. */
export function ThreadView(props: Props) {
  const [View] = useState(() => loaded ?? Lazy);
  return <View {...props} />;
}

/** Longest wait for an idle moment, in milliseconds. */
const IDLE_MS = 500;

export function preloadThread(): void {
  const start = (): void => void load();
  if (chatIdOf(location.pathname) !== null) start();
  else if (typeof requestIdleCallback === "function") requestIdleCallback(start, { timeout: IDLE_MS });
  else setTimeout(start, IDLE_MS);
}
