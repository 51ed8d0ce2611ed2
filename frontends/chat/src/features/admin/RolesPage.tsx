// What each role may do, and roles of one's own.
import type { Permission, RoleInfo, StandingUser } from "@taifas/api-client/shapes";
import { Button } from "@taifas/ui-components/Button";
import { Dialog } from "@taifas/ui-components/Dialog";
import { ErrorLine } from "@taifas/ui-components/ErrorLine";
import { Field } from "@taifas/ui-components/Field";
import { IconButton } from "@taifas/ui-components/IconButton";
import { useQuery } from "@tanstack/react-query";
import { Plus, Trash2 } from "lucide-react";
import { useState, type FormEvent } from "react";
import { admin, adminKeys, refreshAdmin } from "../../api/admin";
import { useWork } from "../../api/useWork";
import { t, type TextId } from "../../texts/t";
import { Ask, Head, Loaded, roleLabel } from "./parts";

const PERMISSIONS = [
  "chats:read", "chats:write", "models:use", "account:read", "account:write", "account:security", "keys:manage", "usage:read",
  "people:manage", "roles:manage", "providers:manage", "usage:manage", "instance:manage",
] as const;

function permissionName(permission: string): string {
  return t(`permission.${permission.replace(":", "_")}` as TextId);
}

export function RolesPage({ user }: { user: StandingUser }) {
  const query = useQuery({ queryKey: adminKeys.roles, queryFn: admin.roles });
  const [making, setMaking] = useState(false);
  const [leaving, setLeaving] = useState<RoleInfo | null>(null);
  const mayChange = user.permissions.includes("roles:manage");
  return (
    <>
      <Head title={t("admin.roles")} lead={t("roles.lead")}>
        {mayChange && <Button look="primary" onClick={() => setMaking(true)} data-testid="create-role"><Plus className="i sm" />{t("roles.create")}</Button>}
      </Head>
      <Loaded query={query}>{(roles) => <Matrix roles={roles} own={user.permissions} mayChange={mayChange} onDelete={setLeaving} />}</Loaded>
      {making && <CreateRole onClose={() => setMaking(false)} />}
      {leaving && (
        <Ask
          title={t("roles.deleteAsk", { name: roleLabel(leaving.name, leaving.label) })}
          text={t("roles.deleteText")}
          yes={t("roles.delete")}
          work={async () => { await admin.deleteRole(leaving.name); await refreshAdmin("roles"); }}
          onClose={() => setLeaving(null)}
        />
      )}
    </>
  );
}

interface MatrixProps {
  roles: RoleInfo[];
  own: string[];
  mayChange: boolean;
  onDelete: (role: RoleInfo) => void;
}

function Matrix({ roles, own, mayChange, onDelete }: MatrixProps) {
  const { error, run } = useWork();
  const toggle = (role: RoleInfo, permission: Permission): void => void run(async () => {
    const has = role.permissions.includes(permission);
    const permissions = has ? role.permissions.filter((one) => one !== permission) : [...role.permissions, permission];
    try {
      await admin.changeRole(role, { permissions });
    } finally {
      await refreshAdmin("roles");
    }
  });
  return (
    <div className="panel">
      <ErrorLine text={error} />
      <div className="dt-scroll" tabIndex={0} role="region" aria-label={t("roles.matrix")}>
        <table className="dt matrix" data-testid="roles">
          <thead>
            <tr>
              <th scope="col">{t("roles.permission")}</th>
              {roles.map((role) => (
                <th key={role.name} scope="col">
                  <span className="role">{roleLabel(role.name, role.label)}</span>
                  {!role.builtin && mayChange && <IconButton size="xs" label={t("roles.deleteNamed", { name: role.label || role.name })} onClick={() => onDelete(role)}><Trash2 className="i sm" /></IconButton>}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {PERMISSIONS.map((permission) => (
              <tr key={permission}>
                <td>{permissionName(permission)}</td>
                {roles.map((role) => (
                  <td key={role.name}>
                    <input
                      type="checkbox"
                      checked={role.permissions.includes(permission)}
                      // Nobody gives what they do not have; the administrator's role is everything, always.
                      disabled={!mayChange || role.name === "admin" || !own.includes(permission)}
                      aria-label={`${roleLabel(role.name, role.label)}: ${permissionName(permission)}`}
                      onChange={() => toggle(role, permission)}
                    />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

function CreateRole({ onClose }: { onClose: () => void }) {
  const work = useWork();
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const label = String(new FormData(event.currentTarget).get("label")).trim();
    const name = label.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "");
    if (name === "") return work.setError(t("roles.nameMissing"));
    void work.run(async () => {
      await admin.createRole({ name, label, permissions: ["chats:read", "chats:write", "models:use", "account:read", "account:write", "account:security", "usage:read"] });
      await refreshAdmin("roles");
    }).then((done) => done && onClose());
  };
  return (
    <Dialog label={t("roles.create")} onClose={onClose}>
      <form noValidate onSubmit={submit}>
        <h2>{t("roles.create")}</h2>
        <p className="lead">{t("roles.createLead")}</p>
        <Field label={t("people.name")} name="label" maxLength={40} autoFocus placeholder={t("roles.example")} />
        <ErrorLine text={work.error} />
        <div className="buttons">
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button look="primary" type="submit" disabledReason={work.working ? t("working") : null}>{t("roles.create")}</Button>
        </div>
      </form>
    </Dialog>
  );
}
