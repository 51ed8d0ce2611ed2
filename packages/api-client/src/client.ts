// What the app needs of the API from its first moment on, as typed functions. Parts that are loaded later bring their own.
import type { Call } from "./request";
import type { Chat, ChatPage, Message, Model, Sent, Session, Thread, User } from "./types";

export interface SendMessage {
  id: string;
  chatId: string;
  parentId: string | null;
  text: string;
  model: string;
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
    chats: (limit: number, before: string | null) => call<ChatPage>("GET", "/api/v1/chats", { query: { limit, before } }),
    thread: (id: string) => call<Thread>("GET", `/api/v1/chats/${id}`),
    rename: (id: string, title: string, version: number) => call<Chat>("PATCH", `/api/v1/chats/${id}`, { body: { title, version } }),
    remove: (id: string) => call<void>("DELETE", `/api/v1/chats/${id}`),
    restore: (id: string) => call<Chat>("POST", `/api/v1/chats/${id}/restore`),
    send: (message: SendMessage) =>
      call<Sent>("POST", `/api/v1/chats/${message.chatId}/messages`, {
        headers: { "Idempotency-Key": message.id },
        body: { id: message.id, parent_id: message.parentId, text: message.text, model: message.model },
      }),
    stop: (id: string) => call<Message>("POST", `/api/v1/replies/${id}/stop`),
    continue: (id: string, model: string | null) => call<Message>("POST", `/api/v1/replies/${id}/continue`, { body: { model } }),
  };
}
