// A new password, with the one-time link.
import { ApiError } from "@taifas/api-client/apiError";
import type { User } from "@taifas/api-client/types";
import { Button } from "@taifas/ui-components/Button";
import { Note } from "@taifas/ui-components/Note";
import { CircleAlert, KeyRound } from "lucide-react";
import { useEffect, useState, type FormEvent, type ReactNode } from "react";
import { Link } from "wouter";
import { account } from "../../api/account";
import { t } from "../../texts/t";
import { AccountPage } from "./AccountPage";
import { check, NewPassword, reasonOf, tokenInAddress, type Errors } from "./fields";

interface Props {
  mail: boolean;
  tools: ReactNode;
  onSignedIn: (user: User) => void;
}

export function ResetPage({ mail, tools, onSignedIn }: Props) {
  const [token, setToken] = useState(tokenInAddress);
  const [bad, setBad] = useState(token === "");
  const [password, setPassword] = useState("");
  const [errors, setErrors] = useState<Errors>({});
  const [working, setWorking] = useState(false);
  useEffect(() => {
    const onHash = (): void => {
      setToken(tokenInAddress());
      setBad(tokenInAddress() === "");
    };
    addEventListener("hashchange", onHash);
    return () => removeEventListener("hashchange", onHash);
  }, []);
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (working) return;
    const found = check({ password });
    if (found) return setErrors(found);
    setWorking(true);
    setErrors({});
    try {
      return onSignedIn((await account.resetPassword({ token, password })).user);
    } catch (error) {
      const gone = error instanceof ApiError && [401, 403, 404, 409, 410].includes(error.status);
      if (gone) setBad(true);
      else setErrors(reasonOf(error));
    }
    setWorking(false);
  };
  return (
    <AccountPage title={t("reset.title")} lead={bad ? undefined : t("reset.lead")} tools={tools}>
      {bad
        ? (
          <>
            <Note look="warn" icon={<KeyRound className="i" />} title={t("link.bad")} data-testid="bad-link">{t(mail ? "reset.badText" : "reset.badTextNoMail")}</Note>
            <p className="below"><Link className="link" href={mail ? "/forgot" : "/sign-in"}>{t(mail ? "reset.again" : "register.signIn")}</Link></p>
          </>
        )
        : (
          <form noValidate onSubmit={(event) => void submit(event)} data-testid="reset-form">
            {errors.form && <Note icon={<CircleAlert className="i" />} title={errors.form} />}
            <NewPassword value={password} onChange={setPassword} error={errors.password} label={t("reset.password")} />
            <Button look="primary" size="lg" type="submit" disabledReason={working ? t("working") : null}>{t("reset.submit")}</Button>
          </form>
        )}
    </AccountPage>
  );
}
