// Making an account of one's own: on the page that is open to everybody, or with an invitation.
import type { User } from "@taifas/api-client/types";
import { Button } from "@taifas/ui-components/Button";
import { Field } from "@taifas/ui-components/Field";
import { Note } from "@taifas/ui-components/Note";
import { CircleAlert } from "lucide-react";
import { useState, type FormEvent } from "react";
import { t } from "../../texts/t";
import { check, NewPassword, reasonOf, withIcon, type Errors } from "./fields";

export interface Values {
  name: string;
  email: string;
  password: string;
}

interface Props {
  name?: string;
  /** Set by the invitation and not to be changed. */
  email?: string | null;
  submit: (values: Values) => Promise<User>;
  onSignedIn: (user: User) => void;
}

export function AccountForm({ name = "", email = null, submit, onSignedIn }: Props) {
  const [errors, setErrors] = useState<Errors>({});
  const [password, setPassword] = useState("");
  const [working, setWorking] = useState(false);
  const send = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    if (working) return;
    const form = event.currentTarget;
    const data = new FormData(form);
    const values = { name: String(data.get("name")).trim(), email: email ?? String(data.get("email")).trim(), password };
    let found = check(values);
    if (!found) {
      setWorking(true);
      setErrors({});
      try {
        return onSignedIn(await submit(values));
      } catch (error) {
        found = reasonOf(error);
      }
      setWorking(false);
    }
    setErrors(found);
    const first = (["name", "email", "password"] as const).find((field) => found[field]);
    if (first) form.querySelector<HTMLInputElement>(`[name=${first}]`)?.focus();
  };
  return (
    <form noValidate onSubmit={(event) => void send(event)} data-testid="account-form">
      {errors.form && <Note icon={<CircleAlert className="i" />} title={errors.form} />}
      <Field label={t("setup.name")} name="name" autoComplete="name" maxLength={100} autoFocus defaultValue={name} error={withIcon(errors.name)} />
      <Field label={t("signIn.email")} name="email" type="email" autoComplete="username" inputMode="email" defaultValue={email ?? ""} readOnly={email !== null} hint={email === null ? undefined : t("join.emailFixed")} error={withIcon(errors.email)} />
      <NewPassword value={password} onChange={setPassword} error={errors.password} />
      <Button look="primary" size="lg" type="submit" disabledReason={working ? t("setup.working") : null}>{t(working ? "setup.working" : "setup.submit")}</Button>
    </form>
  );
}
