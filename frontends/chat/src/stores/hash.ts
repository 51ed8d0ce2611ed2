// The part of the address after #: which tab of the settings is open, if any.
import { useSyncExternalStore } from "react";

// The last two are what the router dispatches when it changes the address itself.
const EVENTS = ["hashchange", "popstate", "pushState", "replaceState"];

function subscribe(listener: () => void): () => void {
  EVENTS.forEach((name) => addEventListener(name, listener));
  return () => EVENTS.forEach((name) => removeEventListener(name, listener));
}

export function useHash(): string {
  return useSyncExternalStore(subscribe, () => location.hash);
}

/** Takes the part after # away without another step in the history. */
export function clearHash(): void {
  history.replaceState(history.state, "", location.pathname + location.search);
}

/** The whole address of a tab, over the page that is open. A bare `#…` counts as a skip link for readers. */
export function settingsAddress(tab: string): string {
  return `${location.origin}${location.pathname}${location.search}#settings/${tab}`;
}
