// Light, dark or the system's choice. The cookie lets the server paint the first frame right.
import { createStore } from "zustand/vanilla";
import { writeCookie } from "./cookie";

export type Theme = "light" | "dark" | "system";

function current(): Theme {
  const value = document.documentElement.dataset["theme"];
  return value === "light" || value === "dark" ? value : "system";
}

export const theme = createStore<{ theme: Theme }>(() => ({ theme: current() }));

export function setTheme(next: Theme): void {
  document.documentElement.dataset["theme"] = next;
  writeCookie("theme", next);
  theme.setState({ theme: next });
}
