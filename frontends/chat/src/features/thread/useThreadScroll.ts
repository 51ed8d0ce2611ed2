// Where the thread stands: at its end when opened, at the question after sending, and from then on wherever the person
// puts it. The view follows growing text only while the person has scrolled to the end.
import { useCallback, useEffect, useLayoutEffect, useRef, useState, type RefObject } from "react";

/** Distance of a new question from the header, in px. */
const QUESTION_TOP = 24;
const NEAR_END = 24;
/** Scrolling within this time after a wheel, key or touch is the person's own. */
const OWN_MS = 1_000;

interface Parts {
  scroller: RefObject<HTMLDivElement | null>;
  content: RefObject<HTMLDivElement | null>;
  end: RefObject<HTMLDivElement | null>;
  onScrolled: (scrolled: boolean) => void;
  /** False for a thread that begins with the message being sent: it opens at its top. */
  openAtEnd: boolean;
  /** The mark at the end moves with the last turn. */
  lastTurn: string | null;
}

export function useThreadScroll({ scroller, content, end, onScrolled, openAtEnd, lastTurn }: Parts) {
  const pinned = useRef(openAtEnd);
  const [atEnd, setAtEnd] = useState(true);

  useLayoutEffect(() => {
    const box = scroller.current;
    if (box && pinned.current) box.scrollTop = box.scrollHeight;
  }, [scroller]);

  useEffect(() => {
    const box = scroller.current;
    const inside = content.current;
    if (!box || !inside) return;
    let ownAt = -OWN_MS;
    let lastTop = box.scrollTop;
    const own = (): void => { ownAt = performance.now(); };
    const onScroll = (): void => {
      onScrolled(box.scrollTop > 8);
      const byPerson = performance.now() - ownAt < OWN_MS;
      if (byPerson && box.scrollTop < lastTop) pinned.current = false;
      else if (byPerson && box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END) pinned.current = true;
      lastTop = box.scrollTop;
    };
    onScroll();
    const ownEvents = ["wheel", "touchmove", "keydown", "pointerdown", "pointermove"] as const;
    for (const name of ownEvents) box.addEventListener(name, own, { passive: true });
    box.addEventListener("scroll", onScroll, { passive: true });
    const growth = new ResizeObserver(() => {
      if (pinned.current) box.scrollTop = box.scrollHeight;
    });
    growth.observe(inside);
    growth.observe(box);
    return () => {
      for (const name of ownEvents) box.removeEventListener(name, own);
      box.removeEventListener("scroll", onScroll);
      growth.disconnect();
      onScrolled(false);
    };
  }, [scroller, content, onScrolled]);

  useEffect(() => {
    const mark = end.current;
    if (!mark) return;
    const sight = new IntersectionObserver((entries) => setAtEnd(entries.at(-1)?.isIntersecting ?? true), { root: scroller.current });
    sight.observe(mark);
    return () => sight.disconnect();
  }, [scroller, end, lastTurn]);

  const toEnd = useCallback((): void => {
    const box = scroller.current;
    if (!box) return;
    pinned.current = true;
    box.scrollTo({ top: box.scrollHeight, behavior: "instant" });
  }, [scroller]);

  const toQuestion = useCallback((question: HTMLElement): void => {
    const box = scroller.current;
    if (!box) return;
    pinned.current = false;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const top = box.scrollTop + question.getBoundingClientRect().top - box.getBoundingClientRect().top - QUESTION_TOP;
    box.scrollTo({ top, behavior: still ? "instant" : "smooth" });
  }, [scroller]);

  /** From now on the view stays where it is, whatever grows below. */
  const hold = useCallback((): void => { pinned.current = false; }, []);

  return { atEnd, toEnd, toQuestion, hold };
}
