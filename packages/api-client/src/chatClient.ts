// The rest of what can be done with chats, for parts of the app that are loaded when they are needed.
import type { Call } from "./request";
import type { Limits, Project, ProjectColor, Search, Sent, StoredDraft, Thread } from "./types";

export interface ProjectFields {
  name: string;
  color: ProjectColor;
  instructions: string;
}

export function createChatApi(call: Call) {
  return {
    switchTo: (chatId: string, messageId: string) =>
      call<Thread>("POST", `/api/v1/chats/${chatId}/switch`, { body: { message_id: messageId } }),
    regenerate: (replyId: string, key: string, wish: { model?: string | null; instruction?: string | null }) =>
      call<Sent>("POST", `/api/v1/replies/${replyId}/regenerate`, { headers: { "Idempotency-Key": key }, body: wish }),
    erase: (chatId: string) => call<void>("DELETE", `/api/v1/chats/${chatId}/forever`),
    search: (q: string, limit: number) =>
      call<Search>("GET", "/api/v1/search", { query: { q, limit } }),
    draft: (key: string) => call<StoredDraft>("GET", `/api/v1/drafts/${key}`),
    putDraft: (key: string, text: string, version: number) =>
      call<StoredDraft>("PUT", `/api/v1/drafts/${key}`, { body: { text, version } }),
    makeProject: (fields: ProjectFields) => call<Project>("POST", "/api/v1/projects", { body: fields }),
    changeProject: (id: string, version: number, change: Partial<ProjectFields>) =>
      call<Project>("PATCH", `/api/v1/projects/${id}`, { body: { version, ...change } }),
    removeProject: (id: string) => call<void>("DELETE", `/api/v1/projects/${id}`),
    limits: () => call<Limits>("GET", "/api/v1/limits"),
    restoreProject: (id: string) => call<Project>("POST", `/api/v1/projects/${id}/restore`),
  };
}
