// The archived chats, or those in the trash: bring back, delete.
import type { Chat } from "@taifas/api-client/types";
import { Button } from "@taifas/ui-components/Button";
import { ErrorLine } from "@taifas/ui-components/ErrorLine";
import { IconButton } from "@taifas/ui-components/IconButton";
import { Table } from "@taifas/ui-components/Table";
import { useInfiniteQuery } from "@tanstack/react-query";
import { ArchiveRestore, Trash2, Undo2 } from "lucide-react";
import { useState } from "react";
import { account, accountKeys } from "../../api/account";
import { queryClient } from "../../api/queryClient";
import { errorText, useWork } from "../../api/useWork";
import { date } from "../../texts/format";
import { t } from "../../texts/t";
import { ListState } from "./parts";

export function FiledChats({ filter }: { filter: "archived" | "trash" }) {
  const list = useInfiniteQuery({
    queryKey: accountKeys.filed(filter),
    queryFn: ({ pageParam }) => account.chats(filter, pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next ?? null,
  });
  const chats = list.data?.pages.flatMap((page) => page.chats) ?? [];
  const trash = filter === "trash";
  if (!list.data && !list.error) return null;
  if (chats.length === 0) {
    return <ListState error={list.data ? null : errorText(list.error)} empty={t(trash ? "settings.trashEmpty" : "settings.archivedEmpty")} onRetry={() => void list.refetch()} />;
  }
  return (
    <>
      {trash && <p className="lead">{t("settings.trashLead")}</p>}
      <Table
        label={t(trash ? "settings.trash" : "settings.archived")}
        columns={[{ key: "title", head: t("settings.chatTitle") }, { key: "at", head: t("settings.chatCreated") }, { key: "do", head: t("settings.chatActions"), quiet: true }]}
      >
        {chats.map((chat) => <ChatLine key={chat.id} chat={chat} trash={trash} />)}
      </Table>
      {list.hasNextPage && <div className="buttons start"><Button size="sm" onClick={() => void list.fetchNextPage()}>{t("settings.more")}</Button></div>}
    </>
  );
}

function ChatLine({ chat, trash }: { chat: Chat; trash: boolean }) {
  const [asked, setAsked] = useState(false);
  const { error, run, working } = useWork();
  const title = chat.title || t("sidebar.untitled");
  const act = (work: () => Promise<unknown>): void => void run(async () => {
    await work();
    await queryClient.invalidateQueries();
  });
  return (
    <tr data-testid="filed-chat">
      <td className="wrap">
        {trash ? <b>{title}</b> : <a className="link" href={`/c/${chat.id}`}>{title}</a>}
        <ErrorLine text={error} />
      </td>
      <td className="num">{date(chat.created_at)}</td>
      <td>
        <span className="ends">
          {asked
            ? (
              <>
                <Button size="sm" autoFocus onClick={() => setAsked(false)}>{t("cancel")}</Button>
                <Button size="sm" look="danger" disabledReason={working ? t("working") : null} onClick={() => act(() => account.deleteForever(chat.id))}>{t("settings.deleteForever")}</Button>
              </>
            )
            : (
              <>
                <IconButton
                  size="sm"
                  label={t(trash ? "settings.restoreNamed" : "settings.unarchiveNamed", { title })}
                  onClick={() => act(() => (trash ? account.restoreChat(chat.id) : account.unarchive(chat)))}
                >
                  {trash ? <Undo2 className="i" /> : <ArchiveRestore className="i" />}
                </IconButton>
                <IconButton
                  size="sm"
                  label={t(trash ? "settings.deleteForeverNamed" : "settings.trashNamed", { title })}
                  onClick={() => (trash ? setAsked(true) : act(() => account.trashChat(chat.id)))}
                >
                  <Trash2 className="i" />
                </IconButton>
              </>
            )}
        </span>
      </td>
    </tr>
  );
}
