// Keys and fetchers of the server state, with the hooks that read it. The lists of chats have a file of their own.
import type { Message, Thread } from "@taifas/api-client/types";
import { useQuery } from "@tanstack/react-query";
import { api } from "./api";
import { mergeThread } from "./mergeThread";
import { queryClient } from "./queryClient";

export const keys = {
  session: ["session"] as const,
  models: ["models"] as const,
  thread: (id: string) => ["thread", id] as const,
};

export function useSession() {
  return useQuery({ queryKey: keys.session, queryFn: api.session, staleTime: 60_000 });
}

export function useModels(enabled = true) {
  return useQuery({ queryKey: keys.models, queryFn: api.models, staleTime: 60_000, enabled });
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

export function refreshThread(id: string): void {
  void queryClient.invalidateQueries({ queryKey: keys.thread(id) });
}
