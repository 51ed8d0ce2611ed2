// Pictures that go with the next message: taken, sent to the server while the person goes on writing, shown as tiles.
import type { StoredFile } from "@taifas/api-client/types";
import { createStore } from "zustand/vanilla";

export interface Attachment {
  /** Of this page; the server's is in `file`. */
  id: string;
  name: string;
  /** An address of this page, or of the server once the file is there. */
  url: string;
  size: number;
  /** From 0 to 1 while it is on its way. */
  progress: number;
  file: StoredFile | null;
  /** Why it could not be sent; the source is kept so that it can be tried again. */
  trouble: string | null;
  source: File | null;
}

type Attachments = Readonly<Record<string, readonly Attachment[]>>;

/** By draft: a chat's id, the empty page, a project. */
export const attachments = createStore<Attachments>(() => ({}));

const NONE: readonly Attachment[] = [];

export function attachmentsOf(all: Attachments, place: string): readonly Attachment[] {
  return all[place] ?? NONE;
}

export function setAttachments(place: string, change: (old: readonly Attachment[]) => readonly Attachment[]): void {
  const { [place]: old = NONE, ...others } = attachments.getState();
  const next = change(old);
  attachments.setState(next.length === 0 ? others : { ...others, [place]: next }, true);
}

export function fileAddress(id: string): string {
  return `/api/v1/files/${id}`;
}

/** Files of a message that came back into the field. */
export function giveBackFiles(place: string, files: readonly StoredFile[]): void {
  if (files.length === 0) return;
  setAttachments(place, (old) => [
    ...files.map((file): Attachment => ({
      id: file.id, name: file.name, url: fileAddress(file.id), size: file.size, progress: 1, file, trouble: null, source: null,
    })),
    ...old,
  ]);
}

export function dropAttachment(place: string, id: string): void {
  const gone = attachmentsOf(attachments.getState(), place).find((item) => item.id === id);
  if (gone?.url.startsWith("blob:")) URL.revokeObjectURL(gone.url);
  setAttachments(place, (old) => old.filter((item) => item.id !== id));
}
