// Keys that work everywhere: new chat, sidebar, and typing that finds its way into the composer.
import { useEffect } from "react";
import { useLocation } from "wouter";
import { closeDrawer, toggleSidebar } from "../stores/frame";
import { toasts } from "../stores/toasts";

function composer(): HTMLTextAreaElement | null {
  return document.querySelector<HTMLTextAreaElement>("[data-testid=composer-input]");
}

function isTextField(element: Element | null): element is HTMLInputElement | HTMLTextAreaElement {
  return element instanceof HTMLTextAreaElement || element instanceof HTMLInputElement;
}

export function useShortcuts(): void {
  const [, navigate] = useLocation();
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.isComposing) return;
      const command = event.ctrlKey || event.metaKey;
      if (command && event.shiftKey && event.code === "KeyO") {
        event.preventDefault();
        navigate("/");
        requestAnimationFrame(() => composer()?.focus());
      } else if (command && event.shiftKey && event.code === "KeyS") {
        event.preventDefault();
        toggleSidebar();
      } else if (event.shiftKey && event.key === "Escape") {
        event.preventDefault();
        composer()?.focus();
      } else if (event.key === "Escape") {
        closeDrawer();
      } else if (command && !event.shiftKey && event.code === "KeyZ") {
        undo(event);
      } else if (event.key.length === 1 && event.key !== " " && !command && !event.altKey) {
        // The key itself lands in the field because the focus moves before it is typed.
        const active = document.activeElement;
        if (active === null || active === document.body) composer()?.focus();
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
