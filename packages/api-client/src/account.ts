// What a person does with their own account: getting in, settings, devices, keys, data, notices. Loaded with the parts
// of the app that need it.
import type { Call, Method } from "./request";
import type { Chat, ChatPage, User } from "./types";
import type {
  Device, Export, Import, Instructions, InvitationLook, Key, Me, MePatch, NoticePage, NoticePreferences, OwnLimits, Usage,
} from "./shapes";

interface SignedIn {
  user: User;
}

export type AccountApi = ReturnType<typeof accountApi>;

export function accountApi(request: Call) {
  const ask = <T>(method: Method, path: string, body?: unknown, more = {}): Promise<T> =>
    request<T>(method, `/api/v1${path}`, { ...more, ...(body === undefined ? {} : { body }) });
  const open = { quiet401: true };
  return {
    register: (body: { name: string; email: string; password: string }) => ask<SignedIn>("POST", "/auth/register", body, open),
    lookAtInvitation: (token: string) => ask<InvitationLook>("POST", "/auth/invitations/look", { token }, open),
    acceptInvitation: (body: { token: string; name: string; email: string; password: string }) =>
      ask<SignedIn>("POST", "/auth/accept-invitation", body, open),
    forgotPassword: (email: string) => ask<void>("POST", "/auth/forgot-password", { email }, open),
    resetPassword: (body: { token: string; password: string }) => ask<SignedIn>("POST", "/auth/reset-password", body, open),
    changePassword: (body: { current: string; password: string }) => ask<void>("POST", "/auth/change-password", body, open),
    signOutEverywhere: (keepThis: boolean) => ask<void>("POST", "/auth/sign-out-everywhere", { keep_this: keepThis }),
    deleteAccount: (password: string) =>
      ask<{ deletes_at: string }>("POST", "/auth/delete-account", { password, confirm: "DELETE" }, open),
    keepAccount: () => ask<void>("POST", "/auth/keep-account"),

    me: () => ask<Me>("GET", "/me"),
    changeMe: (version: number, patch: MePatch) => ask<Me>("PATCH", "/me", { version, ...patch }),
    instructions: () => ask<Instructions>("GET", "/me/instructions"),
    setInstructions: (body: Instructions) => ask<Instructions>("PUT", "/me/instructions", body),

    devices: async () => (await ask<{ sessions: Device[] }>("GET", "/sessions")).sessions,
    endDevice: (id: string) => ask<void>("DELETE", `/sessions/${id}`),

    keys: async () => (await ask<{ keys: Key[] }>("GET", "/keys")).keys,
    createKey: (body: { name: string; scopes: string[]; expires_at: string | null }) =>
      ask<{ key: Key; secret: string }>("POST", "/keys", body),
    revokeKey: (id: string) => ask<void>("DELETE", `/keys/${id}`),

    noticePreferences: () => ask<NoticePreferences>("GET", "/notices/preferences"),
    setNoticePreferences: (body: NoticePreferences) => ask<NoticePreferences>("PUT", "/notices/preferences", body),
    notices: (limit: number, before: string | null) =>
      ask<NoticePage>("GET", `/notices?limit=${limit}${before === null ? "" : `&before=${encodeURIComponent(before)}`}`),
    readNotices: (ids: string[] | "all") => ask<void>("POST", "/notices/read", ids === "all" ? { all: true } : { ids }),

    usage: (from: string, to: string) => ask<Usage>("GET", `/usage?from=${from}&to=${to}`),
    limits: () => ask<OwnLimits>("GET", "/limits"),

    chats: (filter: "archived" | "trash", before: string | null) =>
      ask<ChatPage>("GET", `/chats?filter=${filter}&limit=50${before === null ? "" : `&before=${encodeURIComponent(before)}`}`),
    unarchive: (chat: Chat) => ask<Chat>("PATCH", `/chats/${chat.id}`, { version: chat.version, archived: false }),
    trashChat: (id: string) => ask<void>("DELETE", `/chats/${id}`),
    restoreChat: (id: string) => ask<Chat>("POST", `/chats/${id}/restore`),
    deleteForever: (id: string) => ask<void>("DELETE", `/chats/${id}/forever`),
    archiveAll: () => ask<{ chats: number }>("POST", "/chats/archive-all"),
    deleteAll: () => ask<{ chats: number }>("POST", "/chats/delete-all"),

    startExport: () => ask<Export>("POST", "/exports", {}),
    exportState: (id: string) => ask<Export>("GET", `/exports/${id}`),
    importState: (id: string) => ask<Import>("GET", `/imports/${id}`),
    imports: async () => (await ask<{ imports: Import[] }>("GET", "/imports")).imports,
  };
}
