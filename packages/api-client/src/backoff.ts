// Waiting times between tries: doubling from 0.2 s up to 5 s, each drawn between half and the whole step,
// so that clients that lost the server together do not come back together.

export const FIRST_WAIT_MS = 200;
export const LONGEST_WAIT_MS = 5_000;

/** Milliseconds to wait before try number `failures` (1 = first retry). */
export function backoffMs(failures: number, random: () => number = Math.random): number {
  const step = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(30, Math.max(0, failures - 1)));
  return step / 2 + (step / 2) * random();
}

/** Resolves after `ms`, at once when the browser comes back online, or when `signal` aborts (check it afterwards). */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", finish);
      if (typeof globalThis.removeEventListener === "function") globalThis.removeEventListener("online", finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    signal.addEventListener("abort", finish);
    if (typeof globalThis.addEventListener === "function") globalThis.addEventListener("online", finish);
  });
}
