// Asking for a link to a new password: by mail where the server has one, else from an administrator.
import { Button } from "@taifas/ui-components/Button";
import { Field } from "@taifas/ui-components/Field";
import { Note } from "@taifas/ui-components/Note";
import { CircleAlert, Info, MailCheck } from "lucide-react";
import { useState, type FormEvent, type ReactNode } from "react";
import { Link } from "wouter";
import { account } from "../../api/account";
import { t } from "../../texts/t";
import { AccountPage } from "./AccountPage";
import { check, reasonOf, withIcon, type Errors } from "./fields";

export function ForgotPage({ mail, tools }: { mail: boolean; tools: ReactNode }) {
  const [errors, setErrors] = useState<Errors>({});
  const [sent, setSent] = useState<string | null>(null);
  const [working, setWorking] = useState(false);
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    if (working) return;
    const email = String(new FormData(event.currentTarget).get("email")).trim();
    const found = check({ email });
    if (found) return setErrors(found);
    setWorking(true);
    setErrors({});
    try {
      await account.forgotPassword(email);
      setSent(email);
    } catch (error) {
      setErrors(reasonOf(error));
    }
    setWorking(false);
  };
  return (
    <AccountPage title={t("forgot.title")} lead={mail && sent === null ? t("forgot.lead") : undefined} tools={tools}>
      {!mail
        ? <Note look="info" icon={<Info className="i" />} title={t("forgot.noMail")}>{t("forgot.noMailText")}</Note>
        : sent !== null
          ? <Note look="info" icon={<MailCheck className="i" />} title={t("forgot.sent")} data-testid="forgot-sent">{t("forgot.sentText", { email: sent })}</Note>
          : (
            <form noValidate onSubmit={(event) => void submit(event)} data-testid="forgot-form">
              {errors.form && <Note icon={<CircleAlert className="i" />} title={errors.form} />}
              <Field label={t("signIn.email")} name="email" type="email" autoComplete="username" inputMode="email" autoFocus error={withIcon(errors.email)} />
              <Button look="primary" size="lg" type="submit" disabledReason={working ? t("working") : null}>{t("forgot.submit")}</Button>
            </form>
          )}
      <p className="below"><Link className="link" href="/sign-in">{t("register.signIn")}</Link></p>
    </AccountPage>
  );
}
