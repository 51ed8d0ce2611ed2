// The frame for signed-in people: sidebar, open chat, and what concerns all chats at once.
import type { User } from "@taifas/api-client/types";
import { Suspense, useEffect, useRef } from "react";
import { useLocation } from "wouter";
import { useStore } from "zustand";
import { refreshChats, refreshThread, useChats } from "../api/queries";
import { queryClient } from "../api/queryClient";
import { Sidebar } from "../features/chats/Sidebar";
import { onBack } from "../stores/connection";
import { closeDrawer, frame } from "../stores/frame";
import { releaseElsewhere } from "../stores/outbox";
import { onTabNews } from "../stores/tabs";
import { markRead, markUnread } from "../stores/unread";
import { ChatScreen } from "./ChatScreen";
import { Bell } from "./lazyParts";
import { chatIdOf } from "./routes";
import { useShortcuts } from "./shortcuts";

export function ChatApp({ user }: { user: User | null }) {
  const [path] = useLocation();
  const chatId = chatIdOf(path);
  const { drawer } = useStore(frame);
  useShortcuts();
  useNews();
  useEndedElsewhere(chatId);

  useEffect(closeDrawer, [path]);
  useDrawerFocus(drawer);

  return (
    <div className="app">
      <Sidebar user={user} chatId={chatId} bell={user && <Suspense fallback={null}><Bell /></Suspense>} />
      {drawer && <div className="scrim" onClick={closeDrawer} data-testid="scrim" />}
      <ChatScreen user={user} chatId={chatId} />
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

/** Answers that end in chats which are not open: marked as new, and followed by the message that waited for them. */
function useEndedElsewhere(openId: string | null): void {
  const { data } = useChats();
  const running = useRef<ReadonlySet<string>>(new Set());
  useEffect(() => {
    if (openId !== null) markRead(openId);
  }, [openId]);
  useEffect(() => {
    const chats = data?.pages.flatMap((page) => page.chats) ?? [];
    for (const chat of chats) {
      if (!chat.running && running.current.has(chat.id) && chat.id !== openId) markUnread(chat.id);
    }
    running.current = new Set(chats.filter((chat) => chat.running).map((chat) => chat.id));
    void releaseElsewhere(openId, chats);
  }, [data, openId]);
}
