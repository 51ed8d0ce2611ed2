// What can be done with a chat; opened from its row and from the header of the open one.
import type { Chat } from "@taifas/api-client/types";
import { Menu, MenuItem, MenuSeparator, SubMenu } from "@taifas/ui-components/Menu";
import { Archive, ArchiveRestore, Check, Folder, FolderInput, FolderPlus, GitBranch, MessageCircle, Pencil, Pin, PinOff, Trash2 } from "lucide-react";
import type { RefObject } from "react";
import { useProjects } from "../../api/lists";
import { askProject } from "../../stores/dialogs";
import { t } from "../../texts/t";
import { archiveChat, deleteChat, moveChat, pinChat } from "./chatActions";

interface Props {
  chat: Chat;
  anchor: RefObject<HTMLElement | null>;
  onClose: () => void;
  onRename: () => void;
  /** It left the list; `onBack` when an undo brought it back. */
  onGone: () => void;
  onBack: () => void;
  onTree?: () => void;
}

export function ChatMenu({ chat, anchor, onClose, onRename, onGone, onBack, onTree }: Props) {
  const { data: projects = [] } = useProjects();
  const then = (work: () => void) => () => {
    onClose();
    work();
  };
  const title = chat.title || t("sidebar.untitled");
  return (
    <Menu anchor={anchor} open onClose={onClose} label={t("sidebar.more", { title })} place={onTree ? "below-end" : "below-start"} className="chat-menu">
      <MenuItem icon={<Pencil className="i" />} data-testid="chat-rename" onSelect={then(onRename)}>{t("chat.rename")}</MenuItem>
      <SubMenu icon={<FolderInput className="i" />} label={t("chat.move")} data-testid="chat-move">
        {projects.map((project) => (
          <MenuItem
            key={project.id}
            icon={<Folder className={`i pc-${project.color}`} />}
            checked={chat.project_id === project.id}
            chosenIcon={<Check className="i end" />}
            onSelect={then(() => void moveChat(chat, project))}
          >
            {project.name}
          </MenuItem>
        ))}
        {chat.project_id && (
          <MenuItem icon={<MessageCircle className="i" />} data-testid="move-out" onSelect={then(() => void moveChat(chat, null))}>{t("chat.moveOut")}</MenuItem>
        )}
        {(projects.length > 0 || chat.project_id) && <MenuSeparator />}
        <MenuItem icon={<FolderPlus className="i" />} data-testid="move-new" onSelect={then(() => askProject(null, chat))}>{t("project.new")}</MenuItem>
      </SubMenu>
      <MenuItem icon={chat.pinned ? <PinOff className="i" /> : <Pin className="i" />} data-testid="chat-pin" onSelect={then(() => void pinChat(chat, !chat.pinned))}>
        {t(chat.pinned ? "chat.unpin" : "chat.pin")}
      </MenuItem>
      {onTree && <MenuItem icon={<GitBranch className="i" />} data-testid="chat-tree" onSelect={then(onTree)}>{t("tree.open")}</MenuItem>}
      {chat.archived ? (
        <MenuItem icon={<ArchiveRestore className="i" />} data-testid="chat-unarchive" onSelect={then(() => void archiveChat(chat, false, onBack))}>{t("chat.unarchive")}</MenuItem>
      ) : (
        <MenuItem icon={<Archive className="i" />} data-testid="chat-archive" onSelect={then(() => { onGone(); void archiveChat(chat, true, onBack); })}>{t("chat.archive")}</MenuItem>
      )}
      <MenuSeparator />
      <MenuItem icon={<Trash2 className="i" />} danger data-testid="chat-delete" onSelect={then(() => { onGone(); void deleteChat(chat, onBack); })}>{t("chat.delete")}</MenuItem>
    </Menu>
  );
}
