// Which dialog is open over the app; one at a time.
import type { Chat, Project } from "@taifas/api-client/types";
import { createStore } from "zustand/vanilla";

export type OpenDialog =
  | { kind: "palette" }
  | { kind: "shortcuts" }
  /** `project` null makes a new one, and moves `chat` there. */
  | { kind: "project"; project: Project | null; chat: Chat | null }
  | { kind: "rename"; chat: Chat }
  | { kind: "tree"; chatId: string };

export const dialogs = createStore<{ open: OpenDialog | null }>(() => ({ open: null }));

export function openDialog(open: OpenDialog): void {
  dialogs.setState({ open });
}

export function closeDialog(): void {
  dialogs.setState({ open: null });
}

export function askProject(project: Project | null, chat: Chat | null = null): void {
  openDialog({ kind: "project", project, chat });
}
