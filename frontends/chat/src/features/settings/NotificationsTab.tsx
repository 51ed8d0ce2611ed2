// Of what a person wants to be told, here and by e-mail.
import { ApiError } from "@taifas/api-client/apiError";
import { NOTICE_KINDS, type NoticeKind, type NoticePreferences } from "@taifas/api-client/shapes";
import { ErrorLine } from "@taifas/ui-components/ErrorLine";
import { Switch } from "@taifas/ui-components/Switch";
import { Table } from "@taifas/ui-components/Table";
import { useQuery } from "@tanstack/react-query";
import { account, accountKeys, standing } from "../../api/account";
import { queryClient } from "../../api/queryClient";
import { errorText } from "../../api/useWork";
import { t } from "../../texts/t";
import { save, useSaved } from "./saved";

type Way = "app" | "mail";

async function store(kind: NoticeKind, way: Way, on: boolean): Promise<void> {
  const known = queryClient.getQueryData<NoticePreferences>(accountKeys.noticePreferences) ?? (await account.noticePreferences());
  const put = (from: NoticePreferences): Promise<NoticePreferences> =>
    account.setNoticePreferences({ version: from.version, kinds: { ...from.kinds, [kind]: { ...from.kinds[kind], [way]: on } } });
  let kept: NoticePreferences;
  try {
    kept = await put(known);
  } catch (error) {
    const current = error instanceof ApiError && error.code === "stale" ? (error.extras["current"] as NoticePreferences | undefined) : undefined;
    if (!current) throw error;
    kept = await put(current);
  }
  queryClient.setQueryData<NoticePreferences>(accountKeys.noticePreferences, kept);
}

export function NotificationsTab() {
  const { data, error } = useQuery({ queryKey: accountKeys.noticePreferences, queryFn: account.noticePreferences });
  const state = useSaved("notifications");
  const noMail = standing()?.mail === true ? null : t("settings.noMail");
  if (error && !data) return <ErrorLine text={errorText(error)} />;
  if (!data) return null;
  const change = (kind: NoticeKind, way: Way) => (on: boolean) => void save("notifications", () => store(kind, way, on));
  return (
    <>
      <p className="lead">{t("settings.notificationsLead")}</p>
      {noMail && <p className="lead">{noMail}</p>}
      <Table
        label={t("settings.notifications")}
        columns={[{ key: "kind", head: t("settings.noticeKind") }, { key: "app", head: t("settings.inApp") }, { key: "mail", head: t("settings.byMail") }]}
      >
        {NOTICE_KINDS.map((kind) => {
          const ways = data.kinds[kind];
          if (!ways) return null;
          const name = t(`noticeKind.${kind}`);
          return (
            <tr key={kind}>
              <td><b>{name}</b><small>{t(`noticeKindHint.${kind}`)}</small></td>
              <td><Switch label={`${name}: ${t("settings.inApp")}`} on={ways.app} onChange={change(kind, "app")} data-testid={`notice-${kind}-app`} /></td>
              <td><Switch label={`${name}: ${t("settings.byMail")}`} on={ways.mail && noMail === null} disabledReason={noMail} onChange={change(kind, "mail")} /></td>
            </tr>
          );
        })}
      </Table>
      <p role="status" className="hint">{state.saved ? t("settings.saved") : ""}</p>
      {state.error && <ErrorLine text={state.error} />}
    </>
  );
}
