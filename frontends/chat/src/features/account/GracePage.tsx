// The account is about to be deleted, and its owner is back: keep it, or leave.
import { Button } from "@taifas/ui-components/Button";
import { Note } from "@taifas/ui-components/Note";
import { CircleAlert, Hourglass } from "lucide-react";
import type { ReactNode } from "react";
import { account } from "../../api/account";
import { useWork } from "../../api/useWork";
import { dateTime } from "../../texts/format";
import { t } from "../../texts/t";
import { AccountPage } from "./AccountPage";

interface Props {
  deletesAt: string;
  tools: ReactNode;
  onKept: () => void;
  onSignOut: () => void;
}

export function GracePage({ deletesAt, tools, onKept, onSignOut }: Props) {
  const { working, error, run } = useWork();
  const keep = async (): Promise<void> => {
    if (await run(account.keepAccount)) onKept();
  };
  return (
    <AccountPage title={t("grace.title")} tools={tools}>
      <Note look="warn" icon={<Hourglass className="i" />} title={t("grace.when", { when: dateTime(deletesAt) })} data-testid="grace">{t("grace.text")}</Note>
      {error && <Note icon={<CircleAlert className="i" />} title={error} />}
      <Button look="primary" size="lg" onClick={() => void keep()} disabledReason={working ? t("working") : null}>{t("grace.keep")}</Button>
      <p className="below"><button type="button" className="link" onClick={onSignOut}>{t("grace.leave")}</button></p>
    </AccountPage>
  );
}
