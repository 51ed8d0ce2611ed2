// Renaming, moving, archiving, deleting and bringing back: on the screen at once, on the server right after, undone if
// it refuses.
import { ApiError } from "@taifas/api-client/apiError";
import type { ChatChange } from "@taifas/api-client/client";
import type { Chat, Project } from "@taifas/api-client/types";
import { api } from "../../api/api";
import { dropChat, listedChats, putChat, refreshChats } from "../../api/lists";
import { cachedThread } from "../../api/queries";
import { showUndo, showToast } from "../../stores/toasts";
import { tellTabs } from "../../stores/tabs";
import { t } from "../../texts/t";

/** The newest state known here: its version is the one to name. */
function newest(chat: Chat): Chat {
  const known = [chat, cachedThread(chat.id)?.chat, ...listedChats().filter((c) => c.id === chat.id)];
  return known.filter((c) => c !== undefined).reduce((a, b) => (b.version > a.version ? b : a));
}

/** Applies a change; null when it did not come about. `onStale` decides about what somebody changed meanwhile. */
async function change(chat: Chat, wanted: ChatChange, onStale?: (current: Chat) => void): Promise<Chat | null> {
  let before = newest(chat);
  putChat({ ...before, ...wanted });
  for (let tries = 0; ; tries += 1) {
    try {
      const after = await api.change(chat.id, before.version, wanted);
      putChat(after);
      tellTabs({ kind: "chat", id: chat.id });
      return after;
    } catch (error) {
      const current = error instanceof ApiError && error.code === "stale" ? (error.extras["current"] as Chat | undefined) : undefined;
      if (current && onStale) {
        putChat(current);
        onStale(current);
        return null;
      }
      // Where a chat stands does not contradict what its title is: on top of the newest state.
      if (current && tries < 2) {
        before = current;
        continue;
      }
      putChat(before);
      return null;
    }
  }
}

export async function renameChat(chat: Chat, title: string): Promise<void> {
  let told = false;
  const done = await change(chat, { title }, (current) => {
    // Somebody gave it another title meanwhile: nobody overwrites what they have not seen.
    told = true;
    showToast(t("chat.renamedElsewhere", { title: current.title }));
  });
  if (!done && !told) showToast(t("chat.renameFailed"));
}

/** Which model answers next, on all devices. False when the server does not have it. */
export async function changeModel(chat: Chat, model: string): Promise<boolean> {
  return (await change(chat, { model })) !== null;
}

export async function pinChat(chat: Chat, pinned: boolean): Promise<void> {
  if (!(await change(chat, { pinned }))) showToast(t("chat.changeFailed"));
}

export async function archiveChat(chat: Chat, archived: boolean, onBack: () => void): Promise<void> {
  const done = change(chat, { archived });
  showUndo(t(archived ? "chat.archived" : "chat.unarchived"), () => {
    void done.then(async (after) => {
      if (after && (await change(after, { archived: !archived }))) onBack();
    });
  });
  if (!(await done)) showToast(t("chat.changeFailed"));
}

export async function moveChat(chat: Chat, project: Project | null): Promise<void> {
  const from = chat.project_id ?? null;
  const to = project?.id ?? null;
  if (from === to) return;
  const done = change(chat, { project_id: to });
  showUndo(project ? t("chat.moved", { name: project.name }) : t("chat.movedOut"), () => {
    void done.then((after) => after && change(after, { project_id: from }));
  });
  if (!(await done)) showToast(t("chat.changeFailed"));
}

/** `onBack` runs after an undo, e.g. to open the chat again. */
export async function deleteChat(chat: Chat, onBack: () => void): Promise<void> {
  dropChat(chat.id);
  const removed = api.remove(chat.id);
  showUndo(t("chat.deleted"), () => {
    void removed.then(() => restoreChat(chat.id)).then((back) => back && onBack()).catch(() => refreshChats());
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

export async function restoreChat(id: string): Promise<boolean> {
  try {
    putChat(await api.restore(id));
    tellTabs({ kind: "chat", id });
    refreshChats();
    return true;
  } catch {
    showToast(t("chat.restoreFailed"));
    refreshChats();
    return false;
  }
}
