// The devices a person is signed in on.
import type { Device } from "@taifas/api-client/shapes";
import { Button } from "@taifas/ui-components/Button";
import { ErrorLine } from "@taifas/ui-components/ErrorLine";
import { Tag } from "@taifas/ui-components/Tag";
import { useQuery } from "@tanstack/react-query";
import { account, accountKeys } from "../../api/account";
import { queryClient } from "../../api/queryClient";
import { errorText, useWork } from "../../api/useWork";
import { ago, dateTime } from "../../texts/format";
import { t } from "../../texts/t";
import { AskRow, ListState, Row } from "./parts";

function refresh(): Promise<void> {
  return queryClient.invalidateQueries({ queryKey: accountKeys.devices });
}

export function SecurityTab() {
  const { data, error, refetch } = useQuery({ queryKey: accountKeys.devices, queryFn: account.devices, refetchInterval: 30_000 });
  const others = (data ?? []).filter((device) => !device.current).length;
  return (
    <>
      <p className="lead">{t("settings.devicesLead")}</p>
      <div data-testid="devices">
        {data ? data.map((device) => <DeviceRow key={device.id} device={device} />) : error && <ListState error={errorText(error)} empty="" onRetry={() => void refetch()} />}
      </div>
      {others > 0 && (
        <AskRow
          label={t("settings.everywhere")}
          hint={t("settings.everywhereHint")}
          button={t("settings.signOutOthers")}
          question={t("settings.everywhereAsk", { count: others })}
          text={t("settings.everywhereText")}
          yes={t("settings.signOutOthers")}
          done={t("settings.everywhereDone")}
          work={async () => { await account.signOutEverywhere(true); await refresh(); }}
          data-testid="sign-out-everywhere"
        />
      )}
    </>
  );
}

function DeviceRow({ device }: { device: Device }) {
  const { working, error, run } = useWork();
  const end = (): void => void run(async () => { await account.endDevice(device.id); await refresh(); });
  const seen = device.online ? t("settings.deviceOnline") : t("settings.deviceSeen", { when: ago(device.seen_at) });
  return (
    <Row
      data-testid="device"
      label={<>{device.device} {device.current && <Tag look="info">{t("settings.deviceThis")}</Tag>} {device.online && !device.current && <Tag look="ok">{t("settings.online")}</Tag>}</>}
      hint={<>
        {[seen, device.address, t("settings.deviceSince", { when: dateTime(device.created_at) })].filter(Boolean).join(" · ")}
        <ErrorLine text={error} />
      </>}
    >
      {!device.current && <Button size="sm" onClick={end} disabledReason={working ? t("working") : null}>{t("settings.deviceEnd")}</Button>}
    </Row>
  );
}
