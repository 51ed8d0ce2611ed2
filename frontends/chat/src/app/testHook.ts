// Lets a browser test compare an answer's exact source with what was sent. Only when the tab asked for it.
import { queryClient } from "../api/queryClient";
import { liveText } from "../stores/liveReplies";
import type { Thread } from "@taifas/api-client/types";

declare global {
  interface Window {
    __taifas?: { replyText: (id: string) => string | null };
  }
}

export function exposeTestHook(): void {
  let asked = false;
  try {
    asked = sessionStorage.getItem("taifas-test") === "1";
  } catch {
    // No storage, no test.
  }
  if (asked) window.__taifas = { replyText: (id) => liveText(id) ?? cachedText(id) };
}

function cachedText(id: string): string | null {
  for (const [, thread] of queryClient.getQueriesData<Thread>({ queryKey: ["thread"] })) {
    const message = thread?.messages.find((m) => m.id === id);
    if (message) return message.text;
  }
  return null;
}
