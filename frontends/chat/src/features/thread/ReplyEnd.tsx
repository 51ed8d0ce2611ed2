// How an answer ended, and what can be done with it. When it did not simply end, a stitch or a note says what happened,
// what is safe and what to do.
import { ApiError } from "@taifas/api-client/apiError";
import type { Message } from "@taifas/api-client/types";
import { Button } from "@taifas/ui-components/Button";
import { Note } from "@taifas/ui-components/Note";
import { Stitch } from "@taifas/ui-components/Stitch";
import { CircleAlert, Link2, Square, Unplug } from "lucide-react";
import { useState } from "react";
import { refreshThread } from "../../api/queries";
import { continueReply, liveText, type LiveView } from "../../stores/liveReplies";
import { showToast } from "../../stores/toasts";
import { clock, t, type TextId } from "../../texts/t";
import { CopyButton } from "./CopyButton";
import { titleAndRest } from "./failureText";

interface Props {
  message: Message;
  view: LiveView;
  last: boolean;
  chosenModel: string | null;
}

/** Shown once the answer does not grow any more. */
export function ReplyEnd({ message, view, last, chosenModel }: Props) {
  const [asking, setAsking] = useState(false);
  const hasText = view.text !== "";
  const failure = titleAndRest(view.reason?.detail ?? "");

  const goOn = async (): Promise<void> => {
    setAsking(true);
    try {
      await continueReply({ ...message, text: view.text }, chosenModel === message.model ? null : chosenModel);
    } catch (error) {
      // A refusal usually means that another tab was faster.
      refreshThread(message.chat_id);
      const detail = error instanceof ApiError ? error.detail : "";
      showToast(detail ? t("reply.continueFailed", { detail }) : t("connection.lost"));
    } finally {
      setAsking(false);
    }
  };
  const button = (text: TextId, look: "primary" | "plain" | "ghost") => last && (
    <Button look={look} size="sm" data-testid="continue" disabledReason={asking || view.stopping ? t(text) : null} onClick={() => void goOn()}>
      {t(text)}
    </Button>
  );

  return (
    <>
      {view.marks.length > 0 && <Stitch icon={<Link2 className="i" />}>{t("reply.continued")}</Stitch>}
      {view.state === "stopped" && (
        <Stitch icon={<Square className="i" />}>{t("reply.stopped")}</Stitch>
      )}
      {view.state === "interrupted" && hasText && (
        <>
          <Stitch look="warn" icon={<Unplug className="i" />}>{cutText(view)}</Stitch>
          <div className="choices">{button("reply.continueFromHere", "primary")}</div>
        </>
      )}
      {(view.state === "failed" || (view.state === "interrupted" && !hasText)) && (
        <Note
          icon={<CircleAlert className="i" />}
          title={failure.title || t(hasText ? "reply.failedPartly" : "reply.failed")}
          actions={last ? button(hasText ? "reply.continueFromHere" : "retry", "plain") : undefined}
          data-testid="reply-note"
        >
          {t(hasText ? "reply.textSafe" : "reply.failedSafe")} {failure.rest}
        </Note>
      )}
      {(hasText || view.state === "stopped") && (
        <div className={last ? "acts" : "acts quiet"}>
          {hasText && <CopyButton text={() => liveText(message.id) ?? view.text} />}
          {view.state === "stopped" && button("reply.continue", "ghost")}
        </div>
      )}
    </>
  );
}

function cutText(view: LiveView): string {
  if (view.finishedAt === null) return t("reply.cutUnknownTime");
  const time = clock(view.finishedAt);
  switch (view.reason?.code) {
    case "restart":
      return t("reply.cutRestart", { time });
    case "cut":
    case undefined:
      return t("reply.cut", { time });
    default:
      return t("reply.cutBecause", { time, why: view.reason?.detail ?? "" });
  }
}
