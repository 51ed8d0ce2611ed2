// How much may be used in a day: by one person, and by all together.
import type { Limits } from "@taifas/api-client/shapes";
import { Button } from "@taifas/ui-components/Button";
import { ErrorLine } from "@taifas/ui-components/ErrorLine";
import { Field } from "@taifas/ui-components/Field";
import { useQuery } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { admin, adminKeys } from "../../api/admin";
import { queryClient } from "../../api/queryClient";
import { useWork } from "../../api/useWork";
import { t } from "../../texts/t";
import { costField, parseAmount, parseCost } from "./amounts";
import { Head, Loaded } from "./parts";

export function LimitsPage() {
  const query = useQuery({ queryKey: adminKeys.limits, queryFn: admin.limits });
  return (
    <>
      <Head title={t("admin.limits")} lead={t("limits.lead")} />
      <Loaded query={query}>{(limits) => <LimitsForm key={limits.version} limits={limits} />}</Loaded>
    </>
  );
}

function LimitsForm({ limits }: { limits: Limits }) {
  const work = useWork();
  const [saved, setSaved] = useState(false);
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string): string => String(form.get(name) ?? "");
    const person_tokens = parseAmount(text("person_tokens"));
    const instance_tokens = parseAmount(text("instance_tokens"));
    const person_cost = parseCost(text("person_cost"));
    const instance_cost = parseCost(text("instance_cost"));
    if (person_tokens === undefined || instance_tokens === undefined || person_cost === undefined || instance_cost === undefined) {
      return work.setError(t("limits.wrong"));
    }
    setSaved(false);
    void work.run(async () => {
      const kept = await admin.setLimits({ version: limits.version, person_tokens, person_cost, instance_tokens, instance_cost });
      setSaved(true);
      queryClient.setQueryData<Limits>(adminKeys.limits, (old) => (old ? { ...old, ...kept } : kept));
    });
  };
  return (
    <form noValidate onSubmit={submit} data-testid="limits-form">
      <div className="g2">
        <div className="panel">
          <h2>{t("limits.person")}</h2>
          <p className="lead">{t("limits.personText")}</p>
          <Field label={t("limits.tokens")} name="person_tokens" inputMode="numeric" defaultValue={limits.person_tokens ?? ""} placeholder={t("limits.none")} />
          <Field label={t("limits.cost")} name="person_cost" inputMode="decimal" defaultValue={costField(limits.person_cost)} placeholder={t("limits.none")} />
        </div>
        <div className="panel">
          <h2>{t("limits.instance")}</h2>
          <p className="lead">{t("limits.instanceText")}</p>
          <Field label={t("limits.tokens")} name="instance_tokens" inputMode="numeric" defaultValue={limits.instance_tokens ?? ""} placeholder={t("limits.none")} />
          <Field label={t("limits.cost")} name="instance_cost" inputMode="decimal" defaultValue={costField(limits.instance_cost)} placeholder={t("limits.none")} />
        </div>
      </div>
      <ErrorLine text={work.error} />
      <div className="buttons start">
        <Button look="primary" type="submit" disabledReason={work.working ? t("working") : null}>{t("save")}</Button>
        <span className="hint" role="status">{saved ? t("admin.saved") : ""}</span>
      </div>
    </form>
  );
}
