// Links with which people make an account of their own.
import type { Invitation } from "@taifas/api-client/shapes";
import { Button } from "@taifas/ui-components/Button";
import { CopyField } from "@taifas/ui-components/CopyField";
import { Dialog } from "@taifas/ui-components/Dialog";
import { ErrorLine } from "@taifas/ui-components/ErrorLine";
import { Field } from "@taifas/ui-components/Field";
import { Note } from "@taifas/ui-components/Note";
import { Select } from "@taifas/ui-components/Select";
import { Table } from "@taifas/ui-components/Table";
import { Tag } from "@taifas/ui-components/Tag";
import { useQuery } from "@tanstack/react-query";
import { MailCheck, UserPlus } from "lucide-react";
import { useState, type FormEvent } from "react";
import { admin, adminKeys, refreshAdmin } from "../../api/admin";
import { useWork } from "../../api/useWork";
import { date } from "../../texts/format";
import { t } from "../../texts/t";
import { useRoleOptions } from "./CreatePerson";
import { Head, Loaded, roleLabel } from "./parts";

const DAYS = ["1", "7", "30"] as const;
const LOOKS = { open: "info", accepted: "ok", expired: "plain", revoked: "plain" } as const;

export function InvitationsPage() {
  const query = useQuery({ queryKey: adminKeys.invitations, queryFn: admin.invitations });
  const [making, setMaking] = useState(false);
  return (
    <>
      <Head title={t("admin.invitations")} lead={t("invitations.lead")}>
        <Button look="primary" onClick={() => setMaking(true)} data-testid="invite"><UserPlus className="i sm" />{t("invitations.create")}</Button>
      </Head>
      <Loaded query={query}>
        {(invitations) => (
          <div className="panel">
            {invitations.length === 0
              ? <p className="empty-line">{t("invitations.none")}</p>
              : (
                <Table
                  label={t("admin.invitations")}
                  columns={[
                    { key: "for", head: t("invitations.for") }, { key: "role", head: t("people.role") }, { key: "at", head: t("invitations.made") },
                    { key: "until", head: t("invitations.until") }, { key: "state", head: t("people.state") }, { key: "do", head: t("admin.actions"), quiet: true },
                  ]}
                >
                  {invitations.map((one) => <InvitationRow key={one.id} one={one} />)}
                </Table>
              )}
          </div>
        )}
      </Loaded>
      {making && <Invite onClose={() => setMaking(false)} />}
    </>
  );
}

function InvitationRow({ one }: { one: Invitation }) {
  const { working, error, run } = useWork();
  const revoke = (): void => void run(async () => { await admin.revokeInvitation(one.id); await refreshAdmin("invitations"); });
  return (
    <tr data-testid="invitation">
      <td><b>{one.email ?? t("invitations.anybody")}</b><ErrorLine text={error} /></td>
      <td>{roleLabel(one.role)}</td>
      <td>{date(one.created_at)}</td>
      <td>{date(one.expires_at)}</td>
      <td><Tag look={LOOKS[one.state]}>{t(`invitationState.${one.state}`)}</Tag></td>
      <td>{one.state === "open" && <Button size="sm" onClick={revoke} disabledReason={working ? t("working") : null}>{t("invitations.revoke")}</Button>}</td>
    </tr>
  );
}

function Invite({ onClose }: { onClose: () => void }) {
  const [role, setRole] = useState("user");
  const [days, setDays] = useState<(typeof DAYS)[number]>("7");
  const [made, setMade] = useState<{ link: string; mailed: boolean; email: string } | null>(null);
  const options = useRoleOptions();
  const work = useWork();
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const email = String(new FormData(event.currentTarget).get("email")).trim();
    void work.run(async () => {
      const answer = await admin.invite({ ...(email === "" ? {} : { email }), role, days: Number(days) });
      setMade({ link: answer.link, mailed: answer.mailed, email });
      await refreshAdmin("invitations");
    });
  };
  return (
    <Dialog label={t("invitations.create")} size="form" onClose={onClose} data-testid="invite-form">
      <h2>{t(made ? "invitations.ready" : "invitations.create")}</h2>
      {made === null
        ? (
          <form noValidate onSubmit={submit}>
            <p className="lead">{t("invitations.createLead")}</p>
            <Field label={t("invitations.email")} name="email" type="email" autoFocus autoComplete="off" hint={t("invitations.emailHint")} />
            <Select label={t("people.role")} value={role} onChange={setRole} options={options} />
            <Select label={t("invitations.valid")} value={days} onChange={setDays} options={DAYS.map((value) => ({ value, label: t("admin.days", { count: Number(value) }) }))} />
            <ErrorLine text={work.error} />
            <div className="buttons">
              <Button onClick={onClose}>{t("cancel")}</Button>
              <Button look="primary" type="submit" disabledReason={work.working ? t("working") : null}>{t("invitations.create")}</Button>
            </div>
          </form>
        )
        : (
          <>
            {made.mailed
              ? <Note look="info" icon={<MailCheck className="i" />} title={t("invitations.mailed", { email: made.email })} />
              : <p className="lead">{t("invitations.notMailed")}</p>}
            <CopyField label={t("people.link")} value={made.link} copy={t("message.copy")} copied={t("message.copied")} />
            <div className="buttons"><Button onClick={onClose}>{t("close")}</Button></div>
          </>
        )}
    </Dialog>
  );
}
