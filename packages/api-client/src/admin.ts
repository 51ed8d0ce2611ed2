// What administrators do. Loaded with the administration pages.
import type { Call, Method } from "./request";
import type {
  Account, AdminModel, AdminUsage, Health, Instance, Invitation, Limits, LimitsChange, MailState, People, PersonLimits, PersonLimitsChange, Provider, ProviderKind,
  ProviderTest, RoleInfo,
} from "./shapes";

export interface ProviderDraft {
  kind: ProviderKind;
  name: string;
  base_url: string;
  key?: string;
  enabled?: boolean;
  first_byte_seconds?: number | null;
}
export type UsageBy = "day" | "model" | "person";

export type AdminApi = ReturnType<typeof adminApi>;

export function adminApi(request: Call) {
  const ask = <T>(method: Method, path: string, body?: unknown): Promise<T> =>
    request<T>(method, `/api/v1${path}`, body === undefined ? {} : { body });
  return {
    people: (query: { q?: string; state?: string; before?: string | null; limit?: number }) => {
      const search = new URLSearchParams({ limit: String(query.limit ?? 50) });
      if (query.q) search.set("q", query.q);
      if (query.state) search.set("state", query.state);
      if (query.before) search.set("before", query.before);
      return ask<People>("GET", `/admin/people?${search}`);
    },
    createPerson: (body: { name: string; email: string; role: string }) =>
      ask<{ account: Account; link: string }>("POST", "/admin/people", body),
    changePerson: (person: Account, patch: { name?: string; role?: string; state?: "active" | "disabled" }) =>
      ask<Account>("PATCH", `/admin/people/${person.id}`, { version: person.version, ...patch }),
    deletePerson: (id: string) => ask<void>("DELETE", `/admin/people/${id}`),
    keepPerson: (id: string) => ask<void>("POST", `/admin/people/${id}/keep`),
    resetLink: (id: string) => ask<{ link: string; expires_at: string }>("POST", `/admin/people/${id}/reset-password`),
    signOutPerson: (id: string) => ask<void>("POST", `/admin/people/${id}/sign-out`),
    personLimits: (id: string) => ask<PersonLimits>("GET", `/admin/limits/people/${id}`),
    setPersonLimits: (id: string, body: PersonLimitsChange) => ask<PersonLimits>("PUT", `/admin/limits/people/${id}`, body),

    invitations: async () => (await ask<{ invitations: Invitation[] }>("GET", "/admin/invitations")).invitations,
    invite: (body: { email?: string; role: string; days?: number }) =>
      ask<{ invitation: Invitation; link: string; mailed: boolean }>("POST", "/admin/invitations", body),
    revokeInvitation: (id: string) => ask<void>("DELETE", `/admin/invitations/${id}`),

    roles: async () => (await ask<{ roles: RoleInfo[] }>("GET", "/admin/roles")).roles,
    createRole: (body: { name: string; label: string; permissions: string[] }) => ask<RoleInfo>("POST", "/admin/roles", body),
    changeRole: (role: RoleInfo, patch: { label?: string; permissions?: string[] }) =>
      ask<RoleInfo>("PATCH", `/admin/roles/${role.name}`, { version: role.version, ...patch }),
    deleteRole: (name: string) => ask<void>("DELETE", `/admin/roles/${name}`),

    providers: async () => (await ask<{ providers: Provider[] }>("GET", "/admin/providers")).providers,
    addProvider: (body: ProviderDraft) => ask<Provider>("POST", "/admin/providers", body),
    changeProvider: (provider: Provider, patch: Partial<ProviderDraft>) =>
      ask<Provider>("PATCH", `/admin/providers/${provider.id}`, { version: provider.version, ...patch }),
    removeProvider: (id: string) => ask<void>("DELETE", `/admin/providers/${id}`),
    testDraft: (body: { kind: ProviderKind; base_url: string; key?: string }) =>
      ask<ProviderTest>("POST", "/admin/providers/test", body),
    testProvider: (id: string) => ask<ProviderTest>("POST", `/admin/providers/${id}/test`),

    models: async () => (await ask<{ models: AdminModel[] }>("GET", "/admin/models")).models,
    changeModel: (model: AdminModel, patch: Partial<Omit<AdminModel, "id" | "version" | "provider" | "name" | "position">>) =>
      ask<AdminModel>("PUT", "/admin/models", { id: model.id, version: model.version, ...patch }),
    orderModels: (ids: string[]) => ask<unknown>("POST", "/admin/models/order", { ids }),

    limits: () => ask<Limits>("GET", "/admin/limits"),
    setLimits: (body: LimitsChange) => ask<Limits>("PATCH", "/admin/limits", body),
    usage: (from: string, to: string, by: UsageBy) => ask<AdminUsage>("GET", `/admin/usage?from=${from}&to=${to}&by=${by}`),

    instance: () => ask<Instance>("GET", "/admin/instance"),
    changeInstance: (version: number, patch: Partial<Omit<Instance, "version">>) =>
      ask<Instance>("PATCH", "/admin/instance", { version, ...patch }),
    mail: () => ask<MailState>("GET", "/admin/mail"),
    testMail: (to: string) => ask<void>("POST", "/admin/mail/test", { to }),
    health: () => ask<Health>("GET", "/admin/health"),
  };
}
