// What was said in a temporary chat.
import type { Markdown as MarkdownView } from "@taifas/markdown/Markdown";
import { Note } from "@taifas/ui-components/Note";
import { Stitch } from "@taifas/ui-components/Stitch";
import { CircleAlert, Square } from "lucide-react";
import { useLayoutEffect, useRef } from "react";
import { t } from "../../texts/t";
import type { Turn } from "./ask";

export function TemporaryThread({ turns, Markdown }: { turns: Turn[]; Markdown: typeof MarkdownView }) {
  const box = useRef<HTMLDivElement>(null);
  const last = turns.at(-1);
  useLayoutEffect(() => {
    const scroller = box.current;
    if (scroller && scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 160) scroller.scrollTop = scroller.scrollHeight;
  }, [turns]);
  return (
    <div className="scroll" ref={box} tabIndex={-1}>
      <div className="col thread" role="log" aria-live="off" aria-label={t("thread.label")}>
        <Stitch icon={<Square className="i" />}>{t("temporary.notice")}</Stitch>
        {turns.map((turn, at) => (
          <div key={at} className="turn-part">
            {turn.role === "user" ? (
              <article className="u" data-testid="user-message"><div className="bub"><span className="sr">{t("message.yours")}</span><div>{turn.text}</div></div></article>
            ) : (
              <article className="as" aria-label={t("reply.label")} data-testid="reply" data-state={turn.state}>
                {turn.text === "" && turn.state === "streaming" && <div className="wait" role="img" aria-label={t("reply.thinking")}><i /><i /></div>}
                {turn.text !== "" && <Markdown text={turn.text} streaming={turn.state === "streaming"} topHeading={2} labels={labels()} />}
                {turn.state === "stopped" && <Stitch icon={<Square className="i" />}>{t("reply.stopped")}</Stitch>}
                {turn.state === "failed" && <Note icon={<CircleAlert className="i" />} title={t(turn.text === "" ? "reply.failed" : "reply.failedPartly")}>{turn.detail}</Note>}
              </article>
            )}
          </div>
        ))}
      </div>
      <div className="sr" role="status">{last?.state === "complete" && last.role === "assistant" ? t("reply.done") : ""}</div>
    </div>
  );
}

const labels = () => ({
  copy: t("message.copy"), copied: t("message.copied"), copyFailed: t("markdown.copyFailed"), code: t("markdown.code"),
  table: t("markdown.table"), image: t("markdown.image"), taskDone: t("markdown.taskDone"), taskOpen: t("markdown.taskOpen"),
});
