// Fields these pages share, and how their errors are told.
import { ApiError } from "@taifas/api-client/apiError";
import { Field } from "@taifas/ui-components/Field";
import { IconButton } from "@taifas/ui-components/IconButton";
import { Check, CircleAlert, Eye, EyeOff } from "lucide-react";
import { useState } from "react";
import { clock, t } from "../../texts/t";

const SHORTEST_PASSWORD = 12;

export type FieldName = "name" | "email" | "password";
export type Errors = Partial<Record<FieldName | "form", string>>;

export function withIcon(error: string | undefined) {
  return error && <><CircleAlert className="i" />{error}</>;
}

export function NewPassword({ value, onChange, error, label }: { value: string; onChange: (value: string) => void; error: string | undefined; label?: string }) {
  const [visible, setVisible] = useState(false);
  const length = [...value].length;
  return (
    <Field
      label={label ?? t("signIn.password")}
      name="password"
      type={visible ? "text" : "password"}
      autoComplete="new-password"
      value={value}
      onChange={(event) => onChange(event.target.value)}
      hint={length === 0
        ? t("setup.passwordHint")
        : length < SHORTEST_PASSWORD ? t("setup.passwordLeft", { count: SHORTEST_PASSWORD - length }) : <><Check className="i" />{t("setup.passwordOk")}</>}
      error={withIcon(error)}
      inside={
        <IconButton label={t(visible ? "password.hide" : "password.show")} aria-pressed={visible} onClick={() => setVisible(!visible)}>
          {visible ? <EyeOff className="i" /> : <Eye className="i" />}
        </IconButton>
      }
    />
  );
}

/** What is missing before it is worth asking the server; null when nothing is. */
export function check(values: Partial<Record<FieldName, string>>): Errors | null {
  if (values.name === "") return { name: t("setup.nameMissing") };
  if (values.email !== undefined && !/^\S+@\S+$/.test(values.email)) return { email: t("setup.emailMissing") };
  if (values.password !== undefined && [...values.password].length < SHORTEST_PASSWORD) return { password: t("setup.passwordShort") };
  return null;
}

/** The server's refusal, at the field it is about. */
export function reasonOf(error: unknown): Errors {
  if (!(error instanceof ApiError)) return { form: t("signIn.noAnswer") };
  if (error.code === "rate_limited") return { form: t("signIn.limited", { time: clock(Date.now() + (error.retryAfter ?? 60) * 1000) }) };
  if (error.transient) return { form: t("signIn.noAnswer") };
  const field = error.extras["field"];
  const text = error.detail || t("signIn.noAnswer");
  return field === "name" || field === "email" || field === "password" ? { [field]: text } : { form: text };
}

/** The one-time token stands in the fragment, which browsers never send to a server or a proxy log. */
export function tokenInAddress(): string {
  return location.hash.slice(1);
}
