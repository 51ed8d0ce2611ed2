// Sending pictures to the server while the message is still being written. By XMLHttpRequest, which alone tells how much
// of a body has gone.
import type { StoredFile } from "@taifas/api-client/types";
import { attachments, attachmentsOf, setAttachments, type Attachment } from "../../stores/attachments";
import { uuidv7 } from "../../stores/uuid";
import { size, t } from "../../texts/t";

export const TYPES = ["image/png", "image/jpeg", "image/webp", "image/gif"];
/** The server's limit; it says its own when it is lower. */
const LARGEST_BYTES = 20 * 1024 * 1024;
const MOST_FILES = 10;
const SILENCE_MS = 60_000;

/** Takes what it can and begins to send it; gives a sentence about what it could not. */
export function attach(place: string, files: File[]): string | null {
  const wrong = files.filter((file) => !TYPES.includes(file.type));
  const large = files.filter((file) => TYPES.includes(file.type) && file.size > LARGEST_BYTES);
  const fits = files.filter((file) => !wrong.includes(file) && !large.includes(file));
  const room = MOST_FILES - attachmentsOf(attachments.getState(), place).length;
  for (const source of fits.slice(0, Math.max(0, room))) {
    const tile: Attachment = {
      id: uuidv7(), name: source.name || t("attach.pasted"), url: URL.createObjectURL(source), size: source.size,
      progress: 0, file: null, trouble: null, source,
    };
    setAttachments(place, (old) => [...old, tile]);
    send(place, tile.id, source, tile.name);
  }
  const [first] = wrong;
  if (first) return t("attach.wrongKind", { name: first.name });
  const [big] = large;
  if (big) return t("attach.tooLarge", { name: big.name, size: size(LARGEST_BYTES) });
  return fits.length > room ? t("attach.tooMany", { count: MOST_FILES }) : null;
}

export function retryUpload(place: string, tile: Attachment): void {
  if (!tile.source) return;
  change(place, tile.id, { trouble: null, progress: 0 });
  send(place, tile.id, tile.source, tile.name);
}

function change(place: string, id: string, part: Partial<Attachment>): void {
  setAttachments(place, (old) => old.map((item) => (item.id === id ? { ...item, ...part } : item)));
}

function send(place: string, id: string, source: File, name: string): void {
  const request = new XMLHttpRequest();
  request.open("POST", `/api/v1/files?name=${encodeURIComponent(name)}`);
  request.setRequestHeader("X-CSRF", "1");
  request.setRequestHeader("Content-Type", source.type);
  request.responseType = "json";
  request.timeout = SILENCE_MS;
  const wanted = (): boolean => attachmentsOf(attachments.getState(), place).some((item) => item.id === id);
  request.upload.onprogress = (event) => {
    if (!wanted()) request.abort();
    else if (event.lengthComputable) change(place, id, { progress: event.loaded / event.total });
  };
  request.onload = () => {
    const answer = request.response as (StoredFile & { detail?: string }) | null;
    if (request.status === 201 && answer) change(place, id, { file: answer, progress: 1, size: answer.size });
    else change(place, id, { trouble: answer?.detail ?? t("attach.failed") });
  };
  request.onerror = () => change(place, id, { trouble: t("attach.failed") });
  request.ontimeout = request.onerror;
  request.send(source);
}
