// The lists of chats in the cache, and what a changed chat does to them: it leaves the lists it no longer belongs to,
// and stands at its place in those it does.
import type { ListOf } from "@taifas/api-client/client";
import type { Chat, ChatPage, Project, Shelf, Thread } from "@taifas/api-client/types";
import { type InfiniteData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { api } from "./api";
import { queryClient } from "./queryClient";

/** Rows asked for at a time; the inline script of the page asks for the same, so keep both equal. */
export const CHATS_PER_PAGE = 28;
/** While an answer runs somewhere and nobody tells us of its end, how often the list looks. */
const RUNNING_POLL_MS = 4_000;

const LISTS = "chats";
export const listKeys = {
  all: [LISTS] as const,
  of: (shelf: Shelf, project?: string) => [LISTS, shelf, project ?? null] as const,
  projects: ["projects"] as const,
};

type ChatPages = InfiniteData<ChatPage, string | null>;

/** True while a live feed tells of every change: nothing has to be asked again and again. */
export const told = { now: false };

export function useChats(shelf: Shelf = "recent", project?: string, enabled = true) {
  const list: ListOf = { shelf, project };
  return useInfiniteQuery({
    queryKey: listKeys.of(shelf, project),
    queryFn: ({ pageParam }) => api.chats(list, CHATS_PER_PAGE, pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next ?? null,
    enabled,
    refetchInterval: (query) => {
      const pages = query.state.data?.pages ?? [];
      return !told.now && pages.some((page) => page.chats.some((chat) => chat.running)) ? RUNNING_POLL_MS : false;
    },
  });
}

export function useProjects(enabled = true) {
  return useQuery({ queryKey: listKeys.projects, queryFn: api.projects, staleTime: 10_000, enabled });
}

export function chatsOf(data: { pages: ChatPage[] } | undefined): Chat[] {
  return data?.pages.flatMap((page) => page.chats) ?? [];
}

/** Every chat the lists hold, once; of those nobody looks at, it may be old. */
export function listedChats(type: "all" | "active" = "all"): Chat[] {
  const all = new Map<string, Chat>();
  for (const [, data] of queryClient.getQueriesData<ChatPages>({ queryKey: listKeys.all, type })) {
    for (const chat of chatsOf(data)) all.set(chat.id, chat);
  }
  return [...all.values()];
}

function belongs(chat: Chat, shelf: Shelf, project: string | null): boolean {
  if (chat.deleted_at) return shelf === "trash";
  if (chat.archived) return shelf === "archived";
  if (project !== null) return chat.project_id === project;
  if (chat.pinned) return shelf === "pinned";
  return shelf === "recent" && !chat.project_id;
}

function mapPages(data: ChatPages, change: (chats: Chat[]) => Chat[]): ChatPages {
  return { ...data, pages: data.pages.map((page) => ({ ...page, chats: change(page.chats) })) };
}

/** Puts `chat` where it belongs: in its place, or at the top when it is new there or `toTop`. */
function placed(data: ChatPages, chat: Chat, toTop: boolean): ChatPages {
  if (chatsOf(data).some((c) => c.id === chat.id) && !toTop) {
    return mapPages(data, (chats) => chats.map((c) => (c.id === chat.id ? chat : c)));
  }
  const [first, ...rest] = mapPages(data, (chats) => chats.filter((c) => c.id !== chat.id)).pages;
  if (!first) return data;
  const above = toTop ? 0 : first.chats.filter((c) => c.updated_at > chat.updated_at).length;
  const chats = [...first.chats.slice(0, above), chat, ...first.chats.slice(above)];
  return { ...data, pages: [{ ...first, chats }, ...rest] };
}

/** Puts a chat into the cached lists and into its thread. */
export function putChat(chat: Chat, toTop = false): void {
  for (const [key, data] of queryClient.getQueriesData<ChatPages>({ queryKey: listKeys.all })) {
    if (!data) continue;
    const [, shelf, project] = key as ReturnType<typeof listKeys.of>;
    queryClient.setQueryData<ChatPages>(key, belongs(chat, shelf, project)
      ? placed(data, chat, toTop)
      : mapPages(data, (chats) => chats.filter((c) => c.id !== chat.id)));
  }
  queryClient.setQueryData<Thread>(["thread", chat.id], (thread) => (thread ? { ...thread, chat } : thread));
}

/** Takes a chat out of every list. */
export function dropChat(id: string): void {
  for (const [key, data] of queryClient.getQueriesData<ChatPages>({ queryKey: listKeys.all })) {
    if (data) queryClient.setQueryData<ChatPages>(key, mapPages(data, (chats) => chats.filter((c) => c.id !== id)));
  }
}

export function putProject(project: Project): void {
  queryClient.setQueryData<Project[]>(listKeys.projects, (all) => {
    if (!all) return all;
    return all.some((p) => p.id === project.id) ? all.map((p) => (p.id === project.id ? project : p)) : [...all, project];
  });
}

export function dropProject(id: string): void {
  queryClient.setQueryData<Project[]>(listKeys.projects, (all) => all?.filter((p) => p.id !== id));
}

export function refreshChats(): void {
  void queryClient.invalidateQueries({ queryKey: listKeys.all });
}

export function refreshProjects(): void {
  void queryClient.invalidateQueries({ queryKey: listKeys.projects });
}
