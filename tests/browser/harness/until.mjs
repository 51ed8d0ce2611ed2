// Waiting with a deadline, for things that have no event of their own. Says what was waited for and what was there instead.

/**
 * Asks `probe` until it gives something truthy, and gives that. An exception of the probe ends the wait at once.
 * @template T
 * @param {string} what
 * @param {number} deadline in ms
 * @param {() => T | Promise<T>} probe
 * @param {() => unknown} [instead] what to tell when it never came
 * @returns {Promise<NonNullable<T>>}
 */
export async function until(what, deadline, probe, instead) {
  const end = performance.now() + deadline;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (performance.now() > end) {
      const seen = instead ? `; there was instead: ${JSON.stringify(await instead())}` : "";
      throw new Error(`waited ${deadline} ms in vain until ${what}${seen}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** @param {number} ms */
export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
