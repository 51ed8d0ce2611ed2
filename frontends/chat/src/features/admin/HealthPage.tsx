// How the instance is: its services, what waits, the disk, the last backup.
import type { Health } from "@taifas/api-client/shapes";
import { Button } from "@taifas/ui-components/Button";
import { Meter } from "@taifas/ui-components/Meter";
import { Note } from "@taifas/ui-components/Note";
import { Table } from "@taifas/ui-components/Table";
import { Tag } from "@taifas/ui-components/Tag";
import { useQuery } from "@tanstack/react-query";
import { RefreshCw, TriangleAlert } from "lucide-react";
import { admin, adminKeys } from "../../api/admin";
import { ago, bytes, dateTime, number } from "../../texts/format";
import { t } from "../../texts/t";
import { Head, Loaded } from "./parts";

const POLL_MS = 10_000;

export function HealthPage() {
  const query = useQuery({ queryKey: adminKeys.health, queryFn: admin.health, refetchInterval: POLL_MS });
  return (
    <>
      <Head title={t("admin.health")}><Button onClick={() => void query.refetch()}><RefreshCw className="i sm" />{t("health.again")}</Button></Head>
      <Loaded query={query}>{(health) => <Report health={health} />}</Loaded>
    </>
  );
}

function Report({ health }: { health: Health }) {
  const used = health.disk.total - health.disk.free;
  const waiting = health.lag.filter((one) => one.behind > 0 || one.buried > 0);
  return (
    <>
      {health.warnings.length > 0 && (
        <Note look="warn" icon={<TriangleAlert className="i" />} title={t("health.warnings", { count: health.warnings.length })} data-testid="warnings">
          {health.warnings.join(" ")}
        </Note>
      )}
      <div className="kpis" data-testid="health">
        <div className="kpi">{t("health.version")}<b>{health.version}</b><small>{t("health.since", { when: ago(health.started_at) })}</small></div>
        <div className="kpi">{t("health.database")}<b>{bytes(health.database.bytes)}</b><small>{t("health.wal", { size: bytes(health.database.wal_bytes) })}</small></div>
        <div className="kpi">{t("health.memory")}<b>{typeof health.memory === "number" ? bytes(health.memory) : "–"}</b></div>
        <div className="kpi">
          {t("health.disk")}<b>{bytes(health.disk.free)}</b>
          <Meter share={health.disk.total === 0 ? 0 : used / health.disk.total} label={t("health.diskUsed", { used: bytes(used), total: bytes(health.disk.total) })} />
          <small>{t("health.diskUsed", { used: bytes(used), total: bytes(health.disk.total) })}</small>
        </div>
      </div>
      <div className="panel">
        <h2>{t("health.backup")}</h2>
        <p className="lead">{health.last_backup ? dateTime(health.last_backup) : t("health.noBackup")}</p>
      </div>
      <div className="panel">
        <h2>{t("health.services")}</h2>
        <Table label={t("health.services")} columns={[{ key: "n", head: t("people.name") }, { key: "s", head: t("people.state") }]}>
          {health.services.map((service) => (
            <tr key={service.name}>
              <td><b>{service.name}</b>{service.detail && <small>{service.detail}</small>}</td>
              <td><Tag look={service.ready ? "ok" : "danger"}>{t(service.ready ? "health.ready" : "health.notReady")}</Tag></td>
            </tr>
          ))}
        </Table>
      </div>
      <div className="panel">
        <h2>{t("health.lag")}</h2>
        {waiting.length === 0
          ? <p className="empty-line">{t("health.noLag")}</p>
          : (
            <Table label={t("health.lag")} columns={[{ key: "g", head: t("health.group") }, { key: "t", head: t("health.topic") }, { key: "b", head: t("health.behind"), figures: true }, { key: "x", head: t("health.buried"), figures: true }]}>
              {waiting.map((one) => (
                <tr key={`${one.group} ${one.topic}`}><td><b>{one.group}</b></td><td>{one.topic}</td><td className="num">{number(one.behind)}</td><td className="num">{number(one.buried)}</td></tr>
              ))}
            </Table>
          )}
      </div>
    </>
  );
}
