// How an answer ended, and what can be done with it. When it did not simply end, a stitch or a note says what happened,
// what is safe and what to do.
import { ApiError } from "@taifas/api-client/apiError";
import { Button } from "@taifas/ui-components/Button";
import { Menu, MenuItem, useMenu } from "@taifas/ui-components/Menu";
import { Note } from "@taifas/ui-components/Note";
import { Stitch } from "@taifas/ui-components/Stitch";
import { ChevronDown, CircleAlert, Hourglass, Link2, Scissors, Square, Unplug } from "lucide-react";
import { useEffect, useState } from "react";
import { useModels, refreshThread } from "../../api/queries";
import { regenerate, type Wish } from "../../stores/branches";
import { continueReply, liveText, type LiveView } from "../../stores/liveReplies";
import { showToast } from "../../stores/toasts";
import { clock, t, type TextId } from "../../texts/t";
import { AgainMenu } from "./AgainMenu";
import { ChangeField } from "./ChangeField";
import { CopyButton } from "./CopyButton";
import { titleAndRest } from "./failureText";
import { Pager } from "./Pager";
import type { ReplyProps } from "./Reply";

/** Shown once the answer does not grow any more. */
export function ReplyEnd({ message, view, last, chosenModel, onSwitch, onTree }: ReplyProps & { view: LiveView }) {
  const [asking, setAsking] = useState(false);
  const [changing, setChanging] = useState(false);
  const hasText = view.text !== "";
  const failure = titleAndRest(view.reason?.detail ?? "");
  const capped = view.reason?.code === "cap_reached";

  // Pressed before the server has confirmed the stop: it goes on as soon as it has.
  const [wanted, setWanted] = useState<{ model: string | null } | null>(null);
  useEffect(() => {
    if (!wanted || view.stopping) return;
    setWanted(null);
    if (view.state !== "complete") void goOn(wanted.model);
  });

  const goOn = async (model: string | null): Promise<void> => {
    if (view.stopping) return setWanted({ model });
    setAsking(true);
    try {
      await continueReply({ ...message, text: view.text }, model);
    } catch (error) {
      // A refusal usually means that another tab was faster.
      refreshThread(message.chat_id);
      const detail = error instanceof ApiError ? error.detail : "";
      showToast(detail ? t("reply.continueFailed", { detail }) : t("connection.lost"));
    } finally {
      setAsking(false);
    }
  };
  const again = async (wish: Wish): Promise<void> => {
    setAsking(true);
    await regenerate(message, wish);
    setAsking(false);
  };
  const blocked = asking || wanted !== null;
  const button = (text: TextId, look: "primary" | "plain" | "ghost") => last && (
    <>
      <Button
        look={look} size="sm" data-testid="continue" disabledReason={blocked ? t(text) : null}
        onClick={() => void goOn(chosenModel === message.model ? null : chosenModel)}
      >
        {t(text)}
      </Button>
      {look !== "ghost" && <WithAnother used={message.model ?? null} blocked={blocked} onChoose={(id) => void goOn(id)} />}
    </>
  );

  return (
    <>
      {view.marks.some((mark) => mark.kind === "trimmed") && <Stitch icon={<Scissors className="i" />}>{t("reply.trimmed")}</Stitch>}
      {view.marks.some((mark) => mark.kind === "continued") && <Stitch icon={<Link2 className="i" />}>{t("reply.continued")}</Stitch>}
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
          icon={capped ? <Hourglass className="i" /> : <CircleAlert className="i" />}
          look={capped ? "warn" : "danger"}
          title={failure.title || t(hasText ? "reply.failedPartly" : "reply.failed")}
          actions={last ? button(hasText ? "reply.continueFromHere" : "retry", "plain") : undefined}
          data-testid="reply-note"
        >
          {t(hasText ? "reply.textSafe" : "reply.failedSafe")} {failure.rest}
        </Note>
      )}
      <div className={last ? "acts" : message.siblings.length > 1 ? "acts quiet paged" : "acts quiet"}>
        {hasText && <CopyButton text={() => liveText(message.id) ?? view.text} />}
        <AgainMenu model={message.model ?? null} busy={blocked || view.stopping} onAgain={(wish) => void again(wish)} onChange={() => setChanging(true)} />
        <Pager message={message} onSwitch={onSwitch} onTree={onTree} />
        {view.state === "stopped" && button("reply.continue", "ghost")}
      </div>
      {changing && (
        <ChangeField
          onCancel={() => setChanging(false)}
          onSend={(instruction) => { setChanging(false); void again({ instruction }); }}
        />
      )}
    </>
  );
}

/** Beside “Continue”: the rest from another model. */
function WithAnother({ used, blocked, onChoose }: { used: string | null; blocked: boolean; onChoose: (id: string) => void }) {
  const menu = useMenu();
  const models = (useModels().data ?? []).filter((model) => model.id !== used);
  if (models.length === 0) return null;
  return (
    <>
      <button
        ref={menu.anchor} type="button" className="btn sm" aria-haspopup="menu" aria-expanded={menu.open} aria-disabled={blocked || undefined}
        data-testid="continue-other" onClick={() => !blocked && menu.toggle()}
      >
        {t("reply.otherModel")}<ChevronDown className="i sm" />
      </button>
      <Menu anchor={menu.anchor} open={menu.open} onClose={menu.close} label={t("reply.otherModel")}>
        {models.map((model) => (
          <MenuItem key={model.id} data-testid="continue-other-option" onSelect={() => { menu.close(); onChoose(model.id); }}>{model.name}</MenuItem>
        ))}
      </Menu>
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
