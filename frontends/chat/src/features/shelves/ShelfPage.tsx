// The archive and the trash: what lies there, and the ways back.
import type { Chat } from "@taifas/api-client/types";
import { createChatApi } from "@taifas/api-client/chatClient";
import { Button } from "@taifas/ui-components/Button";
import { Dialog } from "@taifas/ui-components/Dialog";
import { useEffect, useRef, useState } from "react";
import { Link } from "wouter";
import { api, call } from "../../api/api";
import { chatsOf, dropChat, putChat, refreshChats, useChats } from "../../api/lists";
import { showToast, showUndo } from "../../stores/toasts";
import { tellTabs } from "../../stores/tabs";
import { day, t } from "../../texts/t";

const more = createChatApi(call);

export function ShelfPage({ shelf }: { shelf: "archived" | "trash" }) {
  const list = useChats(shelf);
  const [erasing, setErasing] = useState<Chat | null>(null);
  const chats = chatsOf(list.data);
  const end = useRef<HTMLDivElement>(null);
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = list;
  useEffect(() => {
    const mark = end.current;
    if (!mark || !hasNextPage || isFetchingNextPage) return;
    const watch = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && void fetchNextPage(), { rootMargin: "300px" });
    watch.observe(mark);
    return () => watch.disconnect();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);

  const back = async (chat: Chat): Promise<void> => {
    try {
      if (shelf === "trash") {
        putChat(await api.restore(chat.id));
        refreshChats();
        showToast(t("shelf.restored"));
      } else {
        const after = await api.change(chat.id, chat.version, { archived: false });
        putChat(after);
        showUndo(t("chat.unarchived"), () => { void api.change(chat.id, after.version, { archived: true }).then((again) => putChat(again)); });
      }
      tellTabs({ kind: "chat", id: chat.id });
    } catch {
      refreshChats();
      showToast(t("chat.changeFailed"));
    }
  };

  const erase = async (chat: Chat): Promise<void> => {
    setErasing(null);
    dropChat(chat.id);
    try {
      await more.erase(chat.id);
      tellTabs({ kind: "chat", id: chat.id });
    } catch {
      refreshChats();
      showToast(t("chat.deleteFailed"));
    }
  };

  return (
    <div className="scroll" data-testid={`shelf-${shelf}`}>
      <div className="col shelf">
        <h1>{t(shelf === "trash" ? "shelf.trash" : "shelf.archive")}</h1>
        <p className="lead">{t(shelf === "trash" ? "shelf.trashText" : "shelf.archiveText")}</p>
        {list.data && chats.length === 0 && <p className="side-note">{t(shelf === "trash" ? "shelf.trashEmpty" : "shelf.archiveEmpty")}</p>}
        <ul className="list shelf-list">
          {chats.map((chat) => {
            const title = chat.title || t("sidebar.untitled");
            return (
              <li key={chat.id} className="shelf-row" data-testid="shelf-row" data-chat-id={chat.id}>
                {shelf === "archived"
                  ? <Link href={`/c/${chat.id}`} className="grow">{title}<small>{day(chat.updated_at)}</small></Link>
                  : <span className="grow">{title}<small>{t("shelf.since", { day: day(chat.deleted_at ?? chat.updated_at) })}</small></span>}
                <Button size="sm" aria-label={t(shelf === "trash" ? "shelf.restoreChat" : "shelf.unarchiveChat", { title })} data-testid="shelf-back" onClick={() => void back(chat)}>
                  {t(shelf === "trash" ? "shelf.restore" : "chat.unarchive")}
                </Button>
                {shelf === "trash" && (
                  <Button look="ghost" size="sm" className="rm" aria-label={t("shelf.eraseChat", { title })} data-testid="shelf-erase" onClick={() => setErasing(chat)}>{t("shelf.erase")}</Button>
                )}
              </li>
            );
          })}
        </ul>
        <div ref={end} />
      </div>
      {erasing && (
        <Dialog label={t("shelf.eraseTitle")} onClose={() => setErasing(null)}>
          <h2>{t("shelf.eraseTitle")}</h2>
          <p className="lead"><b>{erasing.title || t("sidebar.untitled")}</b><br />{t("shelf.eraseText")}</p>
          <div className="buttons">
            <Button data-autofocus="" onClick={() => setErasing(null)}>{t("cancel")}</Button>
            <Button look="danger" data-testid="erase-confirm" onClick={() => void erase(erasing)}>{t("shelf.erase")}</Button>
          </div>
        </Dialog>
      )}
    </div>
  );
}
