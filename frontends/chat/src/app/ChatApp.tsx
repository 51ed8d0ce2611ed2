// The frame for signed-in people: sidebar, what is open beside it, and what concerns all chats at once.
import type { User } from "@taifas/api-client/types";
import { insist } from "@taifas/ui-components/part";
import { useEffect } from "react";
import { useLocation } from "wouter";
import { useStore } from "zustand";
import { refreshChats } from "../api/lists";
import { refreshThread } from "../api/queries";
import { queryClient } from "../api/queryClient";
import { Sidebar } from "../features/chats/Sidebar";
import { onBack } from "../stores/connection";
import { closeDrawer, frame } from "../stores/frame";
import { onTabNews } from "../stores/tabs";
import { setTemporary, temporary } from "../stores/temporary";
import { ChatScreen } from "./ChatScreen";
import { Bell } from "./lazyParts";
import { Dialogs } from "./parts";
import { ProjectScreen, ShelfScreen, TemporaryScreen } from "./screens";
import { chatIdOf, projectIdOf, shelfOf } from "./routes";
import { useShortcuts } from "./shortcuts";
import { whenIdle } from "./threadView";

export function ChatApp({ user }: { user: User | null }) {
  const [path] = useLocation();
  const chatId = chatIdOf(path);
  const projectId = projectIdOf(path);
  const shelf = shelfOf(path);
  const { drawer } = useStore(frame);
  const { on: leavesNothing } = useStore(temporary);
  useShortcuts();
  useNews();
  useLater(user?.id ?? null);

  useEffect(() => {
    closeDrawer();
    if (path !== "/") setTemporary(false);
  }, [path]);
  useDrawerFocus(drawer);

  return (
    <div className="app">
      <Sidebar user={user} chatId={chatId} projectId={projectId} bell={user && <Bell />} />
      {drawer && <div className="scrim" onClick={closeDrawer} data-testid="scrim" />}
      {projectId !== null ? <ProjectScreen key={projectId} id={projectId} />
        : shelf !== null ? <ShelfScreen shelf={shelf} />
        : leavesNothing && chatId === null ? <TemporaryScreen />
        : <ChatScreen user={user} chatId={chatId} />}
      <Dialogs />
    </div>
  );
}

/** The open drawer takes the focus and gives it back; what lies behind it is out of reach meanwhile. */
function useDrawerFocus(drawer: boolean): void {
  useEffect(() => {
    if (!drawer) return;
    const opener = document.activeElement;
    const side = document.querySelector("[data-testid=sidebar]");
    const main = document.querySelector("main");
    side?.querySelector<HTMLElement>("[data-testid=sidebar-toggle]")?.focus();
    main?.setAttribute("inert", "");
    return () => {
      main?.removeAttribute("inert");
      const active = document.activeElement;
      const free = active === null || active === document.body || side?.contains(active) === true;
      if (free && opener instanceof HTMLElement) opener.focus({ preventScroll: true });
    };
  }, [drawer]);
}

/** Other tabs' changes and the server's return both mean: look again. */
function useNews(): void {
  useEffect(() => onTabNews((news) => {
    if (news.kind !== "chat") return;
    refreshChats();
    refreshThread(news.id);
  }), []);
  useEffect(() => onBack(() => void queryClient.invalidateQueries()), []);
}

/** What starts once the page stands: the live feed, drafts, and what waits for answers elsewhere. */
function useLater(userId: string | null): void {
  useEffect(() => {
    if (userId === null) return;
    const end = new AbortController();
    whenIdle(() => void insist(() => import("./later"), end.signal).then(({ startLater }) => !end.signal.aborted && startLater(end.signal), () => undefined));
    return () => end.abort();
  }, [userId]);
}
