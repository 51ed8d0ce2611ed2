// All data of a person as one file, made by the server while they go on.
import type { Export } from "@taifas/api-client/shapes";
import { Button } from "@taifas/ui-components/Button";
import { ErrorLine } from "@taifas/ui-components/ErrorLine";
import { useQuery } from "@tanstack/react-query";
import { account } from "../../api/account";
import { queryClient } from "../../api/queryClient";
import { useWork } from "../../api/useWork";
import { readLocal, writeLocal } from "../../stores/localData";
import { bytes, dateTime } from "../../texts/format";
import { t } from "../../texts/t";
import { Row } from "./parts";

/** Which export this browser asked for last, so that it is found again after a reload. */
const KEY = "taifas.export";
const POLL_MS = 2_000;
const QUERY = ["export"];

function ended(state: Export["state"]): boolean {
  return state === "ready" || state === "failed";
}

export function ExportRow() {
  const work = useWork();
  const { data } = useQuery({
    queryKey: QUERY,
    queryFn: async () => {
      const id = readLocal(KEY);
      return id === null ? null : account.exportState(id).catch(() => null);
    },
    refetchInterval: (query) => (query.state.data && !ended(query.state.data.state) ? POLL_MS : false),
  });
  const start = (): void => void work.run(async () => {
    const made = await account.startExport();
    writeLocal(KEY, made.id);
    queryClient.setQueryData(QUERY, made);
    await queryClient.invalidateQueries({ queryKey: QUERY });
  });
  const running = data ? !ended(data.state) : false;
  return (
    <Row label={t("settings.export")} hint={<span role="status"><ExportHint made={data ?? null} /><ErrorLine text={work.error} /></span>} data-testid="export">
      {data?.state === "ready" && <a className="btn sm p" href={`/api/v1/exports/${data.id}/file`} download data-testid="export-file">{t("settings.exportGet")}</a>}
      <Button size="sm" onClick={start} disabledReason={running || work.working ? t("settings.exportRuns") : null}>{t("settings.exportDo")}</Button>
    </Row>
  );
}

function ExportHint({ made }: { made: Export | null }) {
  if (made === null) return t("settings.exportHint");
  if (made.state === "failed") return t("settings.exportFailed");
  if (made.state !== "ready") return t("settings.exportRuns");
  return t("settings.exportReady", { size: made.size ? bytes(made.size) : "", until: made.expires_at ? dateTime(made.expires_at) : "" });
}
