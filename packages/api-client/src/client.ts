// The API as typed functions. Adds what every request needs (CSRF header, deadline) and turns refusals into ApiError
// and silence into NetworkError, so that callers handle two kinds of trouble and no others.
import createClient from "openapi-fetch";
import { apiErrorFrom, NetworkError } from "./apiError";
import type { paths } from "./schema";
import type { Chat, ChatPage, Message, Model, Sent, Session, Thread, User } from "./types";

/** Deadline of one request, in milliseconds. */
const DEADLINE_MS = 20_000;

export interface SendMessage {
  id: string;
  chatId: string;
  parentId: string | null;
  text: string;
  model: string;
}

export interface ApiOptions {
  /** Called whenever the server says that nobody is signed in, except as the answer to a sign-in. */
  onUnauthenticated?: () => void;
  /** Answers that were asked for before this code ran, by path; each is used once. */
  early?: Map<string, Promise<Response>>;
  fetch?: typeof fetch;
  baseUrl?: string;
}

export type Api = ReturnType<typeof createApi>;

export function createApi({ onUnauthenticated, early, fetch: request, baseUrl = location.origin }: ApiOptions = {}) {
  const send = async (input: Request): Promise<Response> => {
    const url = new URL(input.url);
    const key = url.pathname + url.search;
    const waiting = input.method === "GET" ? early?.get(key) : undefined;
    if (waiting) {
      early?.delete(key);
      const answer = await waiting.catch(() => null);
      if (answer) return answer;
    }
    const signal = AbortSignal.any([input.signal, AbortSignal.timeout(DEADLINE_MS)]);
    return (request ?? fetch)(new Request(input, { signal }));
  };
  const client = createClient<paths>({ baseUrl, fetch: send, headers: { "X-CSRF": "1" }, credentials: "same-origin" });

  type Answer<T> = { data?: T; error?: unknown; response: Response };
  async function ask<T>(call: Promise<Answer<T>>, quiet401 = false): Promise<T> {
    let answer: Answer<T>;
    try {
      answer = await call;
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") throw error;
      throw new NetworkError("no answer", { cause: error });
    }
    if (answer.response.ok) return answer.data as T;
    if (answer.response.status === 401 && !quiet401) onUnauthenticated?.();
    throw apiErrorFrom(answer.response, answer.error);
  }

  const chat = (id: string) => ({ path: { id } });
  return {
    session: (): Promise<Session> => ask(client.GET("/api/v1/session")),
    setUp: (body: { token: string; name: string; email: string; password: string }): Promise<{ user: User }> =>
      ask(client.POST("/api/v1/setup", { body }), true),
    signIn: (body: { email: string; password: string }): Promise<{ user: User }> =>
      ask(client.POST("/api/v1/auth/sign-in", { body }), true),
    signOut: async (): Promise<void> => { await ask(client.POST("/api/v1/auth/sign-out"), true); },
    models: async (): Promise<Model[]> => (await ask(client.GET("/api/v1/models"))).models,
    chats: (limit: number, before: string | null): Promise<ChatPage> =>
      ask(client.GET("/api/v1/chats", { params: { query: before === null ? { limit } : { limit, before } } })),
    thread: (id: string): Promise<Thread> => ask(client.GET("/api/v1/chats/{id}", { params: chat(id) })),
    rename: (id: string, title: string, version: number): Promise<Chat> =>
      ask(client.PATCH("/api/v1/chats/{id}", { params: chat(id), body: { title, version } })),
    remove: async (id: string): Promise<void> => { await ask(client.DELETE("/api/v1/chats/{id}", { params: chat(id) })); },
    restore: (id: string): Promise<Chat> => ask(client.POST("/api/v1/chats/{id}/restore", { params: chat(id) })),
    send: (message: SendMessage): Promise<Sent> =>
      ask(client.POST("/api/v1/chats/{id}/messages", {
        params: { ...chat(message.chatId), header: { "Idempotency-Key": message.id } },
        body: { id: message.id, parent_id: message.parentId, text: message.text, model: message.model },
      })),
    stop: (id: string): Promise<Message> => ask(client.POST("/api/v1/replies/{id}/stop", { params: chat(id) })),
    continue: (id: string, model: string | null): Promise<Message> =>
      ask(client.POST("/api/v1/replies/{id}/continue", { params: chat(id), body: { model } })),
  };
}
