// Leaving for good: with the password and a word, and days to think it over.
import { ApiError } from "@taifas/api-client/apiError";
import { Button } from "@taifas/ui-components/Button";
import { ErrorLine } from "@taifas/ui-components/ErrorLine";
import { Field } from "@taifas/ui-components/Field";
import { Note } from "@taifas/ui-components/Note";
import { TriangleAlert } from "lucide-react";
import { useState, type FormEvent } from "react";
import { account } from "../../api/account";
import { useWork } from "../../api/useWork";
import { settingsAddress } from "../../stores/hash";
import { leave } from "../../stores/session";
import { tellTabs } from "../../stores/tabs";
import { t } from "../../texts/t";

const WORD = "DELETE";

export function DeleteAccount() {
  const [word, setWord] = useState("");
  const [password, setPassword] = useState("");
  const [wrong, setWrong] = useState(false);
  const work = useWork();
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (word !== WORD || password === "") return;
    setWrong(false);
    const done = await work.run(async () => {
      try {
        await account.deleteAccount(password);
      } catch (error) {
        if (error instanceof ApiError && (error.status === 401 || error.status === 403)) setWrong(true);
        throw error;
      }
    });
    if (!done) return;
    tellTabs({ kind: "session", user: null });
    leave();
  };
  const reason = work.working ? t("working") : password === "" ? t("settings.leaveNoPassword") : word !== WORD ? t("settings.leaveNoWord") : null;
  return (
    <form noValidate onSubmit={(event) => void submit(event)} data-testid="delete-account">
      <Note icon={<TriangleAlert className="i" />} look="warn" title={t("settings.leaveTitle")}>{t("settings.leaveText")}</Note>
      <Field
        label={t("settings.passwordCurrent")}
        type="password"
        autoComplete="current-password"
        value={password}
        onChange={(event) => setPassword(event.target.value)}
        error={wrong ? t("settings.passwordWrong") : undefined}
      />
      <Field label={t("settings.leaveWord", { word: WORD })} value={word} autoComplete="off" onChange={(event) => setWord(event.target.value)} />
      {!wrong && <ErrorLine text={work.error} />}
      <div className="buttons start">
        <Button look="danger" type="submit" disabledReason={reason}>{t("settings.leaveYes")}</Button>
        <a className="btn g" href={settingsAddress("data")}>{t("cancel")}</a>
      </div>
    </form>
  );
}
