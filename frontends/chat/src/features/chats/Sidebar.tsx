// The sidebar: brand, new chat, search, the chats, the person. Wide, as a rail, or as a drawer over the page.
import type { User } from "@taifas/api-client/types";
import { IconButton } from "@taifas/ui-components/IconButton";
import { Logo, Mark } from "@taifas/ui-components/Logo";
import { PanelLeft, Search, SquarePen } from "lucide-react";
import type { ReactNode } from "react";
import { Link, useLocation } from "wouter";
import { openDialog } from "../../stores/dialogs";
import { closeDrawer, toggleSidebar } from "../../stores/frame";
import { COMMAND, SHIFT_COMMAND } from "../../stores/keyboard";
import { setTemporary } from "../../stores/temporary";
import { t } from "../../texts/t";
import { ChatList } from "./ChatList";
import { ProfileMenu } from "./parts";

interface Props {
  user: User | null;
  chatId: string | null;
  projectId: string | null;
  /** The notices, beside the person. */
  bell: ReactNode;
}

export function Sidebar({ user, chatId, projectId, bell }: Props) {
  const [path, navigate] = useLocation();
  const newChat = (): void => {
    closeDrawer();
    setTemporary(false);
    navigate("/");
    document.querySelector<HTMLTextAreaElement>("[data-testid=composer-input]")?.focus();
  };
  const search = (): void => {
    closeDrawer();
    openDialog({ kind: "palette" });
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
      <button type="button" className="row" title={`${SHIFT_COMMAND}O`} data-testid="new-chat" onClick={newChat}>
        <SquarePen className="i" />
        <span className="grow">{t("sidebar.newChat")}</span>
        <kbd aria-hidden="true">{SHIFT_COMMAND}O</kbd>
      </button>
      <button type="button" className="row" title={`${COMMAND}K`} data-testid="search" onClick={search}>
        <Search className="i" />
        <span className="grow">{t("sidebar.search")}</span>
        <kbd aria-hidden="true">{COMMAND}K</kbd>
      </button>
      <div className="side-scroll"><ChatList openId={chatId} openProject={projectId} path={path} /></div>
      <div className="side-foot"><ProfileMenu user={user} />{bell}</div>
    </nav>
  );
}
