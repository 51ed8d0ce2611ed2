// A daily cap of one person, where it differs from everybody's.
import type { Account } from "@taifas/api-client/shapes";
import { Button } from "@taifas/ui-components/Button";
import { Dialog } from "@taifas/ui-components/Dialog";
import { ErrorLine } from "@taifas/ui-components/ErrorLine";
import { Field } from "@taifas/ui-components/Field";
import { useQuery } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { admin, adminKeys, refreshAdmin } from "../../api/admin";
import { errorText, useWork } from "../../api/useWork";
import { t } from "../../texts/t";
import { costField, parseAmount, parseCost } from "./amounts";

export function PersonLimitsDialog({ person, onClose }: { person: Account; onClose: () => void }) {
  const { data, error } = useQuery({ queryKey: adminKeys.personLimits(person.id), queryFn: () => admin.personLimits(person.id), staleTime: 0 });
  const work = useWork();
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const tokens = parseAmount(String(form.get("tokens")));
    const cost = parseCost(String(form.get("cost")));
    if (!data || tokens === undefined || cost === undefined) return work.setError(t("limits.wrong"));
    void work.run(async () => {
      await admin.setPersonLimits(person.id, { tokens, cost, version: data.version });
      await refreshAdmin("limits");
    }).then((done) => done && onClose());
  };
  return (
    <Dialog label={t("people.limits")} onClose={onClose} data-testid="person-limits">
      <h2>{t("people.limitsOf", { name: person.name })}</h2>
      <p className="lead">{t("people.limitsText")}</p>
      {error && !data && <ErrorLine text={errorText(error)} />}
      {data && (
        <form noValidate onSubmit={submit}>
          <Field label={t("limits.tokens")} name="tokens" inputMode="numeric" defaultValue={data.tokens ?? ""} placeholder={t("limits.asAll")} />
          <Field label={t("limits.cost")} name="cost" inputMode="decimal" defaultValue={costField(data.cost)} placeholder={t("limits.asAll")} />
          <ErrorLine text={work.error} />
          <div className="buttons">
            <Button onClick={onClose}>{t("cancel")}</Button>
            <Button look="primary" type="submit" disabledReason={work.working ? t("working") : null}>{t("save")}</Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
