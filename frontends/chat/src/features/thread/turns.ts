// A thread as turns: what the person said and what was answered to it. Also joins in the messages on their way.
import type { Message } from "@taifas/api-client/types";
import type { Outgoing } from "../../stores/outbox";

export interface Turn {
  /** The id of the person's message; stable from the moment of sending. */
  id: string;
  question: { text: string; waiting: boolean } | null;
  replies: Message[];
}

export function turnsOf(messages: Message[], outgoing: Outgoing[]): Turn[] {
  const turns: Turn[] = [];
  const known = new Set<string>();
  for (const message of messages) {
    known.add(message.id);
    const last = turns.at(-1);
    if (message.role === "user") turns.push({ id: message.id, question: { text: message.text, waiting: false }, replies: [] });
    else if (last) last.replies.push(message);
    else turns.push({ id: message.id, question: null, replies: [message] });
  }
  for (const item of outgoing) {
    if (!known.has(item.id)) {
      turns.push({ id: item.id, question: { text: item.text, waiting: item.state === "waiting" }, replies: [] });
    }
  }
  return turns;
}
