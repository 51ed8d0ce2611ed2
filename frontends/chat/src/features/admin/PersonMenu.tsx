// What an administrator can do with one account.
import type { Account } from "@taifas/api-client/shapes";
import { Button } from "@taifas/ui-components/Button";
import { CopyField } from "@taifas/ui-components/CopyField";
import { Dialog } from "@taifas/ui-components/Dialog";
import { ErrorLine } from "@taifas/ui-components/ErrorLine";
import { MenuItem, MenuSeparator } from "@taifas/ui-components/Menu";
import { Gauge, KeyRound, LogOut, Trash2, Undo2, UserCheck, UserX } from "lucide-react";
import { useEffect, useState } from "react";
import { admin, refreshAdmin } from "../../api/admin";
import { errorText } from "../../api/useWork";
import { dateTime } from "../../texts/format";
import { t } from "../../texts/t";
import { Ask, RowMenu } from "./parts";
import { PersonLimitsDialog } from "./PersonLimitsDialog";

type Open = "disable" | "enable" | "delete" | "sign-out" | "link" | "limits" | "keep" | null;

async function changed(work: Promise<unknown>): Promise<void> {
  await work;
  await refreshAdmin("people");
}

export function PersonMenu({ person }: { person: Account }) {
  const [open, setOpen] = useState<Open>(null);
  const close = (): void => setOpen(null);
  const { name } = person;
  const item = (what: Open, Icon: typeof Gauge, text: string, end: () => void, danger = false) => (
    <MenuItem icon={<Icon className="i" />} danger={danger} onSelect={() => { end(); setOpen(what); }}>{text}</MenuItem>
  );
  return (
    <>
      <RowMenu label={t("people.more", { name })}>
        {(end) => (
          <>
            {person.state !== "leaving" && item("link", KeyRound, t("people.resetLink"), end)}
            {item("limits", Gauge, t("people.limits"), end)}
            {item("sign-out", LogOut, t("people.signOut"), end)}
            {person.state === "active" && item("disable", UserX, t("people.disable"), end)}
            {person.state === "disabled" && item("enable", UserCheck, t("people.enable"), end)}
            <MenuSeparator />
            {person.state === "leaving" ? item("keep", Undo2, t("people.keep"), end) : item("delete", Trash2, t("people.delete"), end, true)}
          </>
        )}
      </RowMenu>
      {open === "link" && <LinkDialog person={person} onClose={close} />}
      {open === "limits" && <PersonLimitsDialog person={person} onClose={close} />}
      {open === "sign-out" && <Ask title={t("people.signOutAsk", { name })} text={t("people.signOutText")} yes={t("people.signOut")} work={() => admin.signOutPerson(person.id)} onClose={close} />}
      {open === "disable" && <Ask title={t("people.disableAsk", { name })} text={t("people.disableText")} yes={t("people.disable")} work={() => changed(admin.changePerson(person, { state: "disabled" }))} onClose={close} />}
      {open === "enable" && <Ask title={t("people.enableAsk", { name })} text={t("people.enableText")} yes={t("people.enable")} work={() => changed(admin.changePerson(person, { state: "active" }))} onClose={close} />}
      {open === "delete" && <Ask title={t("people.deleteAsk", { name })} text={t("people.deleteText")} yes={t("people.delete")} work={() => changed(admin.deletePerson(person.id))} onClose={close} />}
      {open === "keep" && <Ask title={t("people.keepAsk", { name })} text={t("people.keepText")} yes={t("people.keep")} work={() => changed(admin.keepPerson(person.id))} onClose={close} />}
    </>
  );
}

function LinkDialog({ person, onClose }: { person: Account; onClose: () => void }) {
  const [made, setMade] = useState<{ link: string; expires_at: string } | null>(null);
  const [error, setError] = useState<string | null>(null);
  useEffect(() => {
    let wanted = true;
    admin.resetLink(person.id).then((link) => wanted && setMade(link), (failure: unknown) => wanted && setError(errorText(failure)));
    return () => { wanted = false; };
  }, [person.id]);
  return (
    <Dialog label={t("people.resetLink")} size="form" onClose={onClose} data-testid="reset-link">
      <h2>{t("people.resetLink")}</h2>
      <p className="lead">{t("people.resetText", { name: person.name, until: made ? dateTime(made.expires_at) : "…" })}</p>
      {made && <CopyField label={t("people.link")} value={made.link} copy={t("message.copy")} copied={t("message.copied")} />}
      <ErrorLine text={error} />
      <div className="buttons"><Button onClick={onClose}>{t("close")}</Button></div>
    </Dialog>
  );
}
