// The API client of the app, wired to what every answer tells about the connection and the session.
import { createApi } from "@taifas/api-client/client";
import { createCall } from "@taifas/api-client/request";
import { reportAnswer, reportSilence } from "../stores/connection";
import { sessionLost } from "../stores/session";
import { queryClient } from "./queryClient";

declare global {
  interface Window {
    /** Requests the inline script of the page started before this code was loaded, by path and query. */
    __early?: Record<string, Promise<Response>>;
  }
}

/** Answers of a proxy whose server is away say nothing good about the connection. */
const AWAY = new Set([502, 503, 504]);

export async function watchedFetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  try {
    const response = await fetch(input, init);
    if (AWAY.has(response.status)) reportSilence();
    else reportAnswer();
    return response;
  } catch (error) {
    const aborted = error instanceof DOMException && error.name === "AbortError";
    if (!aborted) reportSilence();
    throw error;
  }
}

export const call = createCall({
  fetch: watchedFetch,
  early: new Map(Object.entries(window.__early ?? {})),
  onUnauthenticated: doubtSession,
});

export const api = createApi(call);

/** A session that is doubted again within this time, in milliseconds, is over for this page, whatever it says. */
const TRUST_MS = 5_000;

let doubting = false;
let trusted = -TRUST_MS;

/**
 * The server said 401. That is no proof: a new password makes a new session, and what was asked a moment before still
 * named the old one. The session itself is asked; if it stands, what was refused is asked again.
 */
export function doubtSession(): void {
  if (doubting) return;
  doubting = true;
  api.session().then(({ state }) => {
    if (state !== "signed_in" || performance.now() - trusted < TRUST_MS) return sessionLost();
    trusted = performance.now();
    void queryClient.invalidateQueries();
  }, () => undefined).finally(() => { doubting = false; });
}
