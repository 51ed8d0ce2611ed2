// Name, e-mail address and password.
import { ApiError } from "@taifas/api-client/apiError";
import { Button } from "@taifas/ui-components/Button";
import { ErrorLine } from "@taifas/ui-components/ErrorLine";
import { Field } from "@taifas/ui-components/Field";
import { useState, type FormEvent } from "react";
import { account, saveMe, useMe } from "../../api/account";
import { errorText, useWork } from "../../api/useWork";
import { t } from "../../texts/t";
import { Row } from "./parts";
import { save } from "./saved";

const SHORTEST_PASSWORD = 12;

export function ProfileTab() {
  const me = useMe();
  const [name, setName] = useState<string | null>(null);
  const shown = name ?? me.data?.name ?? "";
  const keep = (): void => {
    const text = shown.trim();
    if (!me.data || text === me.data.name) return setName(null);
    if (text === "") return;
    void save("name", () => saveMe({ name: text })).then((done) => done && setName(null));
  };
  return (
    <>
      {me.error && <ErrorLine text={errorText(me.error)} />}
      <Row id="name" label={<label htmlFor="own-name">{t("settings.name")}</label>} hint={t("settings.nameHint")} wide>
        <span className="fld tight">
          <input
            id="own-name"
            value={shown}
            maxLength={100}
            autoComplete="name"
            aria-invalid={shown.trim() === "" && me.data ? true : undefined}
            onChange={(event) => setName(event.target.value)}
            onBlur={keep}
            onKeyDown={(event) => event.key === "Enter" && !event.nativeEvent.isComposing && keep()}
          />
        </span>
      </Row>
      <Row label={t("settings.email")} hint={t("settings.emailHint")}><span>{me.data?.email}</span></Row>
      <PasswordRow />
    </>
  );
}

function PasswordRow() {
  const [open, setOpen] = useState(false);
  const [done, setDone] = useState(false);
  return (
    <>
      <Row label={t("settings.password")} hint={done ? <span role="status">{t("settings.passwordChanged")}</span> : undefined}>
        {!open && <Button size="sm" onClick={() => { setOpen(true); setDone(false); }} data-testid="change-password">{t("settings.passwordChange")}</Button>}
      </Row>
      {open && <PasswordForm onEnd={(changed) => { setOpen(false); setDone(changed); }} />}
    </>
  );
}

function PasswordForm({ onEnd }: { onEnd: (changed: boolean) => void }) {
  const [wrong, setWrong] = useState<{ current?: string; password?: string }>({});
  const work = useWork();
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const values = { current: String(form.get("current")), password: String(form.get("password")) };
    if (values.current === "") return setWrong({ current: t("settings.passwordCurrentMissing") });
    if ([...values.password].length < SHORTEST_PASSWORD) return setWrong({ password: t("settings.passwordShort") });
    setWrong({});
    const changed = await work.run(async () => {
      try {
        await account.changePassword(values);
      } catch (error) {
        if (!(error instanceof ApiError) || (error.status !== 401 && error.status !== 403)) throw error;
        setWrong({ current: t("settings.passwordWrong") });
        throw error;
      }
    });
    if (changed) onEnd(true);
  };
  return (
    <form className="sub" noValidate onSubmit={(event) => void submit(event)} data-testid="password-form">
      <Field label={t("settings.passwordCurrent")} name="current" type="password" autoComplete="current-password" autoFocus error={wrong.current} />
      <Field label={t("settings.passwordNew")} name="password" type="password" autoComplete="new-password" hint={t("settings.passwordNewHint")} error={wrong.password} />
      {work.error && !wrong.current && <ErrorLine text={work.error} />}
      <div className="buttons start">
        <Button look="primary" type="submit" disabledReason={work.working ? t("working") : null}>{t("settings.passwordSave")}</Button>
        <Button look="ghost" onClick={() => onEnd(false)}>{t("cancel")}</Button>
      </div>
    </form>
  );
}
