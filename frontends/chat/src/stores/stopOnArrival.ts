// Stop pressed before the server has answered the send: remembered, and done as soon as there is a reply to stop.
import type { Message } from "@taifas/api-client/types";
import { stopReply } from "./liveReplies";

const wanted = new Set<string>();

export function stopOnArrival(messageId: string): void {
  wanted.add(messageId);
}

export function arrivedReply(messageId: string, reply: Message): void {
  if (wanted.delete(messageId)) void stopReply(reply);
}
