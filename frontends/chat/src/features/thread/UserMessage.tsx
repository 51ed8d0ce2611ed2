// What the person said: a bubble that keeps its line breaks and folds when it is long. Editing makes a field of it;
// what is sent from there stands beside what was said before.
import type { Message } from "@taifas/api-client/types";
import { IconButton } from "@taifas/ui-components/IconButton";
import { Pencil } from "lucide-react";
import { memo, useLayoutEffect, useRef, useState } from "react";
import { t } from "../../texts/t";
import { CopyButton } from "./CopyButton";
import { EditField, isEdited } from "./EditField";
import { Pager } from "./Pager";
import { Pictures } from "./Pictures";
import type { Question } from "./turns";

const MOST_LINES = 8;
const LINE_PX = 25;

interface Props {
  id: string;
  question: Question;
  /** The stored message; null while it is on its way. */
  message: Message | null;
  onEdit: (message: Message, text: string) => boolean;
  onSwitch: (messageId: string) => void;
  onTree: () => void;
}

export const UserMessage = memo(function UserMessage({ id, question, message, onEdit, onSwitch, onTree }: Props) {
  const { text, waiting, attachments } = question;
  const body = useRef<HTMLDivElement>(null);
  const pencil = useRef<HTMLButtonElement>(null);
  const [long, setLong] = useState(false);
  const [open, setOpen] = useState(false);
  const [editing, setEditing] = useState(() => isEdited(id));
  useLayoutEffect(() => {
    const element = body.current;
    if (element) setLong(element.scrollHeight > MOST_LINES * LINE_PX + 4);
  }, [text, editing]);

  if (editing && message) {
    const end = (): void => {
      setEditing(false);
      requestAnimationFrame(() => pencil.current?.focus({ preventScroll: true }));
    };
    return (
      <article className="u editing" data-testid="user-message" data-message-id={id}>
        <EditField
          id={id}
          text={text}
          onCancel={end}
          onSend={(next) => {
            const taken = onEdit(message, next);
            if (taken) setEditing(false);
            return taken;
          }}
        />
      </article>
    );
  }
  return (
    <article className="u" data-testid="user-message" data-message-id={id}>
      <Pictures files={attachments} />
      <div className={long && !open ? "bub clamped" : "bub"}>
        <span className="sr">{t("message.yours")}</span>
        <div ref={body}>{text}</div>
        {long && (
          <button type="button" className="more" aria-expanded={open} onClick={() => setOpen(!open)}>
            {t(open ? "message.showLess" : "message.showMore")}
          </button>
        )}
      </div>
      <div className={message && message.siblings.length > 1 ? "acts quiet paged" : "acts quiet"}>
        {waiting && <span className="meta">{t("message.waiting")}</span>}
        <CopyButton text={() => text} />
        {message && (
          <IconButton ref={pencil} size="sm" label={t("message.edit")} data-testid="edit" onClick={() => setEditing(true)}><Pencil className="i" /></IconButton>
        )}
        {message && <Pager message={message} onSwitch={onSwitch} onTree={onTree} />}
      </div>
    </article>
  );
});
