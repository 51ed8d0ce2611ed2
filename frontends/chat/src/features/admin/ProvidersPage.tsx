// Where models come from: add, test, switch off, remove. Keys go in and never come out.
import type { Provider, ProviderTest } from "@taifas/api-client/shapes";
import { Button } from "@taifas/ui-components/Button";
import { ErrorLine } from "@taifas/ui-components/ErrorLine";
import { MenuItem, MenuSeparator } from "@taifas/ui-components/Menu";
import { Note } from "@taifas/ui-components/Note";
import { Switch } from "@taifas/ui-components/Switch";
import { Table } from "@taifas/ui-components/Table";
import { Tag } from "@taifas/ui-components/Tag";
import { useQuery } from "@tanstack/react-query";
import { CircleAlert, CircleCheck, Pencil, Plus, RefreshCw, Trash2 } from "lucide-react";
import { useState } from "react";
import { admin, adminKeys, refreshAdmin } from "../../api/admin";
import { errorText, useWork } from "../../api/useWork";
import { number } from "../../texts/format";
import { t } from "../../texts/t";
import { Ask, Head, Loaded, RowMenu } from "./parts";
import { ProviderForm } from "./ProviderForm";

const LOOKS = { answers: "ok", silent: "danger", off: "plain" } as const;

export function ProvidersPage() {
  const query = useQuery({ queryKey: adminKeys.providers, queryFn: admin.providers, refetchInterval: 30_000 });
  const [form, setForm] = useState<Provider | "new" | null>(null);
  return (
    <>
      <Head title={t("admin.providers")} lead={t("providers.lead")}>
        <Button look="primary" onClick={() => setForm("new")} data-testid="add-provider"><Plus className="i sm" />{t("providers.add")}</Button>
      </Head>
      <Loaded query={query}>
        {(providers) => (
          <div className="panel">
            {providers.length === 0
              ? <p className="empty-line">{t("providers.none")}</p>
              : (
                <Table
                  label={t("admin.providers")}
                  columns={[
                    { key: "name", head: t("people.name") }, { key: "key", head: t("providers.key") }, { key: "models", head: t("admin.models"), figures: true },
                    { key: "on", head: t("providers.on") }, { key: "state", head: t("people.state") }, { key: "do", head: t("admin.actions"), quiet: true },
                  ]}
                >
                  {providers.map((provider) => <ProviderRow key={provider.id} provider={provider} onEdit={() => setForm(provider)} />)}
                </Table>
              )}
          </div>
        )}
      </Loaded>
      {form && <ProviderForm provider={form === "new" ? null : form} onClose={() => setForm(null)} />}
    </>
  );
}

function ProviderRow({ provider, onEdit }: { provider: Provider; onEdit: () => void }) {
  const [removing, setRemoving] = useState(false);
  const { error, run } = useWork();
  const [tested, setTested] = useState<ProviderTest | string | null>(null);
  const stored = provider.source === "stored";
  const test = async (): Promise<void> => {
    setTested(t("providers.testing"));
    try {
      setTested(await admin.testProvider(provider.id));
    } catch (failure) {
      setTested(errorText(failure));
    }
    await refreshAdmin("providers");
  };
  const enable = (enabled: boolean): void => void run(async () => { await admin.changeProvider(provider, { enabled }); await refreshAdmin("providers"); });
  return (
    <tr data-testid="provider" className={provider.enabled ? undefined : "off"}>
      <td>
        <b>{provider.name}</b> {!stored && <Tag>{t("providers.fromConfiguration")}</Tag>}
        <small>{provider.base_url} · {t(provider.place === "server" ? "providers.here" : "providers.outside")}</small>
        <ErrorLine text={error} />
        {tested !== null && (typeof tested === "string" ? <small role="status">{tested}</small> : <TestResult test={tested} />)}
      </td>
      <td>{provider.has_key ? <span className="mono">{provider.key_hint ?? "••••"}</span> : t("providers.noKey")}</td>
      <td className="num">{number(provider.models)}</td>
      <td><Switch label={t("providers.onNamed", { name: provider.name })} on={provider.enabled} onChange={enable} disabledReason={stored ? null : t("providers.fixed")} /></td>
      <td><Tag look={LOOKS[provider.state]}>{t(`providerState.${provider.state}`)}</Tag>{provider.detail && provider.state === "silent" && <small>{provider.detail}</small>}</td>
      <td>
        <RowMenu label={t("providers.more", { name: provider.name })}>
          {(close) => (
            <>
              <MenuItem icon={<RefreshCw className="i" />} onSelect={() => { close(); void test(); }}>{t("providers.test")}</MenuItem>
              {stored && <MenuItem icon={<Pencil className="i" />} onSelect={() => { close(); onEdit(); }}>{t("providers.edit")}</MenuItem>}
              {stored && <><MenuSeparator /><MenuItem icon={<Trash2 className="i" />} danger onSelect={() => { close(); setRemoving(true); }}>{t("providers.remove")}</MenuItem></>}
            </>
          )}
        </RowMenu>
        {removing && <Ask title={t("providers.removeAsk", { name: provider.name })} text={t("providers.removeText")} yes={t("providers.remove")} work={async () => { await admin.removeProvider(provider.id); await refreshAdmin("providers"); }} onClose={() => setRemoving(false)} />}
      </td>
    </tr>
  );
}

export function TestResult({ test }: { test: ProviderTest }) {
  if (!test.ok) return <Note icon={<CircleAlert className="i" />} title={t("providers.testBad")} data-testid="test-result">{test.detail ?? ""}</Note>;
  return (
    <Note look="info" icon={<CircleCheck className="i" />} title={t("providers.testGood", { count: test.models.length, ms: number(test.took_ms) })} data-testid="test-result">
      {test.models.slice(0, 8).join(", ")}{test.models.length > 8 ? "…" : ""}
    </Note>
  );
}
