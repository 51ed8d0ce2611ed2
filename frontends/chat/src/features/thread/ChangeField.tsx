// In the person's words: how the next answer shall differ from this one.
import { Button } from "@taifas/ui-components/Button";
import { useEffect, useRef, useState } from "react";
import { t } from "../../texts/t";

const LONGEST = 2_000;

export function ChangeField({ onCancel, onSend }: { onCancel: () => void; onSend: (instruction: string) => void }) {
  const [text, setText] = useState("");
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const empty = text.trim() === "";
  return (
    <form
      className="change"
      onSubmit={(event) => {
        event.preventDefault();
        if (!empty) onSend(text.trim());
      }}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        onCancel();
      }}
    >
      <input ref={field} value={text} maxLength={LONGEST} placeholder={t("reply.changeHint")} aria-label={t("reply.changeHint")} data-testid="change-field" onChange={(event) => setText(event.target.value)} />
      <Button size="sm" look="ghost" onClick={onCancel}>{t("cancel")}</Button>
      <Button size="sm" look="primary" type="submit" disabledReason={empty ? t("reply.changeHint") : null}>{t("composer.send")}</Button>
    </form>
  );
}
