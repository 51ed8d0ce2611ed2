// One answer as the screen shows it: the live view while it is written, the stored message otherwise.
import { isRunning, type Message } from "@taifas/api-client/types";
import { useCallback, useEffect, useSyncExternalStore } from "react";
import { follow, type LiveView, liveView, subscribeReply } from "../../stores/liveReplies";

export function useReplyView(message: Message): LiveView {
  const { id } = message;
  const subscribe = useCallback((listener: () => void) => subscribeReply(id, listener), [id]);
  const live = useSyncExternalStore(subscribe, () => liveView(id));
  const running = isRunning(message.state);
  useEffect(() => {
    if (running) return follow(message);
    return undefined;
    // The message object changes with every refetch; only another attempt needs another follower.
  }, [id, running, message.attempt]);
  return live ?? {
    text: message.text, state: message.state, reason: message.reason ?? null, marks: message.marks,
    attempt: message.attempt, finishedAt: message.finished_at ?? null, stopping: false, loading: false,
  };
}
