// One chat, or the empty page where one begins: header, thread, composer, and what passes between them.
import { ApiError } from "@taifas/api-client/apiError";
import { isRunning, type Message, type User } from "@taifas/api-client/types";
import { IconButton } from "@taifas/ui-components/IconButton";
import { Menu as MenuIcon, SquarePen } from "lucide-react";
import { Suspense, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { useLocation, useSearchParams } from "wouter";
import { useStore } from "zustand";
import { refreshThread, useModels, useThread } from "../api/queries";
import { Composer } from "../features/composer/Composer";
import { ReturnedBar } from "../features/composer/ReturnedBar";
import { ConnectionBar } from "../features/connection/ConnectionBar";
import { ModelPicker } from "../features/models/ModelPicker";
import { Missing } from "../features/thread/Missing";
import type { ThreadHandle } from "../features/thread/Thread";
import { ThreadSkeleton } from "../features/thread/ThreadSkeleton";
import { ToastHost } from "../features/toasts/ToastHost";
import { Greeting } from "../features/welcome/Greeting";
import { NEW_CHAT } from "../stores/drafts";
import { toggleSidebar } from "../stores/frame";
import { stopReply, subscribeReply, liveView } from "../stores/liveReplies";
import { chooseModel, modelChoice } from "../stores/modelChoice";
import { goesOnAfter, outbox, queueNext, releaseNext, sendMessage, setReturned } from "../stores/outbox";
import { pickModel } from "../stores/pickModel";
import { stopOnArrival } from "../stores/stopOnArrival";
import { t } from "../texts/t";
import { chatPath } from "./routes";
import { Mishap } from "./Mishap";
import { ThreadView } from "./threadView";

/** The model whose nature has to be told before the first question. */
const GUIDE = "guide/guide";
const NO_MESSAGES: Message[] = [];

export function ChatScreen({ user, chatId }: { user: User | null; chatId: string | null }) {
  const [, navigate] = useLocation();
  const { items, returned } = useStore(outbox);
  const mine = useMemo(() => items.filter((item) => item.chatId === chatId), [items, chatId]);
  const outgoing = mine.filter((item) => item.state !== "next");
  const next = mine.find((item) => item.state === "next") ?? null;
  const onlyHere = outgoing.some((item) => item.parentId === null);
  const thread = useThread(chatId, !onlyHere);
  const messages = thread.data?.messages ?? NO_MESSAGES;
  const leaf = messages.at(-1) ?? null;
  const running = useRunning(leaf);
  const sending = outgoing.at(-1) ?? null;
  const busy = running || sending !== null;

  const models = useModels();
  const choices = useStore(modelChoice);
  const model = pickModel(models.data ?? [], choices, chatId, messages);
  useModelFromAddress(models.data?.map((m) => m.id));

  const place = chatId ?? NEW_CHAT;
  const back = returned[place] ?? null;
  const empty = chatId === null;
  const missing = thread.error instanceof ApiError && !thread.data && outgoing.length === 0;

  const threadRef = useRef<ThreadHandle>(null);
  const composerRef = useRef<HTMLDivElement>(null);
  const leftFrom = useRef<number | null>(null);
  const [scrolled, setScrolled] = useState(false);

  useEffect(() => {
    document.title = thread.data?.chat.title ? `${thread.data.chat.title} · ${t("app.name")}` : t("app.name");
  }, [thread.data?.chat.title]);

  // A first message the server refused has gone back to the empty page; so does the person.
  useEffect(() => {
    if (missing && returned[NEW_CHAT]) navigate("/", { replace: true });
  }, [missing, returned, navigate]);

  // The waiting message goes when the answer it waited for has ended.
  useEffect(() => {
    if (next && !busy && leaf && goesOnAfter(leaf)) releaseNext(next, leaf.id);
  }, [next, busy, leaf]);

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

  const submit = useCallback((text: string): boolean => {
    if (!model) return false;
    if (chatId !== null && (busy || next)) return queueNext(chatId, text, model.id);
    if (empty) leftFrom.current = composerRef.current?.getBoundingClientRect().top ?? null;
    const id = sendMessage(chatId, leaf?.id ?? null, text, model.id);
    if (id === null) return false;
    if (chatId === null) {
      setReturned(NEW_CHAT, null);
      chooseModel(id, model.id);
      navigate(chatPath(id));
    }
    return true;
  }, [model, chatId, busy, next, empty, leaf?.id, navigate]);

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

  return (
    <main className={empty ? "main empty" : "main"}>
      <ConnectionBar waiting={items.filter((item) => item.state === "waiting").length} />
      <header className={scrolled && !empty ? "head line" : "head"}>
        <IconButton className="only-m" label={t("sidebar.open")} data-testid="drawer-open" onClick={toggleSidebar}><MenuIcon className="i lg" /></IconButton>
        <ModelPicker
          models={models.data ?? null}
          chosen={model}
          onChoose={(id) => chooseModel(chatId, id)}
        />
        <span className="sp" />
        {!empty && (
          <IconButton className="only-m" label={t("sidebar.newChat")} onClick={() => navigate("/")}><SquarePen className="i lg" /></IconButton>
        )}
        <ToastHost />
      </header>
      {!empty && !missing && <h1 className="sr">{thread.data?.chat.title || t("sidebar.untitled")}</h1>}
      {empty ? (
        <div className="scroll"><div className="hero"><div className="col"><Greeting name={user?.name ?? null} /></div></div></div>
      ) : missing && thread.error ? (
        <Missing error={thread.error} onNewChat={() => navigate("/")} />
      ) : messages.length === 0 && outgoing.length === 0 ? (
        <ThreadSkeleton />
      ) : (
        <Mishap key={chatId}><Suspense fallback={<ThreadSkeleton />}>
          <ThreadView
            ref={threadRef}
            messages={messages}
            outgoing={outgoing}
            chosenModel={model?.id ?? null}
            onScrolled={setScrolled}
          />
        </Suspense></Mishap>
      )}
      {!missing && (
        <div className="dock">
          <div className="col" ref={composerRef}>
            <ReturnedBar returned={back} onContinue={continueThere} onClose={() => setReturned(place, null)} />
            <Composer
              place={place}
              busy={busy}
              canStop={running || sending?.state === "sending"}
              hasModel={model !== null || models.data === undefined}
              next={next}
              nextStuck={next !== null && !busy && leaf !== null && !goesOnAfter(leaf)}
              onSend={submit}
              onStop={stop}
              onReleaseNext={() => next && releaseNext(next, leaf?.id ?? null)}
            />
            {empty && <p className="explain">{model?.id === GUIDE ? t("guide.explain") : ""}</p>}
            <div className="fine">{t("composer.disclaimer")}</div>
          </div>
        </div>
      )}
    </main>
  );
}

/** Whether the last answer still grows; true until its live view says otherwise, not until the cache follows. */
function useRunning(leaf: Message | null): boolean {
  const id = leaf?.id ?? "";
  const subscribe = useCallback((listener: () => void) => subscribeReply(id, listener), [id]);
  const state = useSyncExternalStore(subscribe, () => liveView(id)?.state ?? null);
  return leaf !== null && leaf.role === "assistant" && isRunning(state ?? leaf.state);
}

/** `?model=` preselects a model for the next chat. */
function useModelFromAddress(known: string[] | undefined): void {
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
