// What the person said: a bubble that keeps its line breaks and folds when it is long.
import { memo, useLayoutEffect, useRef, useState } from "react";
import { t } from "../../texts/t";
import { CopyButton } from "./CopyButton";

const MOST_LINES = 8;
const LINE_PX = 25;

interface Props {
  id: string;
  text: string;
  waiting: boolean;
}

export const UserMessage = memo(function UserMessage({ id, text, waiting }: Props) {
  const body = useRef<HTMLDivElement>(null);
  const [long, setLong] = useState(false);
  const [open, setOpen] = useState(false);
  useLayoutEffect(() => {
    const element = body.current;
    if (element) setLong(element.scrollHeight > MOST_LINES * LINE_PX + 4);
  }, [text]);
  return (
    <article className="u" data-testid="user-message" data-message-id={id}>
      <div className={long && !open ? "bub clamped" : "bub"}>
        <span className="sr">{t("message.yours")}</span>
        <div ref={body}>{text}</div>
        {long && (
          <button type="button" className="more" aria-expanded={open} onClick={() => setOpen(!open)}>
            {t(open ? "message.showLess" : "message.showMore")}
          </button>
        )}
      </div>
      <div className="acts quiet">
        {waiting && <span className="meta">{t("message.waiting")}</span>}
        <CopyButton text={() => text} />
      </div>
    </article>
  );
});
