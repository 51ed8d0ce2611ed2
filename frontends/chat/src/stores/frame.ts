// The sidebar: wide or rail on large screens (kept per device), a drawer over the page on small ones.
import { createStore } from "zustand/vanilla";
import { readLocal, writeLocal } from "./localData";

const KEY = "taifas.frame";
const narrow = matchMedia("(max-width: 1023px)");

export const frame = createStore(() => ({ rail: readLocal(KEY) === "rail", drawer: false, narrow: narrow.matches }));

function paint(): void {
  const { rail, drawer, narrow: over } = frame.getState();
  const root = document.documentElement;
  if (over ? !drawer : rail) root.dataset["frame"] = "rail";
  else delete root.dataset["frame"];
  if (drawer) root.dataset["drawer"] = "";
  else delete root.dataset["drawer"];
}

export function toggleSidebar(): void {
  const { rail, drawer, narrow: over } = frame.getState();
  if (over) frame.setState({ drawer: !drawer });
  else {
    frame.setState({ rail: !rail });
    writeLocal(KEY, rail ? null : "rail");
  }
}

export function closeDrawer(): void {
  if (frame.getState().drawer) frame.setState({ drawer: false });
}

frame.subscribe(paint);
narrow.addEventListener("change", () => frame.setState({ narrow: narrow.matches, drawer: false }));
paint();
