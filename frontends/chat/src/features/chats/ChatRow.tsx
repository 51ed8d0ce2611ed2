// One chat in a list: its title, what happens in it, and its menu. It can be carried onto a project.
import type { Chat } from "@taifas/api-client/types";
import { IconButton } from "@taifas/ui-components/IconButton";
import { useMenu } from "@taifas/ui-components/useMenu";
import { Ellipsis } from "lucide-react";
import { memo, useEffect, useRef, useState, type KeyboardEvent } from "react";
import { Link, useLocation } from "wouter";
import { closeDrawer } from "../../stores/frame";
import { t } from "../../texts/t";
import { beginDrag } from "./carried";
import { renameChat } from "./chatActions";
import { ChatMenu } from "./parts";
import { useTypedTitle } from "./useTypedTitle";

interface Props {
  chat: Chat;
  open: boolean;
}

export const ChatRow = memo(function ChatRow({ chat, open }: Props) {
  const [, navigate] = useLocation();
  const [renaming, setRenaming] = useState(false);
  const menu = useMenu();
  const row = useRef<HTMLLIElement>(null);
  const title = chat.title || t("sidebar.untitled");
  const shown = useTypedTitle(chat.id, title);
  const isNew = chat.unread && !chat.running && !open;
  const path = `/c/${chat.id}`;

  if (renaming) {
    const end = (wanted: string | null): void => {
      setRenaming(false);
      const text = wanted?.trim() ?? "";
      if (text !== "" && text !== chat.title) void renameChat(chat, text);
      requestAnimationFrame(() => row.current?.querySelector("a")?.focus());
    };
    return <li ref={row} className="row chat-row"><RenameField title={chat.title} onEnd={end} /></li>;
  }

  const gone = (): void => {
    // The notice with its Undo stands behind the drawer.
    closeDrawer();
    const neighbour = (row.current?.nextElementSibling ?? row.current?.previousElementSibling)?.querySelector("a");
    if (open) navigate("/");
    neighbour?.focus();
  };

  return (
    <li
      ref={row}
      className={`row chat-row ${open ? "on" : ""} ${isNew ? "unread" : ""}`}
      data-testid="chat-row"
      data-chat-id={chat.id}
      draggable
      onDragStart={(event) => beginDrag(event, chat)}
    >
      <Link href={path} onClick={closeDrawer} aria-current={open ? "page" : undefined} title={title.length > 28 ? title : undefined} draggable={false}>
        <span>{shown}</span>
        {isNew && <span className="sr">{t("sidebar.unread")}</span>}
      </Link>
      <div className="end">
        {chat.running && <span className="run" role="img" aria-label={t("sidebar.running")} data-testid="running" />}
        {isNew && <span className="dot" aria-hidden="true" data-testid="unread" />}
        <IconButton
          ref={menu.anchor}
          size="xs"
          label={t("sidebar.more", { title })}
          aria-haspopup="menu"
          aria-expanded={menu.open}
          data-testid="chat-menu"
          onClick={menu.toggle}
        >
          <Ellipsis className="i sm" />
        </IconButton>
      </div>
      {menu.open && (
        <ChatMenu
          chat={chat}
          anchor={menu.anchor}
          onClose={menu.close}
          onRename={() => setRenaming(true)}
          onGone={gone}
          onBack={() => open && navigate(path)}
        />
      )}
    </li>
  );
});

/** Enter or leaving saves, Esc gives up, an empty title changes nothing. */
function RenameField({ title, onEnd }: { title: string; onEnd: (title: string | null) => void }) {
  const field = useRef<HTMLInputElement>(null);
  const ended = useRef(false);
  const end = (wanted: string | null): void => {
    if (ended.current) return;
    ended.current = true;
    onEnd(wanted);
  };
  useEffect(() => {
    // The menu that opened this gives its focus back first.
    const timer = setTimeout(() => field.current?.select(), 0);
    return () => clearTimeout(timer);
  }, []);
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>): void => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter") end(event.currentTarget.value);
    if (event.key === "Escape") end(null);
    event.stopPropagation();
  };
  return (
    <input
      ref={field}
      defaultValue={title}
      maxLength={200}
      aria-label={t("chat.renameLabel")}
      data-testid="rename-input"
      onKeyDown={onKeyDown}
      onBlur={(event) => end(event.currentTarget.value)}
    />
  );
}
