// A thread as turns: what the person said and what was answered to it. Also joins in the messages on their way.
import type { Message, StoredFile } from "@taifas/api-client/types";
import type { Outgoing } from "../../stores/outbox";

export interface Question {
  text: string;
  waiting: boolean;
  attachments: readonly StoredFile[];
}

const NONE: readonly StoredFile[] = [];

export interface Turn {
  /** The id of the person's message; stable from the moment of sending. */
  id: string;
  question: Question | null;
  /** The stored message of the question. */
  message: Message | null;
  replies: Message[];
}

export function turnsOf(messages: Message[], outgoing: Outgoing[]): Turn[] {
  const turns: Turn[] = [];
  const known = new Set<string>();
  for (const message of beside(messages, outgoing)) {
    known.add(message.id);
    const last = turns.at(-1);
    if (message.role === "user") {
      turns.push({ id: message.id, message, question: { text: message.text, waiting: false, attachments: message.attachments ?? NONE }, replies: [] });
    }
    else if (last) last.replies.push(message);
    else turns.push({ id: message.id, message: null, question: null, replies: [message] });
  }
  for (const item of outgoing) {
    if (!known.has(item.id)) {
      turns.push({
        id: item.id, message: null, question: { text: item.text, waiting: item.state === "waiting", attachments: item.attachments ?? NONE }, replies: [],
      });
    }
  }
  return turns;
}

/** Without what the first branch on its way will stand beside. */
function beside(messages: Message[], outgoing: Outgoing[]): Message[] {
  const branch = outgoing.find((item) => item.branch === true && !messages.some((message) => message.id === item.id));
  return branch ? messages.slice(0, messages.findIndex((message) => message.id === branch.parentId) + 1) : messages;
}
