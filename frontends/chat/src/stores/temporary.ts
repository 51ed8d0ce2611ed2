// Whether the page is one that leaves nothing behind: what is said there lives in this tab only.
import { createStore } from "zustand/vanilla";

export const temporary = createStore<{ on: boolean }>(() => ({
  on: new URLSearchParams(location.search).get("temporary-chat") === "true",
}));

export function setTemporary(on: boolean): void {
  temporary.setState({ on });
}
