// The field a bubble becomes while it is edited. What is written into it is kept as the composer's draft is, on this
// browser alone: the words outlive the end of a session, another language and a tab that shows another branch.
import { Button } from "@taifas/ui-components/Button";
import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import { drafts, setDraft } from "../../stores/drafts";
import { t } from "../../texts/t";

const keyOf = (id: string): string => `edit:${id}`;

/** Whether the message was being edited when it was shown last. */
export function isEdited(id: string): boolean {
  return drafts.getState()[keyOf(id)] !== undefined;
}

interface Props {
  id: string;
  text: string;
  onCancel: () => void;
  /** True when the text was taken. */
  onSend: (text: string) => boolean;
}

export function EditField({ id, text, onCancel, onSend }: Props) {
  const [draft, setText] = useState(() => drafts.getState()[keyOf(id)] ?? text);
  const [kept] = useState(() => isEdited(id));
  const field = useRef<HTMLTextAreaElement>(null);
  const empty = draft.trim() === "";
  const write = (next: string): void => {
    setText(next);
    setDraft(keyOf(id), next);
  };
  const cancel = (): void => {
    setDraft(keyOf(id), "");
    onCancel();
  };
  const send = (): void => {
    if (!empty && onSend(draft)) setDraft(keyOf(id), "");
  };
  useEffect(() => {
    const element = field.current;
    // What was begun before is there again, but nobody has asked for it just now.
    if (kept) return;
    element?.focus({ preventScroll: true });
    element?.setSelectionRange(element.value.length, element.value.length);
  }, [kept]);
  useEffect(() => {
    if (CSS.supports("field-sizing", "content") || !field.current) return;
    field.current.style.height = "auto";
    field.current.style.height = `${field.current.scrollHeight}px`;
  }, [draft]);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.nativeEvent.isComposing || event.keyCode === 229) return;
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      cancel();
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      send();
    }
  };
  return (
    <div className="edit">
      <textarea ref={field} rows={1} value={draft} aria-label={t("message.editLabel")} data-testid="edit-field" onChange={(event) => write(event.target.value)} onKeyDown={onKeyDown} />
      <div className="edit-foot">
        <span className="meta">{t("message.editHint")}</span>
        <Button size="sm" data-testid="edit-cancel" onClick={cancel}>{t("cancel")}</Button>
        <Button size="sm" look="primary" data-testid="edit-send" disabledReason={empty ? t("composer.sendEmpty") : null} onClick={send}>{t("composer.send")}</Button>
      </div>
    </div>
  );
}
