// Keys that work everywhere, and typing that finds its way into the composer.
import { useEffect } from "react";
import { useLocation } from "wouter";
import { openDialog } from "../stores/dialogs";
import { closeDrawer, toggleSidebar } from "../stores/frame";
import { setTemporary } from "../stores/temporary";
import { toasts } from "../stores/toasts";

const find = (id: string): HTMLElement | null => document.querySelector<HTMLElement>(`[data-testid=${id}]`);
const lastOf = (selector: string): HTMLElement | null => [...document.querySelectorAll<HTMLElement>(selector)].at(-1) ?? null;

function isTextField(element: Element | null): element is HTMLInputElement | HTMLTextAreaElement {
  return element instanceof HTMLTextAreaElement || element instanceof HTMLInputElement;
}

/** With Ctrl/⌘ and Shift, by the key's place. */
const SHIFTED: Record<string, (navigate: (to: string) => void) => void> = {
  KeyO: (navigate) => {
    setTemporary(false);
    navigate("/");
    requestAnimationFrame(() => find("composer-input")?.focus());
  },
  KeyS: toggleSidebar,
  KeyC: () => lastOf("[data-testid=reply] [data-testid=copy]")?.click(),
  Semicolon: () => lastOf("[data-testid=reply] .md-copy")?.click(),
  Backspace: () => document.dispatchEvent(new Event("taifas:delete")),
};

/** With Ctrl/⌘ alone. */
const PLAIN: Record<string, () => void> = {
  k: () => openDialog({ kind: "palette" }),
  u: () => window.dispatchEvent(new Event("taifas:attach")),
  "/": () => openDialog({ kind: "shortcuts" }),
};

export function useShortcuts(): void {
  const [, navigate] = useLocation();
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.isComposing) return;
      const command = event.ctrlKey || event.metaKey;
      const shifted = command && event.shiftKey ? SHIFTED[event.code] : undefined;
      const plain = command && !event.altKey ? PLAIN[event.key.toLowerCase()] : undefined;
      // A dialog has the keyboard to itself.
      if (document.querySelector("dialog[open]")) return;
      if (shifted) {
        event.preventDefault();
        shifted(navigate);
      } else if (plain) {
        event.preventDefault();
        plain();
      } else if (event.shiftKey && event.key === "Escape") {
        event.preventDefault();
        find("composer-input")?.focus();
      } else if (event.key === "Escape") {
        closeDrawer();
      } else if (command && !event.shiftKey && event.code === "KeyZ") {
        undo(event);
      } else if (event.key.length === 1 && event.key !== " " && !command && !event.altKey) {
        // The key itself lands in the field because the focus moves before it is typed.
        const active = document.activeElement;
        if (active === null || active === document.body) find("composer-input")?.focus();
      }
    };
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, [navigate]);
}

/** Takes back what the toast is about, unless the person is editing text: then the key belongs to the text. */
function undo(event: KeyboardEvent): void {
  const { toast } = toasts.getState();
  const active = document.activeElement;
  if (!toast?.undo || (isTextField(active) && active.value !== "")) return;
  event.preventDefault();
  toast.undo();
}
