// Adding a provider, or changing one: which kind, where it is, its key; tested before it is saved.
import type { Provider, ProviderKind, ProviderTest } from "@taifas/api-client/shapes";
import { Button } from "@taifas/ui-components/Button";
import { Dialog } from "@taifas/ui-components/Dialog";
import { ErrorLine } from "@taifas/ui-components/ErrorLine";
import { Field } from "@taifas/ui-components/Field";
import { Cloud, House, Plug, Sparkles } from "lucide-react";
import { useState, type FormEvent } from "react";
import { admin, refreshAdmin } from "../../api/admin";
import { useWork } from "../../api/useWork";
import { t } from "../../texts/t";
import { TestResult } from "./ProvidersPage";

interface Preset {
  id: string;
  kind: ProviderKind;
  name: string;
  url: string;
  Icon: typeof Cloud;
}

const PRESETS: Preset[] = [
  { id: "openai", kind: "openai", name: "openai", url: "https://api.openai.com/v1", Icon: Cloud },
  { id: "anthropic", kind: "anthropic", name: "anthropic", url: "https://api.anthropic.com", Icon: Sparkles },
  { id: "ollama", kind: "ollama", name: "ollama", url: "http://127.0.0.1:11434", Icon: House },
  { id: "compatible", kind: "openai", name: "", url: "", Icon: Plug },
];
const TITLES: Record<string, string> = { openai: "OpenAI", anthropic: "Anthropic", ollama: "Ollama" };

export function ProviderForm({ provider, onClose }: { provider: Provider | null; onClose: () => void }) {
  const [preset, setPreset] = useState("openai");
  const [name, setName] = useState(provider?.name ?? "openai");
  const [url, setUrl] = useState(provider?.base_url ?? PRESETS[0]?.url ?? "");
  const [key, setKey] = useState("");
  const [test, setTest] = useState<ProviderTest | null>(null);
  const work = useWork();
  const kind = provider?.kind ?? PRESETS.find((one) => one.id === preset)?.kind ?? "openai";
  const choose = (one: Preset): void => {
    setPreset(one.id);
    setName(one.name);
    setUrl(one.url);
    setTest(null);
  };
  const withKey = key.trim() === "" ? {} : { key: key.trim() };
  const moved = provider !== null && provider.has_key && key.trim() === "" && origin(url) !== origin(provider.base_url);
  const missing = name.trim() === "" || url.trim() === "" ? t("providers.incomplete") : null;
  const tryIt = (): void => void work.run(async () => {
    setTest(null);
    // What is stored is tested with the key that is stored with it.
    const asStored = provider !== null && key.trim() === "" && url.trim() === provider.base_url;
    setTest(asStored ? await admin.testProvider(provider.id) : await admin.testDraft({ kind, base_url: url.trim(), ...withKey }));
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (missing) return;
    void work.run(async () => {
      if (provider) await admin.changeProvider(provider, { base_url: url.trim(), ...withKey });
      else await admin.addProvider({ kind, name: name.trim(), base_url: url.trim(), ...withKey });
      await Promise.all([refreshAdmin("providers"), refreshAdmin("models")]);
    }).then((done) => done && onClose());
  };
  return (
    <Dialog label={t(provider ? "providers.edit" : "providers.add")} size="form" onClose={onClose} data-testid="provider-form">
      <form noValidate onSubmit={submit}>
        <h2>{provider ? t("providers.editNamed", { name: provider.name }) : t("providers.add")}</h2>
        <p className="lead">{t("providers.formLead")}</p>
        {!provider && (
          <fieldset className="opts">
            <legend>{t("providers.kind")}</legend>
            {PRESETS.map((one) => (
              <label key={one.id} className="opt">
                <input type="radio" name="preset" checked={preset === one.id} onChange={() => choose(one)} />
                <one.Icon className="i" />
                <span><b>{TITLES[one.id] ?? t("providers.compatible")}</b><small>{t(`providerHint.${one.id}` as "providerHint.openai")}</small></span>
              </label>
            ))}
          </fieldset>
        )}
        {!provider && <Field label={t("people.name")} value={name} maxLength={40} onChange={(event) => setName(event.target.value)} hint={t("providers.nameHint", { name: name.trim() || "name" })} />}
        <Field label={t("providers.url")} type="url" inputMode="url" value={url} onChange={(event) => { setUrl(event.target.value); setTest(null); }} placeholder="https://…/v1" hint={moved ? t("providers.moved") : undefined} />
        <Field
          label={t("providers.key")}
          type="password"
          autoComplete="off"
          value={key}
          onChange={(event) => { setKey(event.target.value); setTest(null); }}
          placeholder={provider?.has_key ? t("providers.keyKept", { hint: provider.key_hint ?? "" }) : undefined}
          hint={t("providers.keyHint")}
        />
        {test && <TestResult test={test} />}
        <ErrorLine text={work.error} />
        <div className="buttons">
          <Button onClick={tryIt} disabledReason={work.working ? t("working") : missing} data-testid="test-provider">{t("providers.test")}</Button>
          <span className="sp grow" />
          <Button look="ghost" onClick={onClose}>{t("cancel")}</Button>
          <Button look="primary" type="submit" disabledReason={work.working ? t("working") : missing}>{t("save")}</Button>
        </div>
      </form>
    </Dialog>
  );
}

function origin(url: string): string {
  try {
    return new URL(url).origin;
  } catch {
    return url;
  }
}
