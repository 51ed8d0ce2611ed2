// What was typed into the static page before the app was ready becomes the draft, with focus and caret.
import { NEW_CHAT, setDraft } from "../stores/drafts";
import { adopted } from "../stores/adopted";
import { chatIdOf } from "./routes";

declare global {
  interface Window {
    /** Set by the inline script when Enter was pressed in the static text field. */
    __send?: boolean;
  }
}

export function adoptTyping(): void {
  const field = document.querySelector<HTMLTextAreaElement>("#root textarea");
  if (!field || document.documentElement.dataset["session"] !== "in") return;
  setDraft(chatIdOf(location.pathname) ?? NEW_CHAT, field.value);
  const focused = document.activeElement === field;
  adopted.focus = focused ? { start: field.selectionStart, end: field.selectionEnd } : null;
  adopted.send = window.__send === true;
}
