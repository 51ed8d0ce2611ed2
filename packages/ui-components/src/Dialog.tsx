// A modal on the browser's own <dialog>: the page behind is out of reach, Esc closes, focus returns to the opener.
import { useLayoutEffect, useRef, type MouseEvent, type ReactNode } from "react";

interface Props {
  label: string;
  /** `question` is 420 wide; `form` 520; `sheet` is the size of the settings and fills a small screen. */
  size?: "question" | "form" | "sheet" | "palette" | "tree";
  onClose: () => void;
  children: ReactNode;
  "data-testid"?: string;
}

export function Dialog({ label, size = "question", onClose, children, ...rest }: Props) {
  const ref = useRef<HTMLDialogElement>(null);
  const pressed = useRef(false);
  useLayoutEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    dialog?.querySelector<HTMLElement>("[data-autofocus]")?.focus();
    return () => dialog?.close();
  }, []);
  // Only a press that began and ended beside the dialog closes it: text marked past its edge does not.
  const outside = (event: MouseEvent): boolean => event.target === ref.current;
  return (
    <dialog
      ref={ref}
      className={`dlg ${size}`}
      aria-label={label}
      data-testid={rest["data-testid"]}
      onCancel={(event) => { event.preventDefault(); onClose(); }}
      onMouseDown={(event) => { pressed.current = outside(event); }}
      onClick={(event) => pressed.current && outside(event) && onClose()}
    >
      <div className="dlg-in">{children}</div>
    </dialog>
  );
}
