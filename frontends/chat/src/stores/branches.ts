// Other answers and other versions of a question: asking for one, and going from one to another.
import { ApiError } from "@taifas/api-client/apiError";
import { backoffMs, sleep } from "@taifas/api-client/backoff";
import { createChatApi } from "@taifas/api-client/chatClient";
import type { Message, Sent, Thread } from "@taifas/api-client/types";
import { call } from "../api/api";
import { putChat } from "../api/lists";
import { cachedThread, keys, putThread, refreshThread } from "../api/queries";
import { queryClient } from "../api/queryClient";
import { t } from "../texts/t";
import { tellTabs } from "./tabs";
import { showToast } from "./toasts";
import { uuidv7 } from "./uuid";

const api = createChatApi(call);
/** A lost answer is asked for again with the same key this often. */
const TRIES = 4;

export interface Wish {
  model?: string | null;
  /** How the answer shall differ. */
  instruction?: string | null;
}

/** Another answer to the same question, beside the ones that are there. */
export async function regenerate(reply: Message, wish: Wish): Promise<void> {
  const key = uuidv7();
  const given = new AbortController();
  for (let failures = 1; ; failures += 1) {
    try {
      took(await api.regenerate(reply.id, key, wish));
      return;
    } catch (error) {
      const hopeless = error instanceof ApiError && !error.transient;
      if (hopeless || failures >= TRIES) {
        refreshThread(reply.chat_id);
        showToast(error instanceof ApiError && error.detail ? t("reply.againFailed", { detail: error.detail }) : t("connection.lost"));
        return;
      }
      await sleep(backoffMs(failures), given.signal);
    }
  }
}

function took({ chat, message, reply }: Sent): void {
  const messages = (cachedThread(chat.id)?.messages ?? []).filter((m) => m.id !== reply.id);
  const at = messages.findIndex((m) => m.id === message.id);
  if (at < 0) refreshThread(chat.id);
  else putThread({ chat, messages: [...messages.slice(0, at), message, reply] });
  putChat(chat, true);
  tellTabs({ kind: "chat", id: chat.id });
}

/** Shows the branch with `messageId`, as it was looked at last. Gives the thread, or null when that failed. */
export async function switchTo(chatId: string, messageId: string): Promise<Thread | null> {
  try {
    await queryClient.cancelQueries({ queryKey: keys.thread(chatId) });
    const thread = await api.switchTo(chatId, messageId);
    putThread(thread);
    tellTabs({ kind: "chat", id: chatId });
    return thread;
  } catch {
    showToast(t("branch.failed"));
    return null;
  }
}
