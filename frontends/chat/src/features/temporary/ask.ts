// One question to a model without anything being kept: the whole conversation goes up, the answer streams down.
import { apiErrorFrom } from "@taifas/api-client/apiError";
import { SseParser } from "@taifas/api-client/sse";
import { watchedFetch } from "../../api/api";
import { t } from "../../texts/t";

export interface Turn {
  role: "user" | "assistant";
  text: string;
  state: "streaming" | "complete" | "stopped" | "failed";
  /** Why it failed, as a sentence. */
  detail: string;
}

export async function ask(model: string, turns: Turn[], signal: AbortSignal, onReply: (reply: Turn) => void): Promise<void> {
  let reply: Turn = { role: "assistant", text: "", state: "streaming", detail: "" };
  let frame = 0;
  const show = (next: Turn): void => {
    reply = next;
    // At most once per frame, and the last word at once.
    if (reply.state !== "streaming") {
      cancelAnimationFrame(frame);
      onReply(reply);
    } else if (frame === 0) {
      frame = requestAnimationFrame(() => {
        frame = 0;
        onReply(reply);
      });
    }
  };
  try {
    const response = await watchedFetch("/api/v1/temporary", {
      method: "POST", signal, credentials: "same-origin",
      headers: { "X-CSRF": "1", "Content-Type": "application/json", Accept: "text/event-stream" },
      body: JSON.stringify({ model, turns: turns.filter((turn) => turn.text !== "").map(({ role, text }) => ({ role, text })) }),
    });
    if (!response.ok || !response.body) throw apiErrorFrom(response, await response.json().catch(() => null));
    const parser = new SseParser();
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) throw new Error("cut");
      for (const event of parser.push(value)) {
        const data = JSON.parse(event.data) as { text?: string; state?: string; reason?: { detail?: string } | null };
        if (event.type === "text") show({ ...reply, text: reply.text + (data.text ?? "") });
        if (event.type !== "done") continue;
        show({ ...reply, state: data.state === "complete" ? "complete" : "failed", detail: data.reason?.detail ?? "" });
        return;
      }
    }
  } catch (error) {
    if (signal.aborted) show({ ...reply, state: "stopped" });
    else show({ ...reply, state: "failed", detail: error instanceof Error && "code" in error ? error.message : t("temporary.cut") });
  }
}
