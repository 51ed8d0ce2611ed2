// The conversation: its turns in one column, the latest part first into the page, older parts on the way up.
import type { Message } from "@taifas/api-client/types";
import { ArrowDown } from "lucide-react";
import { type Ref, type RefObject, useCallback, useEffect, useImperativeHandle, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { Outgoing } from "../../stores/outbox";
import { t } from "../../texts/t";
import { Announcer } from "./Announcer";
import { Reply } from "./Reply";
import { turnsOf } from "./turns";
import { UserMessage } from "./UserMessage";
import { useThreadScroll } from "./useThreadScroll";

export interface ThreadHandle {
  toEnd: () => void;
  /** Brings a message into view and points at it; false when it is not in this thread. */
  toMessage: (id: string) => boolean;
}

interface Props {
  ref: Ref<ThreadHandle>;
  messages: Message[];
  outgoing: Outgoing[];
  chosenModel: string | null;
  /** True once the thread lies under the header. */
  onScrolled: (scrolled: boolean) => void;
  /** Sends another version of what was said; false when it cannot be taken now. */
  onEdit: (message: Message, text: string) => boolean;
  onSwitch: (messageId: string) => void;
  onTree: () => void;
}

/** Turns put into the page at first: enough for every screen, few enough to open a long thread at once. */
const TURNS_AT_FIRST = 6;
/** Turns added when the browser is idle, and each time the person asks for earlier ones. */
const TURNS_MORE = 24;
/** Turns before the last few are skipped by the browser while out of sight, once it has seen their size. */
const TURNS_PAINTED = 8;
const SEEN_MS = 500;
const POINTED_MS = 2_000;

export function Thread({ ref, messages, outgoing, chosenModel, onScrolled, onEdit, onSwitch, onTree }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const end = useRef<HTMLDivElement>(null);
  const turns = useMemo(() => turnsOf(messages, outgoing), [messages, outgoing]);
  const beganHere = useRef(messages.length === 0);
  const { atEnd, toEnd, toQuestion, hold } = useThreadScroll({
    scroller, content, end, onScrolled, openAtEnd: !beganHere.current, lastTurn: turns.at(-1)?.id ?? null,
  });
  const fresh = useFreshTurn(outgoing, content, toQuestion);
  const { shown, seen, showEarlier, showAll } = useEarlierTurns(scroller);
  const [pointed, setPointed] = useState<string | null>(null);
  useImperativeHandle(ref, () => ({
    toEnd,
    toMessage: (id) => {
      if (!messages.some((message) => message.id === id)) return false;
      hold();
      showAll();
      setPointed(id);
      return true;
    },
  }), [toEnd, messages, hold, showAll]);
  usePointer(pointed, content, () => setPointed(null));
  // What is chosen stays where it stands; only what lies below is swapped.
  const choose = useCallback((id: string): void => {
    hold();
    onSwitch(id);
  }, [hold, onSwitch]);

  const visible = turns.slice(-shown);
  const lastReply = messages.at(-1)?.role === "assistant" ? (messages.at(-1) ?? null) : null;
  const settled = outgoing.length === 0;

  return (
    <>
      <div className="scroll" ref={scroller} data-thread-scroller tabIndex={-1}>
        <div className="col thread" ref={content} role="log" aria-live="off" aria-label={t("thread.label")}>
          {visible.length < turns.length && (
            <button type="button" className="btn g sm earlier" onClick={showEarlier}>{t("chat.earlier")}</button>
          )}
          {visible.map((turn, at) => {
            const lastTurn = at === visible.length - 1;
            const fromEnd = visible.length - at;
            const far = fromEnd > TURNS_PAINTED && fromEnd <= seen;
            return (
              <div key={turn.id} data-turn={turn.id} className={`turn ${far ? "far" : ""} ${lastTurn && fresh === turn.id ? "fresh" : ""}`}>
                {turn.question && <UserMessage id={turn.id} question={turn.question} message={turn.message} onEdit={onEdit} onSwitch={choose} onTree={onTree} />}
                {turn.replies.map((reply) => (
                  <Reply key={reply.id} message={reply} last={settled && reply === lastReply} chosenModel={chosenModel} onSwitch={choose} onTree={onTree} />
                ))}
                {turn.question && turn.replies.length === 0 && !turn.question.waiting && (
                  <div className="as"><div className="wait" role="img" aria-label={t("reply.thinking")}><i /><i /></div></div>
                )}
                {lastTurn && <div ref={end} className="thread-end" />}
              </div>
            );
          })}
        </div>
        <Announcer reply={lastReply} />
      </div>
      {!atEnd && (
        <div className="down-place">
          <button type="button" className="down" aria-label={t("thread.toEnd")} title={t("thread.toEnd")} data-testid="to-end" onClick={toEnd}>
            <ArrowDown className="i" />
          </button>
        </div>
      )}
    </>
  );
}

/** The turn sent last in this view: gets the room below it that lets its question stand under the header. */
function useFreshTurn(
  outgoing: Outgoing[],
  content: RefObject<HTMLDivElement | null>,
  toQuestion: (question: HTMLElement) => void,
): string | null {
  const newest = outgoing.at(-1)?.id ?? null;
  const [fresh, setFresh] = useState(newest);
  if (newest !== null && newest !== fresh) setFresh(newest);
  useLayoutEffect(() => {
    if (fresh === null) return;
    const turn = content.current?.querySelector<HTMLElement>(`[data-turn="${fresh}"]`);
    if (turn) toQuestion(turn);
  }, [fresh, content, toQuestion]);
  return fresh;
}

/** Scrolls to a message once it is in the page, and lets it stand out for a moment. */
function usePointer(id: string | null, content: RefObject<HTMLDivElement | null>, onDone: () => void): void {
  const done = useRef(onDone);
  done.current = onDone;
  useEffect(() => {
    if (id === null) return;
    const element = content.current?.querySelector<HTMLElement>(`[data-message-id="${id}"], [data-reply-id="${id}"]`);
    element?.scrollIntoView({ block: "center" });
    element?.classList.add("pointed");
    const timer = setTimeout(() => {
      element?.classList.remove("pointed");
      done.current();
    }, POINTED_MS);
    return () => clearTimeout(timer);
  }, [id, content]);
}

/** How many turns are in the page. More come above without moving the ones in view. */
function useEarlierTurns(scroller: RefObject<HTMLDivElement | null>) {
  const [shown, setShown] = useState(TURNS_AT_FIRST);
  const [seen, setSeen] = useState(0);
  const fromEnd = useRef<number | null>(null);

  const showEarlier = useCallback((): void => {
    const box = scroller.current;
    if (box) fromEnd.current = box.scrollHeight - box.scrollTop;
    setShown((n) => n + TURNS_MORE);
  }, [scroller]);

  useLayoutEffect(() => {
    const box = scroller.current;
    const top = box && fromEnd.current !== null ? box.scrollHeight - fromEnd.current : null;
    fromEnd.current = null;
    // Setting even the same place would end a smooth scroll under way.
    if (box && top !== null && Math.abs(box.scrollTop - top) > 1) box.scrollTop = top;
    const timer = setTimeout(() => setSeen(shown), SEEN_MS);
    return () => clearTimeout(timer);
  }, [scroller, shown]);

  useEffect(() => {
    // Safari has no idle callback; a moment after the first paint does as well.
    const timer = setTimeout(showEarlier, SEEN_MS);
    return () => clearTimeout(timer);
  }, [showEarlier]);

  const showAll = useCallback((): void => setShown(Infinity), []);
  return { shown, seen, showEarlier, showAll };
}
