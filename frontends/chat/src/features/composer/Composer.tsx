// Where the person writes. Never blocked: while an answer runs, typing goes on and Enter queues one message.
import type { Model, StoredFile } from "@taifas/api-client/types";
import { ArrowUp, Square } from "lucide-react";
import { useEffect, useLayoutEffect, useRef, useState, type KeyboardEvent, type MouseEvent, type RefObject } from "react";
import { useStore } from "zustand";
import { adopted } from "../../stores/adopted";
import { attachments, attachmentsOf, setAttachments } from "../../stores/attachments";
import { drafts, setDraft } from "../../stores/drafts";
import type { Outgoing } from "../../stores/outbox";
import { t, type TextId } from "../../texts/t";
import { Attach, CapBar, NextChip, OtherDraft } from "./parts";

/** The server's limit, in Unicode characters. */
const LONGEST = 200_000;

interface Props {
  /** Key of the draft: a chat's id, a project's, or the empty page. */
  place: string;
  busy: boolean;
  canStop: boolean;
  model: Model | null;
  modelsKnown: boolean;
  next: Outgoing | null;
  nextStuck: boolean;
  /** What is said here is kept nowhere: no pictures, another look. */
  temporary?: boolean;
  /** True when the text was taken. */
  onSend: (text: string, files: StoredFile[]) => boolean;
  onStop: () => void;
  onReleaseNext: () => void;
}

export function Composer({ place, busy, canStop, model, modelsKnown, next, nextStuck, temporary = false, onSend, onStop, onReleaseNext }: Props) {
  const text = useStore(drafts, (all) => all[place] ?? "");
  const tiles = useStore(attachments, (all) => attachmentsOf(all, place));
  const field = useRef<HTMLTextAreaElement>(null);
  const [refused, setRefused] = useState<TextId | null>(null);
  const hasModel = model !== null || !modelsKnown;
  useAdoption(field);
  useFocusOnOpen(field, place);
  useGrowth(field, text);

  const hurdle = ((): TextId | null => {
    if (tiles.some((tile) => tile.trouble !== null)) return "composer.sendBroken";
    if (tiles.some((tile) => tile.file === null)) return "composer.sendUploading";
    if (text.trim() === "") return "composer.sendEmpty";
    if (text.length > LONGEST && [...text].length > LONGEST) return "composer.sendTooLong";
    if (!hasModel) return "composer.sendNoModel";
    if (tiles.length > 0 && model?.vision === false) return "composer.sendBlind";
    return next ? "composer.queueFull" : null;
  })();

  const send = (): void => {
    if (hurdle) {
      if (text.trim() !== "" || tiles.length > 0) setRefused(hurdle);
      return;
    }
    setRefused(null);
    if (onSend(text, tiles.flatMap((tile) => tile.file ?? []))) {
      setDraft(place, "");
      setAttachments(place, () => []);
    }
    field.current?.focus();
  };

  // The button goes with the answer. A press of a key must not leave the focus nowhere; one of a finger must not raise the keyboard.
  const stop = (event: MouseEvent): void => {
    onStop();
    if (event.detail === 0) field.current?.focus();
  };

  // Enter typed into the static page before this code was here.
  useEffect(() => {
    if (adopted.send && hasModel) {
      adopted.send = false;
      send();
    }
  });

  const onKeyDown = (event: KeyboardEvent): void => {
    const composing = event.nativeEvent.isComposing || event.keyCode === 229;
    if (event.key !== "Enter" || event.shiftKey || composing) return;
    event.preventDefault();
    send();
  };

  const showStop = canStop && text.trim() === "";
  const label = t(hurdle ?? (busy ? "composer.queue" : "composer.send"));
  return (
    <>
      {!temporary && <><CapBar model={model} /><OtherDraft place={place} /></>}
      <div className={temporary ? "comp temp" : "comp"}>
        {next && <NextChip item={next} stuck={nextStuck} onRelease={onReleaseNext} />}
        {!temporary && <Attach place={place} field={field} />}
        <textarea
          ref={field}
          rows={1}
          value={text}
          aria-label={t("composer.label")}
          placeholder={t("composer.placeholder")}
          enterKeyHint="send"
          data-testid="composer-input"
          onChange={(event) => { setRefused(null); setDraft(place, event.target.value); }}
          onKeyDown={onKeyDown}
        />
        <div className="bar">
          <span className="refusal" role="status">{refused ? t(refused) : ""}</span>
          {canStop && (
            <button type="button" className="send stop" aria-label={t("composer.stop")} title={t("composer.stop")} data-testid="stop" onClick={stop}>
              <Square className="i" />
            </button>
          )}
          {!showStop && !(canStop && hurdle) && (
            <button
              type="button"
              className="send"
              aria-label={label}
              title={label}
              aria-disabled={hurdle !== null}
              data-testid="send"
              onClick={send}
            >
              <ArrowUp className="i" />
            </button>
          )}
        </div>
      </div>
    </>
  );
}

/** Takes focus and caret over from the static page's field. */
function useAdoption(field: RefObject<HTMLTextAreaElement | null>): void {
  useLayoutEffect(() => {
    const { focus } = adopted;
    if (!focus) return;
    adopted.focus = null;
    field.current?.focus({ preventScroll: true });
    field.current?.setSelectionRange(focus.start, focus.end);
  }, [field]);
}

/** With a keyboard the field is ready at once; on touch screens that would raise the keyboard unasked. */
function useFocusOnOpen(field: RefObject<HTMLTextAreaElement | null>, place: string): void {
  useEffect(() => {
    const active = document.activeElement;
    const free = active === null || active === document.body || !document.contains(active);
    if (free && matchMedia("(hover: hover)").matches) field.current?.focus({ preventScroll: true });
  }, [field, place]);
}

/** Grows with its text where the browser does not do it by itself. */
function useGrowth(field: RefObject<HTMLTextAreaElement | null>, text: string): void {
  useLayoutEffect(() => {
    if (CSS.supports("field-sizing", "content") || !field.current) return;
    field.current.style.height = "auto";
    field.current.style.height = `${field.current.scrollHeight}px`;
  }, [field, text]);
}
