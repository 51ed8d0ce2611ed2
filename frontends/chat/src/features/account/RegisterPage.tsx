// An account for whoever comes, where the instance is open.
import type { User } from "@taifas/api-client/types";
import { Note } from "@taifas/ui-components/Note";
import { Info } from "lucide-react";
import type { ReactNode } from "react";
import { Link } from "wouter";
import { account } from "../../api/account";
import { t } from "../../texts/t";
import { AccountForm } from "./AccountForm";
import { AccountPage } from "./AccountPage";

interface Props {
  instance: string;
  open: boolean;
  tools: ReactNode;
  onSignedIn: (user: User) => void;
}

export function RegisterPage({ instance, open, tools, onSignedIn }: Props) {
  return (
    <AccountPage title={t("register.title")} lead={t("register.lead", { name: instance, host: location.host })} tools={tools}>
      {open
        ? <AccountForm submit={async (values) => (await account.register(values)).user} onSignedIn={onSignedIn} />
        : <Note look="info" icon={<Info className="i" />} title={t("register.closed")}>{t("register.closedText")}</Note>}
      <p className="below"><Link className="link" href="/sign-in">{t("register.signIn")}</Link></p>
    </AccountPage>
  );
}
