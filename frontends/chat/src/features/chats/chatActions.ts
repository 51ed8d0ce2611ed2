// Renaming, deleting and bringing back: on the screen at once, on the server right after, undone if it refuses.
import { ApiError } from "@taifas/api-client/apiError";
import type { Chat } from "@taifas/api-client/types";
import { api } from "../../api/api";
import { dropChat, putChat, refreshChats } from "../../api/queries";
import { closeToast, showToast, toasts } from "../../stores/toasts";
import { tellTabs } from "../../stores/tabs";
import { t } from "../../texts/t";

export async function renameChat(chat: Chat, title: string): Promise<void> {
  putChat({ ...chat, title });
  try {
    putChat(await api.rename(chat.id, title, chat.version));
    tellTabs({ kind: "chat", id: chat.id });
  } catch (error) {
    const current = error instanceof ApiError && error.code === "stale" ? (error.extras["current"] as Chat | undefined) : undefined;
    if (current) {
      // Somebody gave it another title meanwhile: nobody overwrites what they have not seen.
      putChat(current);
      showToast(t("chat.renamedElsewhere", { title: current.title }));
      return;
    }
    putChat(chat);
    showToast(t("chat.renameFailed"));
  }
}

/** `onRestored` runs after an undo, e.g. to open the chat again. */
export async function deleteChat(chat: Chat, onRestored: () => void): Promise<void> {
  dropChat(chat.id);
  const removed = api.remove(chat.id);
  showToast(t("chat.deleted"), () => {
    const { toast } = toasts.getState();
    if (toast) closeToast(toast.id);
    void restoreChat(chat, removed, onRestored);
  });
  try {
    await removed;
    tellTabs({ kind: "chat", id: chat.id });
  } catch (error) {
    if (error instanceof ApiError && error.code === "not_found") return;
    refreshChats();
    showToast(t("chat.deleteFailed"));
  }
}

async function restoreChat(chat: Chat, removed: Promise<void>, onRestored: () => void): Promise<void> {
  try {
    await removed;
    putChat(await api.restore(chat.id), true);
    tellTabs({ kind: "chat", id: chat.id });
    onRestored();
  } catch {
    showToast(t("chat.restoreFailed"));
  }
  refreshChats();
}
