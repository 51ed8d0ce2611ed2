// The addresses of the app.

/** The chat a path shows; null for every other page. */
export function chatIdOf(path: string): string | null {
  return /^\/c\/([0-9a-fA-F-]{36})\/?$/.exec(path)?.[1]?.toLowerCase() ?? null;
}

export function chatPath(id: string): string {
  return `/c/${id}`;
}
