// The colour of what is live or chosen. The cookie lets the page have it at its first paint.
import type { Accent } from "@taifas/api-client/shapes";
import { writeCookie } from "./cookie";

/** `azurite` is what the page has without a choice. */
export function setAccent(accent: Accent): void {
  const root = document.documentElement;
  if (accent === "azurite") delete root.dataset["accent"];
  else root.dataset["accent"] = accent;
  writeCookie("accent", accent === "azurite" ? null : accent);
}
