// The line above the thread: the model, and what can be done with the open chat, or with the one that is to begin.
import type { Chat, Model } from "@taifas/api-client/types";
import { IconButton } from "@taifas/ui-components/IconButton";
import { useMenu } from "@taifas/ui-components/useMenu";
import { Ellipsis, Menu as MenuIcon, MessageCircleDashed, SquarePen } from "lucide-react";
import { useEffect } from "react";
import { useLocation } from "wouter";
import { deleteChat } from "../features/chats/chatActions";
import { ChatMenu } from "../features/chats/parts";
import { ModelPicker } from "../features/models/ModelPicker";
import { ToastHost } from "../features/toasts/ToastHost";
import { openDialog } from "../stores/dialogs";
import { toggleSidebar } from "../stores/frame";
import { setTemporary } from "../stores/temporary";
import { t } from "../texts/t";
import { chatPath } from "./routes";

interface Props {
  models: Model[] | null;
  model: Model | null;
  onModel: (id: string) => void;
  chat: Chat | null;
  /** The empty page, where a chat can be made one that leaves nothing. */
  empty: boolean;
  line: boolean;
  onTree: () => void;
}

export function ChatHeader({ models, model, onModel, chat, empty, line, onTree }: Props) {
  const [, navigate] = useLocation();
  const menu = useMenu();
  useEffect(() => {
    if (!chat) return;
    const remove = (): void => {
      navigate("/");
      void deleteChat(chat, () => navigate(chatPath(chat.id)));
    };
    document.addEventListener("taifas:delete", remove);
    return () => document.removeEventListener("taifas:delete", remove);
  }, [chat, navigate]);
  return (
    <header className={line ? "head line" : "head"}>
      <IconButton className="only-m" label={t("sidebar.open")} data-testid="drawer-open" onClick={toggleSidebar}><MenuIcon className="i lg" /></IconButton>
      <ModelPicker models={models} chosen={model} onChoose={onModel} />
      <span className="sp" />
      {empty ? (
        <IconButton label={t("temporary.start")} data-testid="temporary-start" onClick={() => setTemporary(true)}><MessageCircleDashed className="i" /></IconButton>
      ) : (
        <>
          {chat && (
            <IconButton ref={menu.anchor} label={t("chat.more")} aria-haspopup="menu" aria-expanded={menu.open} data-testid="header-menu" onClick={menu.toggle}>
              <Ellipsis className="i" />
            </IconButton>
          )}
          <IconButton className="only-m" label={t("sidebar.newChat")} onClick={() => navigate("/")}><SquarePen className="i lg" /></IconButton>
        </>
      )}
      {chat && menu.open && (
        <ChatMenu
          chat={chat}
          anchor={menu.anchor}
          onClose={menu.close}
          onRename={() => openDialog({ kind: "rename", chat })}
          onGone={() => navigate("/")}
          onBack={() => navigate(chatPath(chat.id))}
          onTree={onTree}
        />
      )}
      <ToastHost />
    </header>
  );
}
