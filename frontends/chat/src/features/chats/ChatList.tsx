// The chats of the sidebar: pinned ones, projects with theirs, and the others, newest first, more as the person scrolls.
import type { Chat } from "@taifas/api-client/types";
import { Button } from "@taifas/ui-components/Button";
import { IconButton } from "@taifas/ui-components/IconButton";
import { Archive, FolderPlus, Trash2 } from "lucide-react";
import { useEffect, useRef } from "react";
import { Link } from "wouter";
import { chatsOf, useChats, useProjects } from "../../api/lists";
import { askProject } from "../../stores/dialogs";
import { closeDrawer } from "../../stores/frame";
import { t } from "../../texts/t";
import { useDrop } from "./carried";
import { moveChat, pinChat } from "./chatActions";
import { ChatRow } from "./ChatRow";
import { Group } from "./Group";
import { ProjectRow } from "./ProjectRow";

interface Props {
  openId: string | null;
  openProject: string | null;
  path: string;
}

export function ChatList({ openId, openProject, path }: Props) {
  const recent = useChats();
  const pinned = useChats("pinned");
  const projects = useProjects();
  // Together or not at all: a group that came later would push down what a finger is about to touch.
  const waiting = !recent.data || (pinned.isPending && !pinned.isError) || (projects.isPending && !projects.isError);
  if (waiting) {
    return recent.isError && !recent.data
      ? <div className="side-note"><p>{t("sidebar.loadFailed")}</p><Button size="sm" onClick={() => void recent.refetch()}>{t("retry")}</Button></div>
      : <Skeleton />;
  }
  const top = chatsOf(pinned.data);
  return (
    <>
      {top.length > 0 && (
        <Group name="pinned" label={t("sidebar.pinned")}>
          <ul className="list">{top.map((chat) => <ChatRow key={chat.id} chat={chat} open={chat.id === openId} />)}</ul>
          <More list={pinned} />
        </Group>
      )}
      <Group
        name="projects"
        label={t("sidebar.projects")}
        action={<IconButton size="xs" label={t("project.new")} data-testid="new-project" onClick={() => askProject(null)}><FolderPlus className="i sm" /></IconButton>}
      >
        <ul className="list">
          {(projects.data ?? []).map((project) => <ProjectRow key={project.id} project={project} open={project.id === openProject} openChat={openId} />)}
        </ul>
      </Group>
      <Recent chats={chatsOf(recent.data)} openId={openId} list={recent} />
      <ul className="list shelves">
        {([["/archive", Archive, "sidebar.archive"], ["/trash", Trash2, "sidebar.trash"]] as const).map(([href, Icon, text]) => (
          <li key={href}>
            <Link href={href} className={path === href ? "row on" : "row"} aria-current={path === href ? "page" : undefined} data-testid={`open-${href.slice(1)}`} onClick={closeDrawer}>
              <Icon className="i" /><span className="grow">{t(text)}</span>
            </Link>
          </li>
        ))}
      </ul>
    </>
  );
}

function Recent({ chats, openId, list }: { chats: Chat[]; openId: string | null; list: ReturnType<typeof useChats> }) {
  const { over, target } = useDrop(
    (chat) => Boolean(chat.project_id) || chat.pinned,
    (chat) => void (chat.project_id ? moveChat(chat, null) : pinChat(chat, false)),
  );
  return (
    <Group name="chats" label={t("sidebar.chats")} className={over ? "drop" : ""} {...target}>
      {chats.length === 0 && <p className="side-note">{t("sidebar.empty")}</p>}
      <ul className="list">{chats.map((chat) => <ChatRow key={chat.id} chat={chat} open={chat.id === openId} />)}</ul>
      <More list={list} />
    </Group>
  );
}

/** Asks for the next rows when the end of the list comes near. */
export function More({ list }: { list: ReturnType<typeof useChats> }) {
  const { isFetchNextPageError, hasNextPage, isFetchingNextPage, fetchNextPage } = list;
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const sentinel = end.current;
    if (!sentinel || !hasNextPage || isFetchingNextPage || isFetchNextPageError) return;
    const watch = new IntersectionObserver(
      (entries) => entries.some((entry) => entry.isIntersecting) && void fetchNextPage(),
      { root: sentinel.closest(".side-scroll, .scroll"), rootMargin: "300px" },
    );
    watch.observe(sentinel);
    return () => watch.disconnect();
  }, [hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage]);
  return <div ref={end} />;
}

const WIDTHS = ["w-40", "w-48", "w-32", "w-44", "w-36", "w-48"];

/** Appears by its style only after 300 ms: a quick answer shows no skeleton at all. */
function Skeleton() {
  return (
    <div className="late" aria-hidden="true">
      <div className="grp" />
      {WIDTHS.map((width, at) => <div key={at} className="row"><div className={`sk ${width}`} /></div>)}
    </div>
  );
}
