// The settings, over whatever is open: tabs at the left, changes in force at once. The tab stands in the address.
import type { Permission } from "@taifas/api-client/shapes";
import { Dialog } from "@taifas/ui-components/Dialog";
import "@taifas/ui-components/dialogs.css";
import { IconButton } from "@taifas/ui-components/IconButton";
import { Bell, ChartColumn, CircleUser, Database, KeyRound, MessageSquareText, Settings2, Shield, X } from "lucide-react";
import { useEffect, useRef, type ComponentType } from "react";
import { standing } from "../../api/account";
import { clearHash, settingsAddress } from "../../stores/hash";
import { t, type TextId } from "../../texts/t";
import { DataTab } from "./DataTab";
import { GeneralTab } from "./GeneralTab";
import { InstructionsTab } from "./InstructionsTab";
import { KeysTab } from "./KeysTab";
import { NotificationsTab } from "./NotificationsTab";
import { ProfileTab } from "./ProfileTab";
import { SecurityTab } from "./SecurityTab";
import { UsageTab } from "./UsageTab";

interface Tab {
  id: string;
  title: TextId;
  Icon: typeof Bell;
  Body: ComponentType;
  needs?: Permission;
}

const TABS: Tab[] = [
  { id: "general", title: "settings.general", Icon: Settings2, Body: GeneralTab },
  { id: "profile", title: "settings.profile", Icon: CircleUser, Body: ProfileTab },
  { id: "instructions", title: "settings.instructions", Icon: MessageSquareText, Body: InstructionsTab },
  { id: "notifications", title: "settings.notifications", Icon: Bell, Body: NotificationsTab },
  { id: "security", title: "settings.security", Icon: Shield, Body: SecurityTab },
  { id: "keys", title: "settings.keys", Icon: KeyRound, Body: KeysTab, needs: "keys:manage" },
  { id: "data", title: "settings.data", Icon: Database, Body: DataTab },
  { id: "usage", title: "settings.usage", Icon: ChartColumn, Body: UsageTab, needs: "usage:read" },
];

/** `hash`: the part of the address after #, such as `#settings/profile`. */
export function SettingsDialog({ hash }: { hash: string }) {
  const permissions = standing()?.user?.permissions;
  const tabs = TABS.filter((tab) => !tab.needs || !permissions || permissions.includes(tab.needs));
  const open = tabs.find((tab) => tab.id === hash.split("/")[1]) ?? tabs[0];
  const body = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLElement>(null);
  useEffect(() => list.current?.querySelector<HTMLElement>("[aria-current]")?.focus({ preventScroll: true }), []);
  useEffect(() => {
    body.current?.scrollTo(0, 0);
    list.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [open?.id]);
  if (!open) return null;
  return (
    <Dialog label={t("settings.title")} size="sheet" onClose={clearHash} data-testid="settings">
      <nav className="set-tabs" aria-label={t("settings.tabs")} ref={list}>
        {tabs.map(({ id, title, Icon }) => (
          <a key={id} className={id === open.id ? "row on" : "row"} href={settingsAddress(id)} aria-current={id === open.id ? "page" : undefined} data-testid={`tab-${id}`}>
            <Icon className="i" /><span className="grow">{t(title)}</span>
          </a>
        ))}
      </nav>
      <div className="set-body" ref={body} tabIndex={-1} key={open.id}>
        <div className="set-top">
          <h2>{t(open.title)}</h2>
          <IconButton className="close" label={t("close")} onClick={clearHash}><X className="i" /></IconButton>
        </div>
        <open.Body />
      </div>
    </Dialog>
  );
}
