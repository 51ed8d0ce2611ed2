// The sidebar: brand, new chat, the chats, the person. Wide, as a rail, or as a drawer over the page.
import type { User } from "@taifas/api-client/types";
import { IconButton } from "@taifas/ui-components/IconButton";
import { Logo, Mark } from "@taifas/ui-components/Logo";
import { PanelLeft, SquarePen } from "lucide-react";
import type { ReactNode } from "react";
import { Link, useLocation } from "wouter";
import { closeDrawer, toggleSidebar } from "../../stores/frame";
import { t } from "../../texts/t";
import { ChatList } from "./ChatList";
import { ProfileMenu } from "./ProfileMenu";

const NEW_CHAT_KEYS = /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘⇧O" : "Ctrl+Shift+O";

interface Props {
  user: User | null;
  chatId: string | null;
  /** The notices, beside the person. */
  bell: ReactNode;
}

export function Sidebar({ user, chatId, bell }: Props) {
  const [, navigate] = useLocation();
  const newChat = (): void => {
    closeDrawer();
    navigate("/");
    document.querySelector<HTMLTextAreaElement>("[data-testid=composer-input]")?.focus();
  };
  return (
    <nav className="side" aria-label={t("sidebar.label")} data-testid="sidebar">
      <div className="side-top">
        <Link className="brand" href="/" aria-label={t("app.home")}><Logo /></Link>
        <IconButton label={t("sidebar.close")} data-testid="sidebar-toggle" onClick={toggleSidebar}><PanelLeft className="i" /></IconButton>
        <IconButton className="rail-open" label={t("sidebar.open")} data-testid="sidebar-open" onClick={toggleSidebar}>
          <Mark /><PanelLeft className="i" />
        </IconButton>
      </div>
      <button type="button" className="row" title={NEW_CHAT_KEYS} data-testid="new-chat" onClick={newChat}>
        <SquarePen className="i" />
        <span className="grow">{t("sidebar.newChat")}</span>
        <kbd aria-hidden="true">{NEW_CHAT_KEYS}</kbd>
      </button>
      <div className="side-scroll"><ChatList openId={chatId} /></div>
      <div className="side-foot"><ProfileMenu user={user} />{bell}</div>
    </nav>
  );
}
