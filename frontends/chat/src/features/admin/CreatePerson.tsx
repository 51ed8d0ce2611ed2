// A new account with a one-time link: whoever opens it chooses the password.
import { Button } from "@taifas/ui-components/Button";
import { CopyField } from "@taifas/ui-components/CopyField";
import { Dialog } from "@taifas/ui-components/Dialog";
import { ErrorLine } from "@taifas/ui-components/ErrorLine";
import { Field } from "@taifas/ui-components/Field";
import { Select } from "@taifas/ui-components/Select";
import { useQuery } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { admin, adminKeys, refreshAdmin } from "../../api/admin";
import { useWork } from "../../api/useWork";
import { t } from "../../texts/t";
import { roleLabel } from "./parts";

export function useRoleOptions() {
  const roles = useQuery({ queryKey: adminKeys.roles, queryFn: admin.roles });
  return roles.data?.map((role) => ({ value: role.name, label: roleLabel(role.name, role.label) })) ?? [{ value: "user", label: roleLabel("user") }];
}

export function CreatePerson({ onClose }: { onClose: () => void }) {
  const [role, setRole] = useState("user");
  const [link, setLink] = useState<string | null>(null);
  const options = useRoleOptions();
  const work = useWork();
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const body = { name: String(form.get("name")).trim(), email: String(form.get("email")).trim(), role };
    if (body.name === "" || !/^\S+@\S+$/.test(body.email)) return work.setError(t("people.incomplete"));
    void work.run(async () => {
      setLink((await admin.createPerson(body)).link);
      await refreshAdmin("people");
    });
  };
  return (
    <Dialog label={t("people.create")} size="form" onClose={onClose} data-testid="create-person-form">
      <h2>{t(link === null ? "people.create" : "people.created")}</h2>
      <p className="lead">{t(link === null ? "people.createLead" : "people.createdText")}</p>
      {link === null
        ? (
          <form noValidate onSubmit={submit}>
            <Field label={t("people.name")} name="name" maxLength={100} autoFocus autoComplete="off" />
            <Field label={t("people.email")} name="email" type="email" autoComplete="off" />
            <Select label={t("people.role")} value={role} onChange={setRole} options={options} />
            <ErrorLine text={work.error} />
            <div className="buttons">
              <Button onClick={onClose}>{t("cancel")}</Button>
              <Button look="primary" type="submit" disabledReason={work.working ? t("working") : null}>{t("people.createDo")}</Button>
            </div>
          </form>
        )
        : (
          <>
            <CopyField label={t("people.link")} value={link} copy={t("message.copy")} copied={t("message.copied")} />
            <div className="buttons"><Button onClick={onClose}>{t("close")}</Button></div>
          </>
        )}
    </Dialog>
  );
}
