// Joined to the composer's top: what another device wrote into this draft, until the person decides.
import { Button } from "@taifas/ui-components/Button";
import { MonitorSmartphone } from "lucide-react";
import { useStore } from "zustand";
import { decideDraft } from "../../stores/draftSync";
import { drafts } from "../../stores/drafts";
import { otherDrafts } from "../../stores/otherDrafts";
import { t } from "../../texts/t";

/** Characters of it that are shown. */
const SHOWN = 200;

export function OtherDraft({ place }: { place: string }) {
  const other = useStore(otherDrafts, (all) => all[place]);
  if (other === undefined) return null;
  const mine = (): string => drafts.getState()[place] ?? "";
  const both = (): string => (mine().trim() === "" ? other : `${mine()}\n\n${other}`);
  return (
    <div className="bar2" role="alert" data-testid="other-draft">
      <MonitorSmartphone className="i" />
      <span>{t("draft.other")} <q>{other.length > SHOWN ? `${other.slice(0, SHOWN)}…` : other}</q></span>
      <Button look="ghost" size="sm" data-testid="draft-other" onClick={() => decideDraft(place, other)}>{t("draft.useOther")}</Button>
      <Button look="ghost" size="sm" data-testid="draft-both" onClick={() => decideDraft(place, both())}>{t("draft.both")}</Button>
      <Button look="ghost" size="sm" data-testid="draft-mine" onClick={() => decideDraft(place, mine())}>{t("draft.mine")}</Button>
    </div>
  );
}
