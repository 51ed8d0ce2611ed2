// One model: its name here, who may use it, its window and its prices.
import type { AdminModel } from "@taifas/api-client/shapes";
import { Button } from "@taifas/ui-components/Button";
import { Dialog } from "@taifas/ui-components/Dialog";
import { ErrorLine } from "@taifas/ui-components/ErrorLine";
import { Field } from "@taifas/ui-components/Field";
import { useState, type FormEvent } from "react";
import { admin, refreshAdmin } from "../../api/admin";
import { useWork } from "../../api/useWork";
import { t } from "../../texts/t";
import { costField, parseAmount, parseCost } from "./amounts";
import { useRoleOptions } from "./CreatePerson";

export function ModelForm({ model, onClose }: { model: AdminModel; onClose: () => void }) {
  const roles = useRoleOptions();
  const [chosen, setChosen] = useState<ReadonlySet<string> | null>(model.roles ? new Set(model.roles) : null);
  const [byDefault, setByDefault] = useState(model.default);
  const work = useWork();
  const toggle = (role: string): void => {
    const next = new Set(chosen ?? roles.map((one) => one.value));
    if (!next.delete(role)) next.add(role);
    setChosen(next.size === roles.length ? null : next);
  };
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string): string => String(form.get(name) ?? "").trim();
    const window = parseAmount(text("window"));
    const input = parseCost(text("input"));
    const output = parseCost(text("output"));
    if (window === undefined || input === undefined || output === undefined) return work.setError(t("models.wrong"));
    void work.run(async () => {
      await admin.changeModel(model, {
        display_name: text("name") === "" ? null : text("name"), roles: chosen ? [...chosen] : null, context_window: window,
        price_input: input ?? 0, price_output: output ?? 0, ...(byDefault === model.default ? {} : { default: byDefault }),
      });
      await refreshAdmin("models");
    }).then((done) => done && onClose());
  };
  return (
    <Dialog label={t("models.edit")} size="form" onClose={onClose} data-testid="model-form">
      <form noValidate onSubmit={submit}>
        <h2>{model.display_name ?? model.name}</h2>
        <p className="lead">{model.id}</p>
        <Field label={t("models.displayName")} name="name" maxLength={80} defaultValue={model.display_name ?? ""} placeholder={model.name} autoFocus />
        <label className="check">
          <input type="checkbox" checked={byDefault} onChange={(event) => setByDefault(event.target.checked)} />
          <span>{t("models.default")}<small>{t("models.defaultHint")}</small></span>
        </label>
        <fieldset className="checks">
          <legend>{t("models.who")}</legend>
          {roles.map((role) => (
            <label key={role.value} className="check">
              <input type="checkbox" checked={chosen === null || chosen.has(role.value)} onChange={() => toggle(role.value)} />
              <span>{role.label}</span>
            </label>
          ))}
        </fieldset>
        <Field label={t("models.window")} name="window" inputMode="numeric" defaultValue={model.context_window ?? ""} hint={t("models.windowHint")} />
        <div className="g2">
          <Field label={t("models.priceIn")} name="input" inputMode="decimal" defaultValue={costField(model.price_input || null)} placeholder="0" />
          <Field label={t("models.priceOut")} name="output" inputMode="decimal" defaultValue={costField(model.price_output || null)} placeholder="0" />
        </div>
        <ErrorLine text={work.error} />
        <div className="buttons">
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button look="primary" type="submit" disabledReason={work.working ? t("working") : null}>{t("save")}</Button>
        </div>
      </form>
    </Dialog>
  );
}
