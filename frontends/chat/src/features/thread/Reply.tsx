// One answer: its words as they come, how it ended, and what can be done with it.
import { isRunning, type Message } from "@taifas/api-client/types";
import { memo } from "react";
import { liveText } from "../../stores/liveReplies";
import { t } from "../../texts/t";
import { CopyButton } from "./CopyButton";
import { Markdown } from "./Markdown";
import { ReplyEnd } from "./ReplyEnd";
import { useReplyView } from "./useReplyView";

interface Props {
  message: Message;
  /** The last answer of the thread: its actions are always shown, and it alone can be continued. */
  last: boolean;
  chosenModel: string | null;
}

export const Reply = memo(function Reply({ message, last, chosenModel }: Props) {
  const view = useReplyView(message);
  const running = isRunning(view.state);
  return (
    <article className="as" aria-label={t("reply.label")} data-testid="reply" data-state={view.state} data-reply-id={message.id}>
      {view.text === "" && running && <div className="wait" role="img" aria-label={t("reply.thinking")}><i /><i /></div>}
      {view.text !== "" && <Markdown text={view.text} streaming={running} />}
      {!running && (
        <>
          <ReplyEnd message={message} view={view} last={last} chosenModel={chosenModel} />
          {view.text !== "" && (
            <div className={last ? "acts" : "acts quiet"}>
              <CopyButton text={() => liveText(message.id) ?? view.text} />
            </div>
          )}
        </>
      )}
    </article>
  );
});
