// Keys for programs that use the API in a person's name: made here, shown once, taken back here.
import type { Key } from "@taifas/api-client/shapes";
import { Button } from "@taifas/ui-components/Button";
import { CopyField } from "@taifas/ui-components/CopyField";
import { ErrorLine } from "@taifas/ui-components/ErrorLine";
import { Field } from "@taifas/ui-components/Field";
import { Note } from "@taifas/ui-components/Note";
import { Select } from "@taifas/ui-components/Select";
import { useQuery } from "@tanstack/react-query";
import { KeyRound } from "lucide-react";
import { useState, type FormEvent } from "react";
import { account, accountKeys, standing } from "../../api/account";
import { queryClient } from "../../api/queryClient";
import { errorText, useWork } from "../../api/useWork";
import { ago, date } from "../../texts/format";
import { t, type TextId } from "../../texts/t";
import { ListState, Row } from "./parts";

const SCOPES = ["models:use", "chats:read", "chats:write", "account:read", "account:write", "usage:read", "people:manage", "providers:manage", "usage:manage", "instance:manage"] as const;
const DAYS = ["30", "90", "365", "never"] as const;
type Days = (typeof DAYS)[number];

export function KeysTab() {
  const { data, error, refetch } = useQuery({ queryKey: accountKeys.apiKeys, queryFn: account.keys });
  const [making, setMaking] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  return (
    <>
      <p className="lead">{t("settings.keysLead", { address: `${location.origin}/v1` })}</p>
      {secret !== null && (
        <Note
          look="info"
          icon={<KeyRound className="i" />}
          title={t("settings.keyMade")}
          data-testid="new-key"
          actions={<Button size="sm" onClick={() => setSecret(null)}>{t("settings.keyKept")}</Button>}
        >
          {t("settings.keyOnce")}
        </Note>
      )}
      {secret !== null && <CopyField label={t("settings.keyMade")} value={secret} copy={t("message.copy")} copied={t("message.copied")} />}
      {making
        ? <KeyForm onMade={(made) => { setMaking(false); setSecret(made); }} onCancel={() => setMaking(false)} />
        : secret === null && <Button onClick={() => setMaking(true)} data-testid="make-key">{t("settings.keyMake")}</Button>}
      <div data-testid="keys">
        {data && data.length > 0
          ? data.map((key) => <KeyRow key={key.id} apiKey={key} />)
          : (data || error) && !making && <ListState error={data ? null : errorText(error)} empty={t("settings.keysEmpty")} onRetry={() => void refetch()} />}
      </div>
    </>
  );
}

function KeyRow({ apiKey }: { apiKey: Key }) {
  const [asked, setAsked] = useState(false);
  const { working, error, run } = useWork();
  const revoke = (): void => void run(async () => {
    await account.revokeKey(apiKey.id);
    await queryClient.invalidateQueries({ queryKey: accountKeys.apiKeys });
  });
  const about = [
    `tfs_${apiKey.prefix.replace(/^tfs_/, "")}…`,
    apiKey.last_used_at ? t("settings.keyUsed", { when: ago(apiKey.last_used_at) }) : t("settings.keyUnused"),
    apiKey.expires_at ? t("settings.keyUntil", { when: date(apiKey.expires_at) }) : t("settings.keyNoEnd"),
  ];
  return (
    <Row data-testid="key" label={apiKey.name} hint={<>{about.join(" · ")}<br />{apiKey.scopes.map(scopeName).join(", ")}<ErrorLine text={error} /></>}>
      {asked && <Button size="sm" onClick={() => setAsked(false)}>{t("cancel")}</Button>}
      <Button size="sm" look={asked ? "danger" : "plain"} disabledReason={working ? t("working") : null} onClick={() => (asked ? revoke() : setAsked(true))}>
        {t(asked ? "settings.keyRevokeYes" : "settings.keyRevoke")}
      </Button>
    </Row>
  );
}

function scopeName(scope: string): string {
  return (SCOPES as readonly string[]).includes(scope) ? t(`scope.${scope.replace(":", "_")}` as TextId) : scope;
}

function KeyForm({ onMade, onCancel }: { onMade: (secret: string) => void; onCancel: () => void }) {
  const own = standing()?.user?.permissions;
  const scopes = SCOPES.filter((scope) => !own || own.includes(scope));
  const [days, setDays] = useState<Days>("90");
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set(["models:use"]));
  const [missing, setMissing] = useState(false);
  const work = useWork();
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const name = String(new FormData(event.currentTarget).get("key-name")).trim();
    setMissing(name === "");
    if (name === "" || chosen.size === 0) return;
    const expires = days === "never" ? null : new Date(Date.now() + Number(days) * 86_400_000).toISOString();
    await work.run(async () => {
      const made = await account.createKey({ name, scopes: scopes.filter((scope) => chosen.has(scope)), expires_at: expires });
      onMade(made.secret);
      await queryClient.invalidateQueries({ queryKey: accountKeys.apiKeys });
    });
  };
  const toggle = (scope: string): void => {
    const next = new Set(chosen);
    if (!next.delete(scope)) next.add(scope);
    setChosen(next);
  };
  return (
    <form className="sub" noValidate onSubmit={(event) => void submit(event)} data-testid="key-form">
      <Field label={t("settings.keyName")} name="key-name" maxLength={60} autoFocus placeholder={t("settings.keyNameExample")} error={missing ? t("settings.keyNameMissing") : undefined} />
      <fieldset className="checks">
        <legend>{t("settings.keyScopes")}</legend>
        {scopes.map((scope) => (
          <label key={scope} className="check">
            <input type="checkbox" checked={chosen.has(scope)} onChange={() => toggle(scope)} />
            <span>{scopeName(scope)}</span>
          </label>
        ))}
      </fieldset>
      <Select label={t("settings.keyExpires")} value={days} onChange={setDays} options={DAYS.map((value) => ({ value, label: value === "never" ? t("settings.keyNever") : t("settings.keyDays", { count: Number(value) }) }))} />
      <ErrorLine text={work.error} />
      <div className="buttons start">
        <Button look="primary" type="submit" disabledReason={work.working ? t("working") : chosen.size === 0 ? t("settings.keyNoScope") : null}>{t("settings.keyMake")}</Button>
        <Button look="ghost" onClick={onCancel}>{t("cancel")}</Button>
      </div>
    </form>
  );
}
