// The first page of a new server: makes the administrator's account, with the one-time token from the printed link.
import { ApiError } from "@taifas/api-client/apiError";
import type { User } from "@taifas/api-client/types";
import { Button } from "@taifas/ui-components/Button";
import { Field } from "@taifas/ui-components/Field";
import { IconButton } from "@taifas/ui-components/IconButton";
import { Logo, PageMark } from "@taifas/ui-components/Logo";
import { Note } from "@taifas/ui-components/Note";
import { Check, CircleAlert, Eye, EyeOff, KeyRound } from "lucide-react";
import { useEffect, useState, type FormEvent, type ReactNode } from "react";
import { api } from "../../api/api";
import { keys } from "../../api/queries";
import { queryClient } from "../../api/queryClient";
import { t, type TextId } from "../../texts/t";

const SHORTEST_PASSWORD = 12;

type FieldName = "name" | "email" | "password";
type Errors = Partial<Record<FieldName | "form", string>>;

/** The token stands in the fragment, which browsers never send to a server or a proxy log. */
function takeToken(): string | null {
  const token = location.hash.slice(1);
  return location.pathname === "/setup" && token !== "" ? token : null;
}

export function SetupPage({ tools, onSignedIn }: { tools: ReactNode; onSignedIn: (user: User) => void }) {
  const [token, setToken] = useState(takeToken);
  const [invalid, setInvalid] = useState(false);
  useEffect(() => {
    document.title = t("setup.title");
    const onHash = (): void => {
      setInvalid(false);
      setToken(takeToken());
    };
    addEventListener("hashchange", onHash);
    return () => removeEventListener("hashchange", onHash);
  }, []);
  return (
    <div className="page">
      <PageMark />
      <header><span className="brand"><Logo /></span>{tools}</header>
      <main className="card wide">
        {token !== null && !invalid
          ? <AccountForm token={token} onInvalid={() => setInvalid(true)} onSignedIn={onSignedIn} />
          : <NoToken invalid={invalid} />}
      </main>
      <footer>{t("page.foot")}</footer>
    </div>
  );
}

function NoToken({ invalid }: { invalid: boolean }) {
  return (
    <div data-testid="setup-no-token">
      <h1>{t("setup.title")}</h1>
      <p className="lead" />
      <Note look={invalid ? "warn" : "info"} icon={<KeyRound className="i" />} title={t(invalid ? "setup.badToken" : "setup.noToken")}>
        {t(invalid ? "setup.badTokenText" : "setup.noTokenText")}
      </Note>
      <p className="sample">{location.origin}/setup#…</p>
      <p className="hint">{t("setup.noTokenWhere")}</p>
    </div>
  );
}

interface FormProps {
  token: string;
  onInvalid: () => void;
  onSignedIn: (user: User) => void;
}

function AccountForm({ token, onInvalid, onSignedIn }: FormProps) {
  const [errors, setErrors] = useState<Errors>({});
  const [password, setPassword] = useState("");
  const [visible, setVisible] = useState(false);
  const [working, setWorking] = useState(false);

  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    if (working) return;
    const form = event.currentTarget;
    const data = new FormData(form);
    const values = { name: String(data.get("name")).trim(), email: String(data.get("email")).trim(), password };
    const found = check(values);
    if (found) return refuse(form, found);
    setWorking(true);
    setErrors({});
    try {
      onSignedIn((await api.setUp({ token, ...values })).user);
    } catch (error) {
      setWorking(false);
      if (error instanceof ApiError && error.status === 403) onInvalid();
      else if (error instanceof ApiError && error.status === 409) void queryClient.invalidateQueries({ queryKey: keys.session });
      else refuse(form, reasonOf(error));
    }
  };
  const refuse = (form: HTMLFormElement, found: Errors): void => {
    setErrors(found);
    const first = (["name", "email", "password"] as const).find((name) => found[name]);
    if (first) form.querySelector<HTMLInputElement>(`[name=${first}]`)?.focus();
  };

  return (
    <form noValidate onSubmit={(event) => void submit(event)} data-testid="setup-form">
      <h1>{t("setup.title")}</h1>
      <p className="lead">{t("setup.lead")}</p>
      {errors.form && <Note icon={<CircleAlert className="i" />} title={errors.form} />}
      <Field label={t("setup.name")} name="name" autoComplete="name" maxLength={100} autoFocus hint={t("setup.nameHint")} error={withIcon(errors.name)} />
      <Field label={t("setup.email")} name="email" type="email" autoComplete="username" inputMode="email" error={withIcon(errors.email)} />
      <Field
        label={t("setup.password")}
        name="password"
        type={visible ? "text" : "password"}
        autoComplete="new-password"
        value={password}
        onChange={(event) => setPassword(event.target.value)}
        hint={<PasswordHint length={[...password].length} />}
        error={withIcon(errors.password)}
        inside={
          <IconButton label={t(visible ? "password.hide" : "password.show")} aria-pressed={visible} onClick={() => setVisible(!visible)}>
            {visible ? <EyeOff className="i" /> : <Eye className="i" />}
          </IconButton>
        }
      />
      <Button look="primary" size="lg" type="submit" disabledReason={working ? t("setup.working") : null}>
        {t(working ? "setup.working" : "setup.submit")}
      </Button>
    </form>
  );
}

function PasswordHint({ length }: { length: number }) {
  if (length === 0) return t("setup.passwordHint");
  if (length < SHORTEST_PASSWORD) return t("setup.passwordLeft", { count: SHORTEST_PASSWORD - length });
  return <><Check className="i" />{t("setup.passwordOk")}</>;
}

function check(values: Record<FieldName, string>): Errors | null {
  if (values.name === "") return { name: t("setup.nameMissing") };
  if (!/^[^\s@]+@[^\s@]+$/.test(values.email)) return { email: t("setup.emailMissing") };
  return [...values.password].length < SHORTEST_PASSWORD ? { password: t("setup.passwordShort") } : null;
}

function withIcon(error: string | undefined) {
  return error && <><CircleAlert className="i" />{error}</>;
}

const MISSING: Record<FieldName, TextId> = { name: "setup.nameMissing", email: "setup.emailMissing", password: "setup.passwordShort" };

function reasonOf(error: unknown): Errors {
  if (!(error instanceof ApiError)) return { form: t("signIn.noAnswer") };
  const field = error.extras["field"];
  if (field === "name" || field === "email" || field === "password") return { [field]: error.detail || t(MISSING[field]) };
  return { form: error.detail || t("signIn.noAnswer") };
}
