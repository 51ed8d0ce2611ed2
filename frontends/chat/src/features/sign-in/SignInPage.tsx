// Signing in with e-mail and password; also the place where a session that ended is taken up again.
import { ApiError } from "@taifas/api-client/apiError";
import type { User } from "@taifas/api-client/types";
import { Button } from "@taifas/ui-components/Button";
import { Field } from "@taifas/ui-components/Field";
import { Logo, PageMark } from "@taifas/ui-components/Logo";
import { Note } from "@taifas/ui-components/Note";
import { CircleAlert, Info } from "lucide-react";
import { useEffect, useRef, useState, type FormEvent, type ReactNode } from "react";
import { Link } from "wouter";
import { api } from "../../api/api";
import { clock, t } from "../../texts/t";

interface Props {
  instance: string;
  /** What the organisation wants to say here. */
  greeting: string | null;
  /** The session ended while the person was at work. */
  lost: boolean;
  /** Anybody may make an account. */
  registration: boolean;
  tools: ReactNode;
  onSignedIn: (user: User) => void;
}

interface Errors {
  email?: string;
  password?: string;
}

export function SignInPage({ instance, greeting, lost, registration, tools, onSignedIn }: Props) {
  const [errors, setErrors] = useState<Errors>({});
  const [working, setWorking] = useState(false);
  const email = useRef<HTMLInputElement>(null);
  const password = useRef<HTMLInputElement>(null);

  useEffect(() => {
    document.title = t("signIn.submit");
    email.current?.focus();
  }, []);

  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    if (working) return;
    const form = new FormData(event.currentTarget);
    const values = { email: String(form.get("email")).trim(), password: String(form.get("password")) };
    if (values.email === "") return refuse({ email: t("signIn.emailMissing") });
    if (values.password === "") return refuse({ password: t("signIn.passwordMissing") });
    setWorking(true);
    setErrors({});
    try {
      onSignedIn((await api.signIn(values)).user);
    } catch (error) {
      setWorking(false);
      refuse({ password: reasonOf(error) });
    }
  };
  const refuse = (found: Errors): void => {
    setErrors(found);
    (found.email ? email : password).current?.focus();
  };

  return (
    <div className="page">
      <PageMark />
      <header><span className="brand"><Logo /></span>{tools}</header>
      <main className="card">
        <h1>{t("signIn.title")}</h1>
        <p className="lead">{t("signIn.lead", { name: instance, host: location.host })}</p>
        {greeting && <p className="lead" data-testid="instance-greeting">{greeting}</p>}
        {lost && <Note look="info" icon={<Info className="i" />} title={t("signIn.lost")}>{t("signIn.lostText")}</Note>}
        <form noValidate onSubmit={(event) => void submit(event)} data-testid="sign-in-form">
          <Field ref={email} label={t("signIn.email")} name="email" type="email" autoComplete="username" inputMode="email" error={withIcon(errors.email)} />
          <Field ref={password} label={t("signIn.password")} name="password" type="password" autoComplete="current-password" error={withIcon(errors.password)} />
          <Button look="primary" size="lg" type="submit" disabledReason={working ? t("signIn.working") : null}>
            {t(working ? "signIn.working" : "signIn.submit")}
          </Button>
        </form>
        <p className="below">
          <Link className="link" href="/forgot">{t("signIn.forgot")}</Link>
          {registration && <Link className="link" href="/register">{t("signIn.register")}</Link>}
        </p>
      </main>
      <footer>{t("page.foot")}</footer>
    </div>
  );
}

function withIcon(error: string | undefined) {
  return error && <><CircleAlert className="i" />{error}</>;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof ApiError)) return t("signIn.noAnswer");
  if (error.code === "rate_limited") return t("signIn.limited", { time: clock(Date.now() + (error.retryAfter ?? 60) * 1000) });
  if (error.code === "unauthenticated") {
    const left = error.extras["tries_left"];
    return typeof left === "number" ? `${t("signIn.noMatch")} ${t("signIn.triesLeft", { count: left })}` : t("signIn.noMatch");
  }
  return error.transient ? t("signIn.noAnswer") : error.detail || t("signIn.noAnswer");
}
