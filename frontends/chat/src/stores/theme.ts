// Light, dark or the system's choice. The cookie lets the server paint the first frame right.
import { createStore } from "zustand/vanilla";

export type Theme = "light" | "dark" | "system";

const YEAR_S = 365 * 24 * 3600;

function current(): Theme {
  const value = document.documentElement.dataset["theme"];
  return value === "light" || value === "dark" ? value : "system";
}

export const theme = createStore<{ theme: Theme }>(() => ({ theme: current() }));

export function setTheme(next: Theme): void {
  document.documentElement.dataset["theme"] = next;
  document.cookie = `theme=${next}; Path=/; Max-Age=${YEAR_S}; SameSite=Lax`;
  theme.setState({ theme: next });
}
