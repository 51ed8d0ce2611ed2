// ‹ 2/3 ›: from one version of a turn to another. The arrow keys do the same while the focus is inside.
import type { Message } from "@taifas/api-client/types";
import { ChevronLeft, ChevronRight } from "lucide-react";
import { useEffect, useRef, type KeyboardEvent } from "react";
import { t } from "../../texts/t";

interface Props {
  message: Message;
  onSwitch: (messageId: string) => void;
  onTree: () => void;
}

/** The turn whose pager was used last: after the switch its successor takes the focus. */
let used: string | null = null;

const placeOf = (message: Message): string => `${message.chat_id} ${message.parent_id ?? ""}`;

export function Pager({ message, onSwitch, onTree }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const { siblings } = message;
  const at = siblings.indexOf(message.id);
  const place = placeOf(message);

  useEffect(() => {
    if (used !== place) return;
    used = null;
    box.current?.querySelector<HTMLElement>("[data-figure]")?.focus({ preventScroll: true });
  }, [place]);

  if (siblings.length < 2 || at < 0) return null;
  const go = (step: number): void => {
    const next = siblings[at + step];
    if (next === undefined) return;
    used = place;
    onSwitch(next);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
    if (step === 0) return;
    event.preventDefault();
    go(step);
  };
  return (
    <div className="pager" ref={box} role="group" aria-label={t("branch.label")} data-testid="pager" onKeyDown={onKeyDown}>
      <button type="button" className="ib xs" aria-label={t("branch.previous")} title={t("branch.previous")} disabled={at === 0} data-testid="pager-previous" onClick={() => go(-1)}>
        <ChevronLeft className="i sm" />
      </button>
      <button type="button" className="num" data-figure aria-label={t("branch.of", { at: at + 1, of: siblings.length })} title={t("tree.open")} data-testid="pager-figure" onClick={onTree}>
        {at + 1}/{siblings.length}
      </button>
      <button type="button" className="ib xs" aria-label={t("branch.next")} title={t("branch.next")} disabled={at === siblings.length - 1} data-testid="pager-next" onClick={() => go(1)}>
        <ChevronRight className="i sm" />
      </button>
    </div>
  );
}
