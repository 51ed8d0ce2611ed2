// The administration's part of the API, and its cached state. Only for the administration pages.
import { adminApi } from "@taifas/api-client/admin";
import { call } from "./api";
import { queryClient } from "./queryClient";

export const admin = adminApi(call);

/** Every list of the administration begins with this. */
const ALL = "admin";

export const adminKeys = {
  people: (q: string, state: string) => [ALL, "people", q, state] as const,
  roles: [ALL, "roles"] as const,
  invitations: [ALL, "invitations"] as const,
  providers: [ALL, "providers"] as const,
  models: [ALL, "models"] as const,
  limits: [ALL, "limits"] as const,
  personLimits: (id: string) => [ALL, "limits", id] as const,
  usage: (from: string, to: string, by: string) => [ALL, "usage", from, to, by] as const,
  instance: [ALL, "instance"] as const,
  mail: [ALL, "mail"] as const,
  health: [ALL, "health"] as const,
};

/** After a change: what is shown may be older than it. */
export function refreshAdmin(name: keyof typeof adminKeys): Promise<void> {
  return queryClient.invalidateQueries({ queryKey: [ALL, name] });
}
