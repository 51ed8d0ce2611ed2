// The field a bubble becomes while it is edited.
import { Button } from "@taifas/ui-components/Button";
import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import { t } from "../../texts/t";

interface Props {
  text: string;
  onCancel: () => void;
  onSend: (text: string) => void;
}

export function EditField({ text, onCancel, onSend }: Props) {
  const [draft, setDraft] = useState(text);
  const field = useRef<HTMLTextAreaElement>(null);
  const empty = draft.trim() === "";
  useEffect(() => {
    const element = field.current;
    element?.focus({ preventScroll: true });
    element?.setSelectionRange(element.value.length, element.value.length);
  }, []);
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
      onCancel();
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      if (!empty) onSend(draft);
    }
  };
  return (
    <div className="edit">
      <textarea ref={field} rows={1} value={draft} aria-label={t("message.editLabel")} data-testid="edit-field" onChange={(event) => setDraft(event.target.value)} onKeyDown={onKeyDown} />
      <div className="edit-foot">
        <span className="meta">{t("message.editHint")}</span>
        <Button size="sm" data-testid="edit-cancel" onClick={onCancel}>{t("cancel")}</Button>
        <Button size="sm" look="primary" data-testid="edit-send" disabledReason={empty ? t("composer.sendEmpty") : null} onClick={() => onSend(draft)}>{t("composer.send")}</Button>
      </div>
    </div>
  );
}
