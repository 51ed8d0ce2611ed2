// Parts of the app that are loaded when they are needed, or before, when the browser has nothing else to do.
import { lazy, Suspense, type ComponentType, type ReactNode, useState } from "react";

/** First and longest pause between tries, in milliseconds. */
const PAUSE_MS = 300;
const LONGEST_PAUSE_MS = 5_000;
/** So many failures in a row with a server that answers: what is asked for is gone, as after an update. */
const MOST_FAILURES = 3;
const ANSWER_MS = 5_000;

let tellGone: () => void = () => undefined;

/** `listener` is called when something of the page is gone, and only loading the page again helps. */
export function whenGone(listener: () => void): void {
  tellGone = listener;
}

const serverAnswers = (): Promise<boolean> =>
  fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS) }).then(({ ok }) => ok, () => false);

/**
 * Asks until it is there: a server that is away for a moment must not cost the page a part of itself. Rejects when
 * `signal` aborts, and when the server is there and the thing is not.
 */
export async function insist<T>(load: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  let failures = 0;
  for (let pause = PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      return await load();
    } catch (error) {
      failures = (await serverAnswers()) ? failures + 1 : 0;
      if (signal?.aborted) throw error;
      if (failures === MOST_FAILURES) {
        tellGone();
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

export type Part<P> = ComponentType<P> & { load: () => Promise<void> };

/**
 * A component that arrives later; `fallback` stands in its place until then, and when it cannot be had any more. What is
 * loaded is shown at once: a lazy component would suspend first, and React ends a suspense no sooner than after 300 ms.
 */
export function part<P extends object>(load: () => Promise<ComponentType<P>>, fallback: ReactNode = null): Part<P> {
  let loaded: ComponentType<P> | null = null;
  let loading: Promise<ComponentType<P>> | null = null;
  const start = (): Promise<ComponentType<P>> =>
    (loading ??= insist(load).catch((): ComponentType<P> => () => fallback).then((component) => (loaded = component)));
  const Later = lazy(async () => ({ default: await start() })) as unknown as ComponentType<P>;
  const View = (props: P): ReactNode => {
    const [Now] = useState<ComponentType<P>>(() => loaded ?? Later);
    return <Suspense fallback={fallback}><Now {...props} /></Suspense>;
  };
  return Object.assign(View, { load: async (): Promise<void> => { await start(); } });
}
