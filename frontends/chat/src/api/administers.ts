// Who sees the administration pages.
import type { StandingUser } from "@taifas/api-client/shapes";

/** Keys are everybody's own; the other things to manage are the instance's. */
export function administers(user: StandingUser): boolean {
  return user.permissions.some((permission) => permission.endsWith(":manage") && permission !== "keys:manage");
}
