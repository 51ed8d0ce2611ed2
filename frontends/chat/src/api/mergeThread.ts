// A thread that was asked for before an answer ended can arrive after it. What ended here stays ended.
import { isRunning, type Message, type Thread } from "@taifas/api-client/types";

export function mergeThread(old: Thread | undefined, fresh: Thread): Thread {
  if (!old) return fresh;
  const known = new Map(old.messages.map((message) => [message.id, message]));
  return { ...fresh, messages: fresh.messages.map((message) => newer(known.get(message.id), message)) };
}

function newer(old: Message | undefined, fresh: Message): Message {
  if (!old) return fresh;
  if (isRunning(fresh.state)) {
    const endedHere = !isRunning(old.state) && old.attempt >= fresh.attempt;
    if (endedHere || old.attempt > fresh.attempt) return old;
    // The text of an open reply may be left out; the words already known are better than none.
    return fresh.text === "" && old.text !== "" ? { ...fresh, text: old.text } : fresh;
  }
  return old.attempt > fresh.attempt ? old : fresh;
}
