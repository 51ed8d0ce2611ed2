// Tells readers of the screen what is being answered: whole sentences, some seconds apart, never single words.
import { isRunning, type Message } from "@taifas/api-client/types";
import { useEffect, useRef, useState } from "react";
import { liveView, subscribeReply } from "../../stores/liveReplies";
import { t } from "../../texts/t";
import { lastSentenceEnd } from "./sentences";

const BETWEEN_MS = 2_500;
/** A long backlog is not read out; the thread itself has it. */
const MOST_CHARS = 600;

export function Announcer({ reply }: { reply: Message | null }) {
  const [words, setWords] = useState("");
  const running = reply !== null && isRunning(reply.state);
  const id = reply?.id ?? null;
  const spoken = useRef(0);

  useEffect(() => {
    if (!running || id === null) return;
    spoken.current = liveView(id)?.text.length ?? 0;
    setWords(t("reply.thinking"));
    let timer: ReturnType<typeof setTimeout> | null = null;
    const speak = (): void => {
      timer = null;
      const text = liveView(id)?.text ?? "";
      const end = lastSentenceEnd(text);
      if (end <= spoken.current) return;
      setWords(text.slice(Math.max(spoken.current, end - MOST_CHARS), end).trim());
      spoken.current = end;
    };
    const leave = subscribeReply(id, () => { timer ??= setTimeout(speak, BETWEEN_MS); });
    return () => {
      leave();
      if (timer !== null) clearTimeout(timer);
      setWords(t("reply.done"));
    };
  }, [running, id]);

  return <div className="sr" role="status" aria-live="polite">{words}</div>;
}
