// One chat, or the empty page where one begins: header, thread, composer, and what passes between them.
import { ApiError } from "@taifas/api-client/apiError";
import type { Message, StoredFile, User } from "@taifas/api-client/types";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { useLocation } from "wouter";
import { useStore } from "zustand";
import { refreshThread, useModels, useThread } from "../api/queries";
import { changeModel } from "../features/chats/chatActions";
import { Composer } from "../features/composer/Composer";
import { ReturnedBar } from "../features/composer/parts";
import { ConnectionBar } from "../features/connection/ConnectionBar";
import type { ThreadHandle } from "../features/thread/Thread";
import { ThreadSkeleton } from "../features/thread/ThreadSkeleton";
import { Greeting } from "../features/welcome/Greeting";
import { openDialog } from "../stores/dialogs";
import { drafts, NEW_CHAT, setDraft } from "../stores/drafts";
import { stopReply } from "../stores/liveReplies";
import { choiceKept, chooseModel, modelChoice } from "../stores/modelChoice";
import { goesOnAfter, outbox, queueNext, releaseNext, sendMessage, setReturned, takeBackNext } from "../stores/outbox";
import { pickModel } from "../stores/pickModel";
import { stopOnArrival } from "../stores/stopOnArrival";
import { t } from "../texts/t";
import { ChatHeader } from "./ChatHeader";
import { chatPath } from "./routes";
import { Mishap } from "./Mishap";
import { Missing } from "./parts";
import { ThreadView } from "./threadView";
import { useTitle } from "./useTitle";
import { useJump, useModelFromAddress, useRead, useRunning } from "./useChat";

/** The model whose nature has to be told before the first question. */
const GUIDE = "guide/guide";
const NO_MESSAGES: Message[] = [];

export function ChatScreen({ user, chatId }: { user: User | null; chatId: string | null }) {
  const [, navigate] = useLocation();
  const { items, returned } = useStore(outbox);
  const mine = useMemo(() => items.filter((item) => item.chatId === chatId), [items, chatId]);
  const outgoing = useMemo(() => mine.filter((item) => item.state !== "next"), [mine]);
  const next = mine.find((item) => item.state === "next") ?? null;
  const onlyHere = outgoing.some((item) => item.parentId === null && item.branch !== true);
  const thread = useThread(chatId, !onlyHere);
  const messages = thread.data?.messages ?? NO_MESSAGES;
  const leaf = messages.at(-1) ?? null;
  const running = useRunning(leaf);
  const sending = outgoing.at(-1) ?? null;
  const busy = running || sending !== null;
  const unknown = !thread.data && !busy;

  const models = useModels();
  const choices = useStore(modelChoice);
  const model = pickModel(models.data ?? [], chatId === null
    ? [choices.byDefault]
    : [choices.chats[chatId], sending?.model, thread.data?.chat.model, choices.byDefault]);
  useModelFromAddress(models.data?.map((m) => m.id));

  const place = chatId ?? NEW_CHAT;
  const back = returned[place] ?? null;
  const empty = chatId === null;
  const missing = thread.error instanceof ApiError && !thread.data && outgoing.length === 0;

  const threadRef = useRef<ThreadHandle>(null);
  const composerRef = useRef<HTMLDivElement>(null);
  const leftFrom = useRef<number | null>(null);
  const [scrolled, setScrolled] = useState(false);
  useRead(thread.data, running);
  useJump(chatId, thread.data !== undefined, threadRef);

  useTitle(thread.data?.chat.title);

  // What waited for a chat that is not there is the person's again, on the empty page.
  useEffect(() => {
    if (!missing || !next || !(thread.error instanceof ApiError) || thread.error.status === 401) return;
    takeBackNext(next, NEW_CHAT);
    setReturned(NEW_CHAT, { newer: 0, detail: thread.error.detail, parentId: null });
  }, [missing, next, thread.error]);

  // A first message the server refused has gone back to the empty page; so does the person.
  useEffect(() => {
    if (missing && returned[NEW_CHAT]) navigate("/", { replace: true });
  }, [missing, returned, navigate]);

  // The waiting message goes when the answer it waited for has ended.
  useEffect(() => {
    if (next && !busy && leaf && model && goesOnAfter(leaf)) void releaseNext(next, leaf.id, model.id);
  }, [next, busy, leaf, model]);

  // The composer travels from the middle to its dock instead of jumping.
  useLayoutEffect(() => {
    const from = leftFrom.current;
    leftFrom.current = null;
    const box = composerRef.current;
    if (empty || from === null || !box || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    const shift = from - box.getBoundingClientRect().top;
    box.animate([{ transform: `translateY(${shift}px)` }, { transform: "none" }], {
      duration: 240, easing: "cubic-bezier(0.5, 0, 0.2, 1)",
    });
  }, [empty]);

  const submit = useCallback((text: string, attachments: StoredFile[]): boolean => {
    // Under which message it belongs, and to which model, is known once the chat is there.
    if (chatId !== null && unknown) return queueNext({ chatId, parentId: null, text, model: choices.chats[chatId] ?? "", attachments });
    if (!model) return false;
    if (chatId !== null && (busy || next)) return queueNext({ chatId, parentId: null, text, model: model.id, attachments });
    if (empty) leftFrom.current = composerRef.current?.getBoundingClientRect().top ?? null;
    const id = sendMessage({ chatId, parentId: leaf?.id ?? null, text, model: model.id, attachments });
    if (id === null) return false;
    if (chatId === null) {
      setReturned(NEW_CHAT, null);
      navigate(chatPath(id));
    }
    return true;
  }, [model, chatId, unknown, choices, busy, next, empty, leaf?.id, navigate]);

  const chat = thread.data?.chat ?? null;
  const choose = useCallback((id: string): void => {
    chooseModel(chatId, id);
    if (chat) void changeModel(chat, id).then((kept) => kept && choiceKept(chat.id, id));
  }, [chatId, chat]);

  const edit = useCallback((message: Message, text: string): boolean => {
    if (!model) return false;
    const { chat_id: chatOf, parent_id: parentId, attachments } = message;
    return sendMessage({ chatId: chatOf, parentId: parentId ?? null, text, model: model.id, branch: true, attachments: attachments ?? [] }) !== null;
  }, [model]);

  const change = useCallback((messageId: string): void => {
    if (chatId !== null) void import("../stores/branches").then(({ switchTo }) => switchTo(chatId, messageId));
  }, [chatId]);
  const showTree = useCallback((): void => {
    if (chatId !== null) openDialog({ kind: "tree", chatId });
  }, [chatId]);

  const stop = useCallback((): void => {
    if (running && leaf) void stopReply(leaf);
    else if (sending) stopOnArrival(sending.id);
  }, [running, leaf, sending]);

  const continueThere = useCallback((): void => {
    setReturned(place, null);
    if (chatId !== null) refreshThread(chatId);
    threadRef.current?.toEnd();
    composerRef.current?.querySelector("textarea")?.focus();
  }, [place, chatId]);

  const keepBranch = useCallback((): void => {
    const text = drafts.getState()[place] ?? "";
    composerRef.current?.querySelector("textarea")?.focus();
    if (!model || !back || text.trim() === "") return;
    if (sendMessage({ chatId, parentId: back.parentId, text, model: model.id, branch: true }) === null) return;
    setDraft(place, "");
  }, [place, chatId, model, back]);

  return (
    <main className={empty ? "main empty" : "main"}>
      <ConnectionBar waiting={items.filter((item) => item.state !== "next").length} />
      <ChatHeader
        models={models.data ?? null}
        model={model}
        onModel={choose}
        chat={missing ? null : chat}
        empty={empty}
        line={scrolled && !empty}
        onTree={showTree}
      />
      {!empty && !missing && <h1 className="sr">{thread.data?.chat.title || t("sidebar.untitled")}</h1>}
      {empty ? (
        <div className="scroll"><div className="hero"><div className="col"><Greeting name={user?.name ?? null} /></div></div></div>
      ) : missing && thread.error ? (
        <Missing error={thread.error} onNewChat={() => navigate("/")} />
      ) : messages.length === 0 && outgoing.length === 0 ? (
        <ThreadSkeleton />
      ) : (
        <Mishap key={chatId}>
          <ThreadView
            ref={threadRef}
            messages={messages}
            outgoing={outgoing}
            chosenModel={model?.id ?? null}
            onScrolled={setScrolled}
            onEdit={edit}
            onSwitch={change}
            onTree={showTree}
          />
        </Mishap>
      )}
      {!missing && (
        <div className="dock">
          <div className="col" ref={composerRef}>
            {back && <ReturnedBar returned={back} onContinue={continueThere} onKeep={keepBranch} onClose={() => setReturned(place, null)} />}
            <Composer
              place={place}
              busy={busy}
              canStop={running || sending?.state === "sending"}
              model={model}
              modelsKnown={models.data !== undefined}
              next={next}
              nextStuck={next !== null && !busy && leaf !== null && !goesOnAfter(leaf)}
              onSend={submit}
              onStop={stop}
              onReleaseNext={() => next && model && void releaseNext(next, leaf?.id ?? null, model.id)}
            />
            {empty && <p className="explain">{model?.id === GUIDE ? t("guide.explain") : ""}</p>}
            <div className="fine">{t("composer.disclaimer")}</div>
          </div>
        </div>
      )}
    </main>
  );
}
