// What models should know about a person and how they should answer. In force for chats that begin afterwards.
import type { Instructions } from "@taifas/api-client/shapes";
import { ApiError } from "@taifas/api-client/apiError";
import { Button } from "@taifas/ui-components/Button";
import { ErrorLine } from "@taifas/ui-components/ErrorLine";
import { Field } from "@taifas/ui-components/Field";
import { Switch } from "@taifas/ui-components/Switch";
import { TextArea } from "@taifas/ui-components/TextArea";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { account, accountKeys } from "../../api/account";
import { queryClient } from "../../api/queryClient";
import { errorText } from "../../api/useWork";
import { number } from "../../texts/format";
import { t } from "../../texts/t";
import { Row } from "./parts";
import { save, useSaved } from "./saved";

const LIMIT = 1_500;
type TextName = "nickname" | "occupation" | "about" | "style";

async function store(next: Instructions): Promise<void> {
  let kept: Instructions;
  try {
    kept = await account.setInstructions(next);
  } catch (error) {
    const current = error instanceof ApiError && error.code === "stale" ? (error.extras["current"] as Instructions | undefined) : undefined;
    if (!current) throw error;
    kept = await account.setInstructions({ ...next, version: current.version });
  }
  queryClient.setQueryData<Instructions>(accountKeys.instructions, kept);
}

export function InstructionsTab() {
  const { data, error } = useQuery({ queryKey: accountKeys.instructions, queryFn: account.instructions });
  const [draft, setDraft] = useState<Partial<Record<TextName, string>>>({});
  const state = useSaved("instructions");
  if (error && !data) return <ErrorLine text={errorText(error)} />;
  if (!data) return null;
  const value = (name: TextName): string => draft[name] ?? data[name];
  const set = (name: TextName) => (text: string) => setDraft({ ...draft, [name]: text });
  const texts = { nickname: value("nickname"), occupation: value("occupation"), about: value("about"), style: value("style") };
  const changed = (Object.keys(texts) as TextName[]).some((name) => texts[name] !== data[name]);
  const long = Object.values(texts).some((text) => [...text].length > LIMIT);
  const counter = (text: string): string => t("settings.counter", { used: number([...text].length), limit: number(LIMIT) });
  const keep = async (): Promise<void> => {
    if (await save("instructions", () => store({ ...data, ...texts }))) setDraft({});
  };
  return (
    <>
      <p className="lead">{t("settings.instructionsLead")}</p>
      <Row id="instructions-on" label={t("settings.instructionsOn")} hint={t("settings.instructionsOnHint")}>
        <Switch label={t("settings.instructionsOn")} on={data.enabled} onChange={(enabled) => void save("instructions-on", () => store({ ...data, enabled }))} data-testid="instructions-on" />
      </Row>
      <div className="sub">
        <TextArea label={t("settings.style")} value={texts.style} onChange={set("style")} placeholder={t("settings.styleExample")} rows={4} limit={LIMIT} counter={counter(texts.style)} data-testid="instructions-style" />
        <Field label={t("settings.nickname")} value={texts.nickname} onChange={(event) => set("nickname")(event.target.value)} maxLength={LIMIT} />
        <Field label={t("settings.occupation")} value={texts.occupation} onChange={(event) => set("occupation")(event.target.value)} maxLength={LIMIT} placeholder={t("settings.occupationExample")} />
        <TextArea label={t("settings.about")} value={texts.about} onChange={set("about")} placeholder={t("settings.aboutExample")} limit={LIMIT} counter={counter(texts.about)} />
        {state.error && <ErrorLine text={state.error} />}
        <div className="buttons start">
          <Button look="primary" onClick={() => void keep()} disabledReason={long ? t("settings.tooLong") : changed ? null : t("settings.nothingChanged")}>{t("save")}</Button>
          {changed && <Button look="ghost" onClick={() => setDraft({})}>{t("cancel")}</Button>}
          <span role="status" className="hint">{state.saved ? t("settings.saved") : ""}</span>
        </div>
      </div>
    </>
  );
}
