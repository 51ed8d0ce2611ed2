// Keys and fetchers of the server state, with the hooks that read it.
import type { Chat, ChatPage, Message, Thread } from "@taifas/api-client/types";
import { type InfiniteData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { api } from "./api";
import { mergeThread } from "./mergeThread";
import { queryClient } from "./queryClient";

/** Rows asked for at a time; the inline script of the page asks for the same, so keep both equal. */
export const CHATS_PER_PAGE = 28;
/** While an answer runs somewhere, how often the list looks whether it has ended. */
const RUNNING_POLL_MS = 4_000;

export const keys = {
  session: ["session"] as const,
  models: ["models"] as const,
  chats: ["chats"] as const,
  thread: (id: string) => ["thread", id] as const,
};

type ChatPages = InfiniteData<ChatPage, string | null>;

export function useSession() {
  return useQuery({ queryKey: keys.session, queryFn: api.session, staleTime: 60_000 });
}

export function useModels(enabled = true) {
  return useQuery({ queryKey: keys.models, queryFn: api.models, staleTime: 60_000, enabled });
}

export function useChats() {
  return useInfiniteQuery({
    queryKey: keys.chats,
    queryFn: ({ pageParam }) => api.chats(CHATS_PER_PAGE, pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next ?? null,
    refetchInterval: (query) => {
      const pages = query.state.data?.pages ?? [];
      return pages.some((page) => page.chats.some((chat) => chat.running)) ? RUNNING_POLL_MS : false;
    },
  });
}

async function fetchThread(id: string): Promise<Thread> {
  const fresh = await api.thread(id);
  return mergeThread(queryClient.getQueryData<Thread>(keys.thread(id)), fresh);
}

/** `enabled` is false while the chat exists only here, waiting to be sent. */
export function useThread(id: string | null, enabled: boolean) {
  return useQuery({
    queryKey: keys.thread(id ?? ""),
    queryFn: () => fetchThread(id ?? ""),
    enabled: id !== null && enabled,
  });
}

export function cachedThread(id: string): Thread | undefined {
  return queryClient.getQueryData<Thread>(keys.thread(id));
}

export function loadThread(id: string): Promise<Thread> {
  return queryClient.fetchQuery({ queryKey: keys.thread(id), queryFn: () => fetchThread(id), staleTime: 0, retry: false });
}

/** Replaces one message of a cached thread, or adds it at the end. */
export function putMessage(message: Message): void {
  queryClient.setQueryData<Thread>(keys.thread(message.chat_id), (thread) => {
    if (!thread) return thread;
    const known = thread.messages.some((m) => m.id === message.id);
    const messages = known
      ? thread.messages.map((m) => (m.id === message.id ? message : m))
      : [...thread.messages, message];
    return { ...thread, messages };
  });
}

export function putThread(thread: Thread): void {
  queryClient.setQueryData<Thread>(keys.thread(thread.chat.id), (old) => mergeThread(old, thread));
}

/** Puts a chat into the cached list: in its place, or at the top when it is new or `toTop`. */
export function putChat(chat: Chat, toTop = false): void {
  queryClient.setQueryData<ChatPages>(keys.chats, (data) => {
    if (!data) return data;
    const known = data.pages.some((page) => page.chats.some((c) => c.id === chat.id));
    if (known && !toTop) {
      return mapPages(data, (chats) => chats.map((c) => (c.id === chat.id ? chat : c)));
    }
    const without = mapPages(data, (chats) => chats.filter((c) => c.id !== chat.id));
    const [first, ...rest] = without.pages;
    return first ? { ...without, pages: [{ ...first, chats: [chat, ...first.chats] }, ...rest] } : without;
  });
  queryClient.setQueryData<Thread>(keys.thread(chat.id), (thread) => (thread ? { ...thread, chat } : thread));
}

export function dropChat(id: string): void {
  queryClient.setQueryData<ChatPages>(keys.chats, (data) =>
    data ? mapPages(data, (chats) => chats.filter((c) => c.id !== id)) : data);
}

export function refreshChats(): void {
  void queryClient.invalidateQueries({ queryKey: keys.chats });
}

export function refreshThread(id: string): void {
  void queryClient.invalidateQueries({ queryKey: keys.thread(id) });
}

function mapPages(data: ChatPages, change: (chats: Chat[]) => Chat[]): ChatPages {
  return { ...data, pages: data.pages.map((page) => ({ ...page, chats: change(page.chats) })) };
}
