// The one dialog that may be open over the app.
import { useEffect, useRef } from "react";
import { useLocation } from "wouter";
import { useStore } from "zustand";
import { closeDialog, dialogs } from "../stores/dialogs";
import { setDraft, NEW_CHAT } from "../stores/drafts";
import { goTo } from "../stores/jump";
import { Palette, ProjectDialog, RenameDialog, ShortcutsDialog, TreeDialog } from "./dialogParts";
import { chatPath } from "./routes";

export function Dialogs() {
  const { open } = useStore(dialogs);
  const [path, navigate] = useLocation();
  const shownOn = useRef(path);
  useEffect(() => {
    // Not at first: what is open then was opened while this was on its way.
    if (shownOn.current !== path) closeDialog();
    shownOn.current = path;
  }, [path]);
  switch (open?.kind) {
    case "palette":
      return (
        <Palette
          onClose={closeDialog}
          onNew={(text) => {
            if (text !== "") setDraft(NEW_CHAT, text);
            navigate("/");
            requestAnimationFrame(() => document.querySelector<HTMLElement>("[data-testid=composer-input]")?.focus());
          }}
          onOpen={(chatId, messageId) => {
            if (messageId !== null) goTo(chatId, messageId);
            navigate(chatPath(chatId));
          }}
        />
      );
    case "shortcuts":
      return <ShortcutsDialog onClose={closeDialog} />;
    case "project":
      return <ProjectDialog project={open.project} chat={open.chat} onClose={closeDialog} />;
    case "rename":
      return <RenameDialog chat={open.chat} onClose={closeDialog} />;
    case "tree":
      return <TreeDialog chatId={open.chatId} onClose={closeDialog} onShown={(messageId) => goTo(open.chatId, messageId)} />;
    case undefined:
      return null;
  }
}
