// The addresses of the app.

/** The chat a path shows; null for every other page. */
export function chatIdOf(path: string): string | null {
  return /^\/c\/([0-9a-fA-F-]{36})\/?$/.exec(path)?.[1]?.toLowerCase() ?? null;
}

export function chatPath(id: string): string {
  return `/c/${id}`;
}

export function isAdmin(path: string): boolean {
  return /^\/admin(?:\/|$)/.test(path);
}

/** Pages for people who are not signed in, or come with a link of their own. */
export function isOutside(path: string): boolean {
  return /^\/(?:sign-in|setup|register|join|forgot|reset)$/.test(path);
}

/** The project a path shows. */
export function projectIdOf(path: string): string | null {
  return /^\/p\/([0-9a-fA-F-]{36})\/?$/.exec(path)?.[1]?.toLowerCase() ?? null;
}

/** The shelf a path shows. */
export function shelfOf(path: string): "archived" | "trash" | null {
  if (path === "/archive") return "archived";
  return path === "/trash" ? "trash" : null;
}
