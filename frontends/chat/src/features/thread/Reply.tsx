// One answer: its words as they come, how it ended, and what can be done with it.
import { isRunning, type Message } from "@taifas/api-client/types";
import { Markdown } from "@taifas/markdown/Markdown";
import { memo, useMemo } from "react";
import { t } from "../../texts/t";
import { ReplyEnd } from "./ReplyEnd";
import { Waiting } from "./Waiting";
import { useReplyView } from "./useReplyView";

export interface ReplyProps {
  message: Message;
  /** The last answer of the thread: its actions are always shown, and it alone can be continued. */
  last: boolean;
  chosenModel: string | null;
  onSwitch: (messageId: string) => void;
  onTree: () => void;
}

export const Reply = memo(function Reply({ message, ...rest }: ReplyProps) {
  const view = useReplyView(message);
  const running = isRunning(view.state);
  const labels = useMemo(() => ({
    copy: t("message.copy"), copied: t("message.copied"), copyFailed: t("markdown.copyFailed"), code: t("markdown.code"),
    table: t("markdown.table"), image: t("markdown.image"), taskDone: t("markdown.taskDone"), taskOpen: t("markdown.taskOpen"),
  }), []);
  return (
    <article className="as" aria-label={t("reply.label")} data-testid="reply" data-state={view.state} data-reply-id={message.id}>
      {view.text === "" && running && <Waiting loading={view.loading} />}
      {view.text !== "" && <Markdown text={view.text} streaming={running} labels={labels} topHeading={2} />}
      {!running && <ReplyEnd message={message} view={view} {...rest} />}
    </article>
  );
});
