// One short notice at a time, with at most one thing to do about it.
import { createStore } from "zustand/vanilla";

export interface Toast {
  id: number;
  text: string;
  /** Takes the thing back; also on Ctrl/Cmd+Z while the toast stands. */
  undo: (() => void) | null;
}

export const TOAST_MS = 6_000;

export const toasts = createStore<{ toast: Toast | null }>(() => ({ toast: null }));

let last = 0;

export function showToast(text: string, undo: (() => void) | null = null): void {
  last += 1;
  toasts.setState({ toast: { id: last, text, undo } });
}

export function closeToast(id: number): void {
  if (toasts.getState().toast?.id === id) toasts.setState({ toast: null });
}

/** Says what was done, with the way back. */
export function showUndo(text: string, undo: () => void): void {
  const id = last + 1;
  showToast(text, () => {
    closeToast(id);
    undo();
  });
}
