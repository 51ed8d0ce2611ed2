// Joined to the composer's top: why a message came back into the text field, and the way on.
import { Button } from "@taifas/ui-components/Button";
import { CircleAlert, GitBranch } from "lucide-react";
import type { Returned } from "../../stores/outbox";
import { t } from "../../texts/t";

interface Props {
  returned: Returned;
  onContinue: () => void;
  /** Sends what is in the field beside the newer turns. */
  onKeep: () => void;
  onClose: () => void;
}

export function ReturnedBar({ returned, onContinue, onKeep, onClose }: Props) {
  if (returned.newer > 0) {
    return (
      <div className="bar2" role="alert" data-testid="newer-bar">
        <GitBranch className="i" />
        <span>{t("stale.newer", { count: returned.newer })}</span>
        <Button look="ghost" size="sm" data-testid="continue-there" onClick={onContinue}>{t("stale.continue")}</Button>
        <Button look="ghost" size="sm" data-testid="keep-branch" onClick={onKeep}>{t("stale.keep")}</Button>
      </div>
    );
  }
  return (
    <div className="bar2 d" role="alert" data-testid="not-sent-bar">
      <CircleAlert className="i" />
      <span>{returned.detail ? t("composer.notSent", { detail: returned.detail }) : t("composer.notSentPlain")}</span>
      <Button look="ghost" size="sm" onClick={onClose}>{t("composer.dismiss")}</Button>
    </div>
  );
}
