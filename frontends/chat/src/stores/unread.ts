// Chats whose answer ended while another one was open; kept for this page only.
import { createStore } from "zustand/vanilla";

export const unread = createStore<{ ids: ReadonlySet<string> }>(() => ({ ids: new Set() }));

export function markUnread(id: string): void {
  unread.setState(({ ids }) => ({ ids: new Set(ids).add(id) }));
}

export function markRead(id: string): void {
  unread.setState((state) => {
    if (!state.ids.has(id)) return state;
    const ids = new Set(state.ids);
    ids.delete(id);
    return { ids };
  });
}
