// The shapes of the API under short names, taken from the generated schema by route so that the names
// the server gives its components do not matter here.
import type { components, paths } from "./schema";

type Json<T> = T extends { content: { "application/json": infer Body } } ? Body : never;
/** The server gives these always; its description lets older stored answers leave them out. */
type Always<T, K extends keyof T> = Omit<T, K> & Required<Pick<T, K>>;

export type Session = Json<paths["/api/v1/session"]["get"]["responses"][200]>;
export type User = NonNullable<Session["user"]>;
export type Model = Json<paths["/api/v1/models"]["get"]["responses"][200]>["models"][number];
type PlainChat = Json<paths["/api/v1/chats"]["get"]["responses"][200]>["chats"][number];
export type Chat = Always<PlainChat, "pinned" | "archived" | "unread">;
export interface ChatPage { chats: Chat[]; next?: string | null }
type OpenChat = Json<paths["/api/v1/chats/{id}"]["get"]["responses"][200]>;
export type Message = Always<OpenChat["messages"][number], "siblings">;
export interface Thread { chat: Chat; messages: Message[]; draft?: StoredDraft | null }
export type MessageState = Message["state"];
export type Reason = NonNullable<Message["reason"]>;
export type Mark = Message["marks"][number];
/** What a send or a regeneration is answered with; `reply` is queued, its text comes on its stream. */
export interface Sent { chat: Chat; message: Message; reply: Message }
export type StoredDraft = Json<paths["/api/v1/drafts/{key}"]["get"]["responses"][200]>;
export type Tree = Json<paths["/api/v1/chats/{id}/tree"]["get"]["responses"][200]>;
export type TreeNode = Tree["nodes"][number];
export type Project = components["schemas"]["Project"];
export type ProjectColor = "slate" | "azurite" | "moss" | "ochre" | "rust" | "plum";
type Results = Json<paths["/api/v1/search"]["get"]["responses"][200]>;
export type Limits = components["schemas"]["OwnLimits"];
export type StoredFile = Json<paths["/api/v1/files"]["post"]["responses"][201]>;
export type Search = Omit<Results, "results"> & { results: (Omit<Results["results"][number], "chat"> & { chat: Chat })[] };
/** Which chats a list shows. */
export type Shelf = "recent" | "pinned" | "archived" | "trash";

/** True while a reply may still grow: it has a stream worth following. */
export function isRunning(state: MessageState): boolean {
  return state === "queued" || state === "streaming";
}
