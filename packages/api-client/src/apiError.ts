// Errors of the API as one typed class, made from RFC 9457 problem documents, and one for "no answer at all".

export type ProblemCode =
  | "invalid"
  | "unauthenticated"
  | "forbidden"
  | "not_found"
  | "conflict"
  | "stale"
  | "too_large"
  | "rate_limited"
  | "mismatch"
  | "unavailable"
  | "timeout"
  | "internal";

/** The server answered, and the answer is a refusal or a failure. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    readonly status: number,
    readonly code: ProblemCode,
    /** A sentence for people, from the server. */
    readonly detail: string,
    readonly correlationId: string | null,
    /** Seconds the server asks to wait, from `Retry-After`. */
    readonly retryAfter: number | null,
    /** Members beyond the standard ones, e.g. `field`, `tries_left`, `newer`. */
    readonly extras: Readonly<Record<string, unknown>>,
  ) {
    super(detail);
  }

  /** True when the same request may succeed later without a change by the person. */
  get transient(): boolean {
    return this.status >= 500 || this.status === 429 || this.status === 408;
  }
}

/** No answer came: the network, the server or the deadline. */
export class NetworkError extends Error {
  override readonly name = "NetworkError";
}

const STANDARD = new Set(["type", "title", "status", "detail", "code", "correlation_id"]);
const CODES = new Set<string>([
  "invalid", "unauthenticated", "forbidden", "not_found", "conflict", "stale", "too_large",
  "rate_limited", "mismatch", "unavailable", "timeout", "internal",
]);

function codeOfStatus(status: number): ProblemCode {
  switch (status) {
    case 400: case 422: return "invalid";
    case 401: return "unauthenticated";
    case 403: return "forbidden";
    case 404: return "not_found";
    case 409: return "conflict";
    case 413: return "too_large";
    case 429: return "rate_limited";
    case 502: case 503: return "unavailable";
    case 408: case 504: return "timeout";
    default: return "internal";
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Seconds from `Retry-After` (a number or a date); null when absent or unreadable. */
export function retryAfterSeconds(header: string | null, now: number = Date.now()): number | null {
  if (header === null) return null;
  if (/^\d+$/.test(header.trim())) return Number(header);
  const at = Date.parse(header);
  return Number.isNaN(at) ? null : Math.max(0, Math.ceil((at - now) / 1000));
}

/** Makes the error from an answer's parts; a body that is no problem document (a proxy's page) still gives a usable error. */
export function apiErrorFrom(response: Response, body: unknown): ApiError {
  const problem = isRecord(body) ? body : {};
  const code = typeof problem["code"] === "string" && CODES.has(problem["code"])
    ? (problem["code"] as ProblemCode)
    : codeOfStatus(response.status);
  const detail = typeof problem["detail"] === "string" ? problem["detail"] : "";
  const correlation = typeof problem["correlation_id"] === "string" ? problem["correlation_id"] : null;
  const extras = Object.fromEntries(Object.entries(problem).filter(([key]) => !STANDARD.has(key)));
  return new ApiError(
    response.status, code, detail, correlation, retryAfterSeconds(response.headers.get("Retry-After")), extras,
  );
}
