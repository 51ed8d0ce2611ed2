// What the app needs of the API from its first moment on, as typed functions. Parts that are loaded later bring their own.
import type { Call } from "./request";
import type { Chat, ChatPage, Message, Model, Project, Sent, Session, Shelf, Thread, Tree, User } from "./types";

export interface SendMessage {
  id: string;
  chatId: string;
  parentId: string | null;
  text: string;
  model: string;
  /** Beside what is there already under the same parent. */
  branch?: boolean;
  /** Ids of files. */
  attachments?: string[] | undefined;
  /** For a chat that begins in a project. */
  projectId?: string | null | undefined;
}

/** What may change about a chat. */
export type ChatChange = Partial<Pick<Chat, "title" | "pinned" | "archived" | "project_id" | "model">>;

/** Which list of chats: a shelf, or the chats of a project. */
export interface ListOf {
  shelf: Shelf;
  project?: string | undefined;
}

export type Api = ReturnType<typeof createApi>;

export function createApi(call: Call) {
  return {
    session: () => call<Session>("GET", "/api/v1/session"),
    setUp: (body: { token: string; name: string; email: string; password: string }) =>
      call<{ user: User }>("POST", "/api/v1/setup", { body, quiet401: true }),
    signIn: (body: { email: string; password: string }) =>
      call<{ user: User }>("POST", "/api/v1/auth/sign-in", { body, quiet401: true }),
    signOut: () => call<void>("POST", "/api/v1/auth/sign-out", { quiet401: true }),
    models: async () => (await call<{ models: Model[] }>("GET", "/api/v1/models")).models,
    chats: ({ shelf, project }: ListOf, limit: number, before: string | null) =>
      call<ChatPage>("GET", "/api/v1/chats", { query: { limit, before, filter: shelf === "recent" ? null : shelf, project } }),
    projects: async () => (await call<{ projects: Project[] }>("GET", "/api/v1/projects")).projects,
    thread: (id: string) => call<Thread>("GET", `/api/v1/chats/${id}`),
    tree: (chatId: string) => call<Tree>("GET", `/api/v1/chats/${chatId}/tree`),
    change: (id: string, version: number, change: ChatChange) =>
      call<Chat>("PATCH", `/api/v1/chats/${id}`, { body: { version, ...change } }),
    remove: (id: string) => call<void>("DELETE", `/api/v1/chats/${id}`),
    restore: (id: string) => call<Chat>("POST", `/api/v1/chats/${id}/restore`),
    read: (id: string, messageId: string) => call<void>("POST", `/api/v1/chats/${id}/read`, { body: { message_id: messageId } }),
    send: ({ id, chatId, parentId, text, model, branch, attachments, projectId }: SendMessage, deadlineMs?: number) =>
      call<Sent>("POST", `/api/v1/chats/${chatId}/messages`, {
        headers: { "Idempotency-Key": id },
        deadlineMs,
        body: {
          id, parent_id: parentId, text, model, branch: branch === true,
          ...(attachments?.length ? { attachments } : {}),
          ...(projectId ? { project_id: projectId } : {}),
        },
      }),
    stop: (id: string) => call<Message>("POST", `/api/v1/replies/${id}/stop`),
    continue: (id: string, model: string | null) => call<Message>("POST", `/api/v1/replies/${id}/continue`, { body: { model } }),
  };
}
