// A project: its instructions, its chats, and above them the composer that begins another one in it.
import { createChatApi } from "@taifas/api-client/chatClient";
import type { Project } from "@taifas/api-client/types";
import { Button } from "@taifas/ui-components/Button";
import { Folder, Pencil, Trash2 } from "lucide-react";
import { useEffect, useRef, type ReactNode } from "react";
import { Link, useLocation } from "wouter";
import { call } from "../../api/api";
import { chatsOf, dropProject, putProject, refreshChats, refreshProjects, useChats, useProjects } from "../../api/lists";
import { askProject } from "../../stores/dialogs";
import { showToast, showUndo } from "../../stores/toasts";
import { day, t } from "../../texts/t";

const more = createChatApi(call);

/** `composer`: the field that begins a chat here; the app gives it. */
export function ProjectPage({ id, composer }: { id: string; composer: ReactNode }) {
  const [, navigate] = useLocation();
  const projects = useProjects();
  const project = projects.data?.find((p) => p.id === id) ?? null;
  if (!project) {
    return projects.isPending ? <div className="scroll" aria-busy="true" /> : (
      <div className="scroll">
        <div className="card text-center">
          <h1>{t("project.missing")}</h1>
          <p className="lead">{t("project.missingText")}</p>
          <Button onClick={() => navigate("/")}>{t("sidebar.newChat")}</Button>
        </div>
      </div>
    );
  }
  return <Page project={project} composer={composer} />;
}

function Page({ project, composer }: { project: Project; composer: ReactNode }) {
  const [, navigate] = useLocation();
  const list = useChats("recent", project.id);
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

  const remove = async (): Promise<void> => {
    const removed = more.removeProject(project.id);
    dropProject(project.id);
    navigate("/");
    showUndo(t("project.deleted"), () => {
      void removed.then(() => more.restoreProject(project.id)).then((back) => {
        putProject(back);
        navigate(`/p/${project.id}`);
      }).catch(() => showToast(t("project.restoreFailed"))).finally(() => { refreshProjects(); refreshChats(); });
    });
    try {
      await removed;
      refreshChats();
    } catch {
      putProject(project);
      showToast(t("project.deleteFailed"));
    }
  };

  return (
    <div className="scroll" data-testid="project-page">
      <div className="col project">
        <div className="project-head">
          <Folder className={`i lg pc-${project.color}`} />
          <h1>{project.name}</h1>
          <Button size="sm" data-testid="project-edit" onClick={() => askProject(project)}><Pencil className="i sm" />{t("project.editShort")}</Button>
          <Button look="ghost" size="sm" className="rm" data-testid="project-delete" onClick={() => void remove()}><Trash2 className="i sm" />{t("chat.delete")}</Button>
        </div>
        <div className="project-composer">{composer}</div>
        <section>
          <h2>{t("project.instructions")}</h2>
          {project.instructions
            ? <p className="plain project-text">{project.instructions}</p>
            : <p className="side-note">{t("project.noInstructions")}</p>}
        </section>
        <section>
          <h2>{t("sidebar.chats")}</h2>
          {list.data && chats.length === 0 && <p className="side-note">{t("project.empty")}</p>}
          <ul className="list shelf-list">
            {chats.map((chat) => (
              <li key={chat.id} className="shelf-row" data-testid="project-chat" data-chat-id={chat.id}>
                <Link href={`/c/${chat.id}`} className="grow">{chat.title || t("sidebar.untitled")}<small>{day(chat.updated_at)}</small></Link>
              </li>
            ))}
          </ul>
          <div ref={end} />
        </section>
      </div>
    </div>
  );
}
