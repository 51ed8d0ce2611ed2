// State of a menu and its button, apart from the menu itself: buttons are there at once, menus come when they are opened.
import { useCallback, useRef, useState } from "react";

/** The press that dismissed a menu must not open it again: both come from one click on its button. */
const SAME_PRESS_MS = 250;

/** State of one menu and its button: `toggle` belongs to the button's onClick. */
export function useMenu() {
  const anchor = useRef<HTMLButtonElement>(null);
  const [open, setOpen] = useState(false);
  const closedAt = useRef(-SAME_PRESS_MS);
  const close = useCallback(() => {
    closedAt.current = performance.now();
    setOpen(false);
  }, []);
  const toggle = useCallback(() => {
    setOpen((was) => !was && performance.now() - closedAt.current >= SAME_PRESS_MS);
  }, []);
  return { anchor, open, close, toggle };
}
