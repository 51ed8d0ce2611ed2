// A project in the sidebar: its name leads to its page, the arrow shows its chats, a chat can be dropped onto it.
import type { Project } from "@taifas/api-client/types";
import { ChevronRight, Folder } from "lucide-react";
import { Link } from "wouter";
import { useStore } from "zustand";
import { chatsOf, useChats } from "../../api/lists";
import { closeDrawer } from "../../stores/frame";
import { groups, setOpen } from "../../stores/groups";
import { t } from "../../texts/t";
import { useDrop } from "./carried";
import { moveChat } from "./chatActions";
import { ChatRow } from "./ChatRow";
import { More } from "./ChatList";

interface Props {
  project: Project;
  open: boolean;
  openChat: string | null;
}

export function ProjectRow({ project, open, openChat }: Props) {
  const shown = useStore(groups, (state) => state.open[project.id] ?? false);
  const { over, target } = useDrop((chat) => chat.project_id !== project.id, (chat) => void moveChat(chat, project));
  return (
    <li data-testid="project-row" data-project-id={project.id} {...target}>
      <div className={`row chat-row project-row ${open ? "on" : ""} ${over ? "drop" : ""}`}>
        <button
          type="button"
          className="fold"
          aria-expanded={shown}
          aria-label={t("project.chatsOf", { name: project.name })}
          data-testid="project-fold"
          onClick={() => setOpen(project.id, !shown)}
        >
          <Folder className={`i pc-${project.color}`} />
          <ChevronRight className={shown ? "i turn" : "i"} />
        </button>
        <Link href={`/p/${project.id}`} aria-current={open ? "page" : undefined} onClick={closeDrawer} draggable={false}><span>{project.name}</span></Link>
      </div>
      {shown && <ProjectChats id={project.id} openChat={openChat} />}
    </li>
  );
}

function ProjectChats({ id, openChat }: { id: string; openChat: string | null }) {
  const list = useChats("recent", id);
  const chats = chatsOf(list.data);
  return (
    <div className="inside">
      {list.data && chats.length === 0 && <p className="side-note">{t("project.empty")}</p>}
      <ul className="list">{chats.map((chat) => <ChatRow key={chat.id} chat={chat} open={chat.id === openChat} />)}</ul>
      <More list={list} />
    </div>
  );
}
