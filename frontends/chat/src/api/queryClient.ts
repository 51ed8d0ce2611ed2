// Server state: what is cached, how long it is fresh, and that waiting for a lost server never ends in an error page.
import { ApiError } from "@taifas/api-client/apiError";
import { backoffMs } from "@taifas/api-client/backoff";
import { QueryClient } from "@tanstack/react-query";

/** True for trouble that passes by itself: no answer, a busy or restarting server. */
export function passes(error: unknown): boolean {
  return !(error instanceof ApiError) || error.transient;
}

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 2_000,
      gcTime: 10 * 60_000,
      retry: (_count, error) => passes(error),
      retryDelay: (failures) => backoffMs(failures + 1),
      networkMode: "always",
    },
  },
});
