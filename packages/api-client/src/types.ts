// The shapes of the API under short names, taken from the generated schema by route so that the names
// the server gives its components do not matter here.
import type { paths } from "./schema";

type Json<T> = T extends { content: { "application/json": infer Body } } ? Body : never;

export type Session = Json<paths["/api/v1/session"]["get"]["responses"][200]>;
export type User = Json<paths["/api/v1/me"]["get"]["responses"][200]>;
export type Model = Json<paths["/api/v1/models"]["get"]["responses"][200]>["models"][number];
export type ChatPage = Json<paths["/api/v1/chats"]["get"]["responses"][200]>;
export type Chat = ChatPage["chats"][number];
export type Thread = Json<paths["/api/v1/chats/{id}"]["get"]["responses"][200]>;
export type Message = Thread["messages"][number];
export type MessageState = Message["state"];
export type Reason = NonNullable<Message["reason"]>;
export type Mark = Message["marks"][number];
export type Sent = Json<paths["/api/v1/chats/{id}/messages"]["post"]["responses"][202]>;

/** True while a reply may still grow: it has a stream worth following. */
export function isRunning(state: MessageState): boolean {
  return state === "queued" || state === "streaming";
}
