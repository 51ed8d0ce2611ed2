// What another device wrote into a draft that was being written here: both are kept until the person decides.
import { createStore } from "zustand/vanilla";

/** By the draft's key. */
export const otherDrafts = createStore<Readonly<Record<string, string>>>(() => ({}));

export function setOther(key: string, text: string | null): void {
  const { [key]: _old, ...others } = otherDrafts.getState();
  otherDrafts.setState(text === null ? others : { ...others, [key]: text }, true);
}
