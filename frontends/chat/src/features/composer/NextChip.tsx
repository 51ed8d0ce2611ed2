// The one message that waits for the running answer to end.
import { Button } from "@taifas/ui-components/Button";
import { IconButton } from "@taifas/ui-components/IconButton";
import { X } from "lucide-react";
import { type Outgoing, takeBackNext } from "../../stores/outbox";
import { t } from "../../texts/t";

interface Props {
  item: Outgoing;
  /** The answer was cut or failed: the person decides. */
  stuck: boolean;
  onRelease: () => void;
}

export function NextChip({ item, stuck, onRelease }: Props) {
  return (
    <div className="next" data-testid="next-chip">
      <b>{t(stuck ? "composer.nextWaits" : "composer.next")}</b>
      <span>{item.text}</span>
      {stuck && <Button look="ghost" size="sm" onClick={onRelease}>{t("composer.nextSend")}</Button>}
      <IconButton size="xs" label={t("composer.nextRemove")} onClick={() => takeBackNext(item)}><X className="i sm" /></IconButton>
    </div>
  );
}
