// The colour of what is live or chosen. The cookie lets the page have it at its first paint.
import type { Accent } from "@taifas/api-client/shapes";
import { createStore } from "zustand/vanilla";
import { writeCookie } from "./cookie";

/** What the page has without a choice. */
const FIRST: Accent = "azurite";

export const accent = createStore<{ accent: Accent }>(() => ({ accent: (document.documentElement.dataset["accent"] as Accent | undefined) ?? FIRST }));

export function setAccent(next: Accent): void {
  const root = document.documentElement;
  if (next === FIRST) delete root.dataset["accent"];
  else root.dataset["accent"] = next;
  writeCookie("accent", next === FIRST ? null : next);
  accent.setState({ accent: next });
}
