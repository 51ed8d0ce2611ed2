// A message that is to be shown: found by the search or chosen in the tree. Taken once, by the thread of its chat.
import { createStore } from "zustand/vanilla";

export const jump = createStore<{ to: { chatId: string; messageId: string } | null }>(() => ({ to: null }));

export function goTo(chatId: string, messageId: string): void {
  jump.setState({ to: { chatId, messageId } });
}

export function arrivedAt(): void {
  jump.setState({ to: null });
}
