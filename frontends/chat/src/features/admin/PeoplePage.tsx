// Everybody with an account: find, invite, create, change the role, lock out, bring back.
import type { Account, StandingUser } from "@taifas/api-client/shapes";
import { Button } from "@taifas/ui-components/Button";
import { ErrorLine } from "@taifas/ui-components/ErrorLine";
import { Select } from "@taifas/ui-components/Select";
import { Table } from "@taifas/ui-components/Table";
import { Tag } from "@taifas/ui-components/Tag";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Search, UserPlus } from "lucide-react";
import { useDeferredValue, useState } from "react";
import { admin, adminKeys, refreshAdmin } from "../../api/admin";
import { errorText, useWork } from "../../api/useWork";
import { ago, date } from "../../texts/format";
import { t } from "../../texts/t";
import { CreatePerson } from "./CreatePerson";
import { Head, roleLabel } from "./parts";
import { PersonMenu } from "./PersonMenu";

const STATES = ["", "active", "disabled", "leaving"] as const;
type State = (typeof STATES)[number];

export function PeoplePage({ user }: { user: StandingUser }) {
  const [q, setQ] = useState("");
  const [state, setState] = useState<State>("");
  const [making, setMaking] = useState(false);
  const find = useDeferredValue(q.trim());
  const list = useInfiniteQuery({
    queryKey: adminKeys.people(find, state),
    queryFn: ({ pageParam }) => admin.people({ q: find, state, before: pageParam }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next ?? null,
    placeholderData: (old) => old,
  });
  const people = list.data?.pages.flatMap((page) => page.people) ?? [];
  return (
    <>
      <Head title={t("admin.people")}>
        <Button look="primary" onClick={() => setMaking(true)} data-testid="create-person"><UserPlus className="i sm" />{t("people.create")}</Button>
      </Head>
      <div className="panel">
        <div className="ph">
          <div className="find">
            <Search className="i" />
            <input type="search" aria-label={t("people.find")} placeholder={t("people.find")} value={q} onChange={(event) => setQ(event.target.value)} data-testid="find-people" />
          </div>
          <Select label={t("people.state")} look="quiet" value={state} onChange={setState} options={STATES.map((value) => ({ value, label: t(value === "" ? "people.all" : `personState.${value}`) }))} />
        </div>
        {list.error && !list.data && <ErrorLine text={errorText(list.error)} />}
        {list.data && people.length === 0 && <p className="empty-line">{t("people.none")}</p>}
        {people.length > 0 && (
          <Table
            label={t("admin.people")}
            columns={[
              { key: "name", head: t("people.name") }, { key: "role", head: t("people.role") }, { key: "seen", head: t("people.seen") },
              { key: "since", head: t("people.since") }, { key: "state", head: t("people.state") }, { key: "do", head: t("admin.actions"), quiet: true },
            ]}
          >
            {people.map((person) => <PersonRow key={person.id} person={person} own={person.id === user.id} />)}
          </Table>
        )}
        {list.hasNextPage && <div className="buttons start"><Button size="sm" onClick={() => void list.fetchNextPage()}>{t("admin.more")}</Button></div>}
      </div>
      {making && <CreatePerson onClose={() => setMaking(false)} />}
    </>
  );
}

function PersonRow({ person, own }: { person: Account; own: boolean }) {
  const roles = useQuery({ queryKey: adminKeys.roles, queryFn: admin.roles });
  const { error, run } = useWork();
  const options = roles.data?.map((role) => ({ value: role.name, label: roleLabel(role.name, role.label) })) ?? [];
  if (!options.some((option) => option.value === person.role)) options.push({ value: person.role, label: roleLabel(person.role) });
  const setRole = (role: string): void => void run(async () => {
    await admin.changePerson(person, { role });
    await refreshAdmin("people");
  });
  return (
    <tr data-testid="person" className={person.state === "active" ? undefined : "off"}>
      <td><b>{person.name}</b>{own && <> <Tag look="info">{t("people.you")}</Tag></>}<small>{person.email}</small><ErrorLine text={error} /></td>
      <td>{own ? roleLabel(person.role, options.find((option) => option.value === person.role)?.label) : <Select label={t("people.roleOf", { name: person.name })} look="quiet" value={person.role} onChange={setRole} options={options} />}</td>
      <td>{person.seen_at ? ago(person.seen_at) : t("people.never")}</td>
      <td>{date(person.created_at)}</td>
      <td><Tag look={person.state === "active" ? "ok" : person.state === "leaving" ? "warn" : "plain"}>{t(`personState.${person.state}`)}</Tag>{person.state === "leaving" && person.deletes_at && <small>{date(person.deletes_at)}</small>}</td>
      <td>{!own && <PersonMenu person={person} />}</td>
    </tr>
  );
}
