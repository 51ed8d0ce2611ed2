// Parts of the app that are loaded when they are needed, or before, when the browser has nothing else to do.
import { lazy, Suspense, type ComponentType, type ReactNode, useState } from "react";

/** First and longest pause between tries, in milliseconds. */
const PAUSE_MS = 300;
const LONGEST_PAUSE_MS = 5_000;

/** Asks until it is there: a server that is away for a moment must not cost the page a part of itself. */
export async function insist<T>(load: () => Promise<T>): Promise<T> {
  for (let pause = PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      return await load();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

export type Part<P> = ComponentType<P> & { load: () => Promise<void> };

/**
 * A component that arrives later; `fallback` stands in its place until then. What is loaded is shown at once: a lazy
 * component would suspend first, and React ends a suspense no sooner than after 300 ms.
 */
export function part<P extends object>(load: () => Promise<ComponentType<P>>, fallback: ReactNode = null): Part<P> {
  let loaded: ComponentType<P> | null = null;
  let loading: Promise<ComponentType<P>> | null = null;
  const start = (): Promise<ComponentType<P>> => (loading ??= insist(load).then((component) => (loaded = component)));
  const Later = lazy(async () => ({ default: await start() })) as unknown as ComponentType<P>;
  const View = (props: P): ReactNode => {
    const [Now] = useState<ComponentType<P>>(() => loaded ?? Later);
    return <Suspense fallback={fallback}><Now {...props} /></Suspense>;
  };
  return Object.assign(View, { load: async (): Promise<void> => { await start(); } });
}
