// Which groups of the sidebar are folded; kept per device.
import { createStore } from "zustand/vanilla";
import { readLocalJson, writeLocal } from "./localData";

const KEY = "taifas.groups";
const MOST = 200;

export const groups = createStore<{ open: Readonly<Record<string, boolean>> }>(() => ({ open: readLocalJson(KEY, {}) }));

export function setOpen(group: string, open: boolean): void {
  const { [group]: _old, ...others } = groups.getState().open;
  const next = Object.fromEntries([...Object.entries(others), [group, open]].slice(-MOST));
  groups.setState({ open: next });
  writeLocal(KEY, JSON.stringify(next));
}
