// Pictures of a message; one opens large on a press.
import type { StoredFile } from "@taifas/api-client/types";
import { useState } from "react";
import { fileAddress } from "../../stores/attachments";
import { t } from "../../texts/t";
import { Lightbox } from "./Lightbox";

const LARGEST_PX = 320;

export function Pictures({ files }: { files: readonly StoredFile[] }) {
  const [open, setOpen] = useState<StoredFile | null>(null);
  if (files.length === 0) return null;
  return (
    <div className="pictures">
      {files.map((file) => {
        const scale = Math.min(1, LARGEST_PX / Math.max(file.width ?? LARGEST_PX, file.height ?? LARGEST_PX));
        return (
          <button key={file.id} type="button" aria-label={t("picture.open", { name: file.name })} data-testid="picture" onClick={() => setOpen(file)}>
            <img
              src={fileAddress(file.id)} alt={file.name} loading="lazy" decoding="async"
              width={file.width ? Math.round(file.width * scale) : undefined} height={file.height ? Math.round(file.height * scale) : undefined}
            />
          </button>
        );
      })}
      {open && <Lightbox src={fileAddress(open.id)} name={open.name} onClose={() => setOpen(null)} />}
    </div>
  );
}
