// A chat carried with the mouse from one list to another.
import type { Chat } from "@taifas/api-client/types";
import { useState, type DragEvent } from "react";

const TYPE = "application/x-taifas-chat";
let carried: Chat | null = null;

export function beginDrag(event: DragEvent, chat: Chat): void {
  carried = chat;
  event.dataTransfer.setData(TYPE, chat.id);
  event.dataTransfer.setData("text/uri-list", `${location.origin}/c/${chat.id}`);
  event.dataTransfer.effectAllowed = "copyMove";
}

/** For the place a chat can be put down at. */
export function useDrop(accepts: (chat: Chat) => boolean, onDrop: (chat: Chat) => void) {
  const [over, setOver] = useState(false);
  const fits = (event: DragEvent): Chat | null =>
    event.dataTransfer.types.includes(TYPE) && carried && accepts(carried) ? carried : null;
  return {
    over,
    target: {
      onDragOver: (event: DragEvent): void => {
        if (!fits(event)) return;
        event.preventDefault();
        event.dataTransfer.dropEffect = "move";
        setOver(true);
      },
      onDragLeave: (): void => setOver(false),
      onDrop: (event: DragEvent): void => {
        const chat = fits(event);
        setOver(false);
        carried = null;
        if (!chat) return;
        event.preventDefault();
        onDrop(chat);
      },
    },
  };
}
