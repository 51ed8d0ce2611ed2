// What surrounds an open chat: whether its answer grows, that it was looked at, and which message is to be shown.
import { isRunning, type Message, type Thread } from "@taifas/api-client/types";
import { useCallback, useEffect, useRef, useSyncExternalStore, type RefObject } from "react";
import { useSearchParams } from "wouter";
import { useStore } from "zustand";
import { api } from "../api/api";
import { putChat } from "../api/lists";
import { cachedThread } from "../api/queries";
import type { ThreadHandle } from "../features/thread/Thread";
import { arrivedAt, jump } from "../stores/jump";
import { liveView, subscribeReply } from "../stores/liveReplies";
import { chooseModel } from "../stores/modelChoice";

/** Whether the last answer still grows; true until its live view says otherwise, not until the cache follows. */
export function useRunning(leaf: Message | null): boolean {
  const id = leaf?.id ?? "";
  const subscribe = useCallback((listener: () => void) => subscribeReply(id, listener), [id]);
  const state = useSyncExternalStore(subscribe, () => liveView(id)?.state ?? null);
  return leaf !== null && leaf.role === "assistant" && isRunning(state ?? leaf.state);
}

/** `?model=` preselects a model for the next chat. */
export function useModelFromAddress(known: string[] | undefined): void {
  const [params, setParams] = useSearchParams();
  const wanted = params.get("model");
  useEffect(() => {
    if (wanted === null || !known) return;
    if (known.includes(wanted)) chooseModel(null, wanted);
    setParams((old) => {
      const rest = new URLSearchParams(old);
      rest.delete("model");
      return rest;
    }, { replace: true });
  }, [wanted, known, setParams]);
}

/** An answer that stands in a page somebody looks at counts as read, on every device. */
export function useRead(thread: Thread | undefined, running: boolean): void {
  const leaf = thread?.messages.at(-1) ?? null;
  const chatId = thread?.chat.id ?? null;
  const unread = thread?.chat.unread === true;
  const ran = useRef(false);
  useEffect(() => {
    ran.current ||= running;
    if (chatId === null || leaf?.role !== "assistant" || running || !(unread || ran.current)) return;
    const look = (): void => {
      if (document.hidden) return;
      ran.current = false;
      document.removeEventListener("visibilitychange", look);
      api.read(chatId, leaf.id).then(() => {
        const chat = cachedThread(chatId)?.chat;
        if (chat?.unread) putChat({ ...chat, unread: false });
      }, () => undefined);
    };
    look();
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, [chatId, leaf?.id, leaf?.attempt, leaf?.role, running, unread]);
}

/** Shows the message somebody asked for, in the branch it belongs to. */
export function useJump(chatId: string | null, ready: boolean, thread: RefObject<ThreadHandle | null>): void {
  const { to } = useStore(jump);
  useEffect(() => {
    if (!to || to.chatId !== chatId || !ready) return;
    arrivedAt();
    const show = (tries: number): void => {
      // The thread's code may still be on its way.
      if (!thread.current && tries > 0) setTimeout(() => show(tries - 1), 50);
      else if (thread.current?.toMessage(to.messageId) === false) {
        void import("../stores/branches").then(({ switchTo }) => switchTo(to.chatId, to.messageId)).then((found) => found && setTimeout(() => thread.current?.toMessage(to.messageId), 50));
      }
    };
    show(100);
  }, [to, chatId, ready, thread]);
}
