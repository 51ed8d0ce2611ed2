// One picture, as large as the window.
import { IconButton } from "@taifas/ui-components/IconButton";
import { X } from "lucide-react";
import { useLayoutEffect, useRef } from "react";
import { t } from "../../texts/t";

export function Lightbox({ src, name, onClose }: { src: string; name: string; onClose: () => void }) {
  const ref = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog ref={ref} className="lightbox" aria-label={name} data-testid="lightbox" onCancel={(event) => { event.preventDefault(); onClose(); }} onClick={onClose}>
      <img src={src} alt={name} />
      <IconButton label={t("composer.dismiss")} onClick={onClose}><X className="i" /></IconButton>
    </dialog>
  );
}
