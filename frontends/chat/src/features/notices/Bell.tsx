// The bell at the foot of the sidebar: a dot while something is unread, and the latest notices.
import type { Notice } from "@taifas/api-client/shapes";
import "@taifas/ui-components/dialogs.css";
import { IconButton } from "@taifas/ui-components/IconButton";
import { Menu, MenuItem, MenuSeparator, useMenu } from "@taifas/ui-components/Menu";
import { Bell as BellIcon, CheckCheck, Settings2 } from "lucide-react";
import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { useLocation } from "wouter";
import { account, accountKeys } from "../../api/account";
import { queryClient } from "../../api/queryClient";
import { closeDrawer } from "../../stores/frame";
import { ago } from "../../texts/format";
import { t } from "../../texts/t";
import { targetOf, textOf, titleOf } from "./words";

const SHOWN = 20;
/** Where no live hint comes through, notices are at most this old. */
const POLL_MS = 60_000;

export function Bell() {
  const menu = useMenu();
  const [, navigate] = useLocation();
  const { data, error } = useQuery({ queryKey: accountKeys.notices, queryFn: () => account.notices(SHOWN, null), refetchInterval: POLL_MS, retry: false });
  const unread = data?.unread ?? 0;
  const notices = data?.notices ?? [];
  const seen = notices.filter((notice) => !notice.read_at).map((notice) => notice.id).join(" ");

  // Seen is read; the drops stay until the list is closed.
  const { open } = menu;
  useEffect(() => {
    if (!open || seen === "") return;
    void account.readNotices(seen.split(" ")).catch(() => null);
    return () => void queryClient.invalidateQueries({ queryKey: accountKeys.notices });
  }, [open, seen]);

  const go = (notice: Notice): void => {
    menu.close();
    closeDrawer();
    const target = targetOf(notice);
    if (target?.startsWith("#")) location.hash = target.slice(1);
    else if (target) navigate(target);
  };
  const readAll = (): void => {
    menu.close();
    void account.readNotices("all").then(() => queryClient.invalidateQueries({ queryKey: accountKeys.notices })).catch(() => null);
  };
  // Without an answer there is nothing to ring for.
  if (error && !data) return null;
  return (
    <>
      <IconButton
        ref={menu.anchor}
        className="bell"
        label={unread > 0 ? t("notices.bell", { count: unread }) : t("notices.title")}
        aria-haspopup="menu"
        aria-expanded={menu.open}
        data-testid="bell"
        data-unread={unread}
        onClick={menu.toggle}
      >
        <BellIcon className="i" />
        {unread > 0 && <span className="dot" aria-hidden="true" />}
      </IconButton>
      <Menu anchor={menu.anchor} open={menu.open} onClose={menu.close} label={t("notices.title")} place="above-start" className="notices">
        <div className="lbl" aria-hidden="true">{t("notices.title")}</div>
        {notices.length === 0 && <div className="who">{t("notices.empty")}</div>}
        {notices.map((notice) => (
          <MenuItem key={notice.id} className="mo notice" data-testid="notice" icon={<span className={notice.read_at ? "drop" : "drop dot"} />} onSelect={() => go(notice)}>
            <b>{!notice.read_at && <span className="sr">{t("notices.unread")}: </span>}{titleOf(notice)}</b>
            <small>{textOf(notice)}</small>
            <small className="meta">{ago(notice.at)}</small>
          </MenuItem>
        ))}
        <MenuSeparator />
        {unread > notices.length && <MenuItem icon={<CheckCheck className="i" />} onSelect={readAll}>{t("notices.readAll")}</MenuItem>}
        <MenuItem icon={<Settings2 className="i" />} onSelect={() => { menu.close(); closeDrawer(); location.hash = "settings/notifications"; }}>{t("notices.settings")}</MenuItem>
      </Menu>
    </>
  );
}
