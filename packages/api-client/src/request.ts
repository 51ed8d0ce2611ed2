// One request of the API. Adds what every request needs (CSRF header, deadline) and turns refusals into ApiError and
// silence into NetworkError, so that callers handle two kinds of trouble and no others.
import { apiErrorFrom, NetworkError } from "./apiError";

/** Deadline of one request, in milliseconds. */
const DEADLINE_MS = 20_000;

export interface ApiOptions {
  /** Called whenever the server says that nobody is signed in, except as the answer to a sign-in. */
  onUnauthenticated?: () => void;
  /** Answers that were asked for before this code ran, by path and query; each is used once. */
  early?: Map<string, Promise<Response>>;
  fetch?: typeof fetch;
}

export interface RequestParts {
  /** Left out where null or undefined. */
  query?: Record<string, string | number | boolean | null | undefined>;
  /** Sent as JSON. */
  body?: unknown;
  headers?: Record<string, string>;
  /** A 401 here says that the password is wrong, not that the session ended. */
  quiet401?: boolean;
  /** When another try is better than waiting on. */
  deadlineMs?: number | undefined;
}

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** Asks the server; gives the answer's JSON, or undefined when it has none. */
export type Call = <T>(method: Method, path: string, parts?: RequestParts) => Promise<T>;

function address(path: string, query: RequestParts["query"]): string {
  const pairs = Object.entries(query ?? {}).filter(([, value]) => value !== null && value !== undefined);
  const search = new URLSearchParams(pairs.map(([key, value]) => [key, String(value)])).toString();
  return search === "" ? path : `${path}?${search}`;
}

export function createCall({ onUnauthenticated, early, fetch: request = fetch }: ApiOptions = {}): Call {
  const send = async (method: Method, url: string, parts: RequestParts): Promise<Response> => {
    const waiting = method === "GET" ? early?.get(url) : undefined;
    if (waiting) {
      early?.delete(url);
      const answer = await waiting.catch(() => null);
      if (answer) return answer;
    }
    const json = parts.body !== undefined;
    return request(url, {
      method,
      headers: { "X-CSRF": "1", ...(json ? { "Content-Type": "application/json" } : {}), ...parts.headers },
      credentials: "same-origin",
      signal: AbortSignal.timeout(parts.deadlineMs ?? DEADLINE_MS),
      ...(json ? { body: JSON.stringify(parts.body) } : {}),
    });
  };
  return async <T>(method: Method, path: string, parts: RequestParts = {}): Promise<T> => {
    let response: Response;
    let text: string;
    try {
      response = await send(method, address(path, parts.query), parts);
      text = await response.text();
    } catch (error) {
      throw new NetworkError("no answer", { cause: error });
    }
    const body = parsed(text);
    if (response.ok) return body as T;
    if (response.status === 401 && parts.quiet401 !== true) onUnauthenticated?.();
    throw apiErrorFrom(response, body);
  };
}

function parsed(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
