// Pictures for the next message: by the button, pasted, or dropped anywhere on the page.
import { IconButton } from "@taifas/ui-components/IconButton";
import { Plus, RotateCw, X } from "lucide-react";
import { useEffect, useRef, useState, type RefObject } from "react";
import { createPortal } from "react-dom";
import { useStore } from "zustand";
import { attachments, attachmentsOf, dropAttachment, type Attachment } from "../../stores/attachments";
import { COMMAND } from "../../stores/keyboard";
import { size, t } from "../../texts/t";
import { attach, retryUpload, TYPES } from "./upload";

interface Props {
  place: string;
  field: RefObject<HTMLTextAreaElement | null>;
}

export function Attach({ place, field }: Props) {
  const tiles = useStore(attachments, (all) => attachmentsOf(all, place));
  const [trouble, setTrouble] = useState<string | null>(null);
  const picker = useRef<HTMLInputElement>(null);
  const take = (files: Iterable<File>): void => setTrouble(attach(place, [...files]));
  const over = useDropAnywhere(take);

  useEffect(() => {
    setTrouble(null);
    const input = field.current;
    if (!input) return;
    const onPaste = (event: ClipboardEvent): void => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length === 0) return;
      event.preventDefault();
      setTrouble(attach(place, files));
    };
    const onAsk = (): void => picker.current?.click();
    input.addEventListener("paste", onPaste);
    window.addEventListener("taifas:attach", onAsk);
    return () => {
      input.removeEventListener("paste", onPaste);
      window.removeEventListener("taifas:attach", onAsk);
    };
  }, [field, place]);

  return (
    <>
      {tiles.length > 0 && (
        <ul className="att" aria-label={t("attach.list")}>
          {tiles.map((tile) => <Tile key={tile.id} tile={tile} place={place} />)}
        </ul>
      )}
      {trouble && (
        <p className="att-trouble" role="alert" data-testid="attach-trouble">
          <span>{trouble}</span>
          <IconButton size="xs" label={t("composer.dismiss")} onClick={() => setTrouble(null)}><X className="i sm" /></IconButton>
        </p>
      )}
      <IconButton className="attach" label={`${t("attach.button")} (${COMMAND}U)`} data-testid="attach" onClick={() => picker.current?.click()}><Plus className="i" /></IconButton>
      <input
        ref={picker} type="file" className="sr" accept={TYPES.join(",")} multiple tabIndex={-1} aria-hidden="true" data-testid="attach-input"
        onChange={(event) => {
          take(event.target.files ?? []);
          event.target.value = "";
          field.current?.focus();
        }}
      />
      {over && createPortal(<div className="drop-over" data-testid="drop-over"><div>{t("attach.drop")}<small>{t("attach.kinds")}</small></div></div>, document.body)}
    </>
  );
}

function Tile({ tile, place }: { tile: Attachment; place: string }) {
  const done = tile.file !== null;
  return (
    <li className={tile.trouble ? "tile bad" : "tile"} data-testid="tile" data-state={tile.trouble ? "failed" : done ? "ready" : "uploading"}>
      <img src={tile.url} alt="" />
      <span>
        <b title={tile.name}>{tile.name}</b>
        <small title={tile.trouble ?? undefined}>{tile.trouble ?? (done ? size(tile.size) : t("attach.progress", { percent: Math.round(tile.progress * 100) }))}</small>
      </span>
      {tile.trouble && tile.source && (
        <IconButton size="xs" label={t("retry")} data-testid="tile-retry" onClick={() => retryUpload(place, tile)}><RotateCw className="i sm" /></IconButton>
      )}
      <IconButton size="xs" label={t("attach.remove", { name: tile.name })} data-testid="tile-remove" onClick={() => dropAttachment(place, tile.id)}><X className="i sm" /></IconButton>
      {!done && !tile.trouble && (
        <i className="progress" role="progressbar" aria-label={tile.name} aria-valuenow={Math.round(tile.progress * 100)} style={{ transform: `scaleX(${tile.progress})` }} />
      )}
    </li>
  );
}

/** True while files are carried over the page. */
function useDropAnywhere(onFiles: (files: Iterable<File>) => void): boolean {
  const [over, setOver] = useState(false);
  const take = useRef(onFiles);
  take.current = onFiles;
  useEffect(() => {
    let depth = 0;
    const carries = (event: DragEvent): boolean => event.dataTransfer?.types.includes("Files") ?? false;
    const enter = (event: DragEvent): void => {
      if (!carries(event)) return;
      depth += 1;
      setOver(true);
    };
    const leave = (event: DragEvent): void => {
      if (!carries(event)) return;
      depth = Math.max(0, depth - 1);
      if (depth === 0) setOver(false);
    };
    const allow = (event: DragEvent): void => { if (carries(event)) event.preventDefault(); };
    const drop = (event: DragEvent): void => {
      if (!carries(event)) return;
      event.preventDefault();
      depth = 0;
      setOver(false);
      take.current(event.dataTransfer?.files ?? []);
    };
    window.addEventListener("dragenter", enter);
    window.addEventListener("dragleave", leave);
    window.addEventListener("dragover", allow);
    window.addEventListener("drop", drop);
    return () => {
      window.removeEventListener("dragenter", enter);
      window.removeEventListener("dragleave", leave);
      window.removeEventListener("dragover", allow);
      window.removeEventListener("drop", drop);
    };
  }, []);
  return over;
}
