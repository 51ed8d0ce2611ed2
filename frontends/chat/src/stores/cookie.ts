// Cookies the server reads to write the first page right: how it looks and which language it speaks. Nothing secret.

const YEAR_S = 365 * 24 * 3600;

export function readCookie(name: string): string | null {
  const pair = document.cookie.split("; ").find((one) => one.startsWith(`${name}=`));
  return pair?.slice(name.length + 1) ?? null;
}

export function writeCookie(name: string, value: string | null): void {
  document.cookie = `${name}=${value ?? ""}; Path=/; Max-Age=${value === null ? 0 : YEAR_S}; SameSite=Lax`;
}
