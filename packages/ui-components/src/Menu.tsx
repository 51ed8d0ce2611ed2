// A menu on the browser's own popover layer: light dismiss, Esc and stacking come from the platform; this adds
// placing, arrow keys, first-letter search and the return of focus.
import { useLayoutEffect, useRef, useState, type KeyboardEvent, type ReactNode, type RefObject } from "react";

export { useMenu } from "./useMenu";

interface MenuProps {
  /** The button it belongs to; the menu is placed beside it and gives focus back to it. */
  anchor: RefObject<HTMLElement | null>;
  open: boolean;
  onClose: () => void;
  label: string;
  /** Which edges meet: below the start, below the end, above the start of the anchor, or beside it. */
  place?: "below-start" | "below-end" | "above-start" | "beside";
  className?: string;
  children: ReactNode;
}

const GAP = 4;
const EDGE = 8;

export function Menu(props: MenuProps) {
  return props.open ? <OpenMenu {...props} /> : null;
}

function OpenMenu({ anchor, onClose, label, place = "below-start", className = "", children }: MenuProps) {
  const ref = useRef<HTMLDivElement>(null);
  const typed = useRef({ text: "", at: 0 });
  const close = useRef(onClose);
  close.current = onClose;

  useLayoutEffect(() => {
    const menu = ref.current;
    const button = anchor.current;
    if (!menu || !button) return;
    menu.showPopover();
    position(menu, button, place);
    (menu.querySelector<HTMLElement>("[aria-checked=true]") ?? items(menu)[0])?.focus({ preventScroll: true });
    const onToggle = (event: Event): void => {
      if ((event as ToggleEvent).newState === "closed") close.current();
    };
    menu.addEventListener("toggle", onToggle);
    return () => menu.removeEventListener("toggle", onToggle);
  }, [anchor, place]);

  // Before the menu leaves the page: whoever looks after the choice finds the focus where it belongs.
  useLayoutEffect(() => {
    const button = anchor.current;
    const menu = ref.current;
    return () => {
      // Only if focus went nowhere else: a click on a field keeps its focus.
      const active = document.activeElement;
      if (!active || active === document.body || menu?.contains(active)) button?.focus({ preventScroll: true });
    };
  }, [anchor]);

  const onKeyDown = (event: KeyboardEvent): void => {
    const menu = ref.current;
    if (!menu) return;
    const all = items(menu);
    const at = all.indexOf(document.activeElement as HTMLElement);
    const go = (to: number): void => {
      event.preventDefault();
      all[(to + all.length) % all.length]?.focus();
    };
    if (event.key === "ArrowDown") go(at + 1);
    else if (event.key === "ArrowUp") go(at < 0 ? all.length - 1 : at - 1);
    else if (event.key === "Home") go(0);
    else if (event.key === "End") go(all.length - 1);
    else if (event.key === "Tab" || (event.key === "ArrowLeft" && place === "beside")) { event.preventDefault(); onClose(); }
    else if (event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const now = event.timeStamp;
      typed.current = { text: (now - typed.current.at < 600 ? typed.current.text : "") + event.key.toLowerCase(), at: now };
      const hit = all.find((item) => (item.textContent ?? "").trim().toLowerCase().startsWith(typed.current.text));
      if (hit) go(all.indexOf(hit));
    }
    event.stopPropagation();
  };

  return (
    <div ref={ref} popover="auto" role="menu" aria-label={label} className={`menu ${className}`} onKeyDown={onKeyDown}>
      {children}
    </div>
  );
}

function items(menu: HTMLElement): HTMLElement[] {
  const own = (item: HTMLElement): boolean => item.closest("[role=menu]") === menu;
  return [...menu.querySelectorAll<HTMLElement>("button:not([aria-disabled=true])")].filter(own);
}

function position(menu: HTMLElement, button: HTMLElement, place: NonNullable<MenuProps["place"]>): void {
  const from = button.getBoundingClientRect();
  const size = { width: menu.offsetWidth, height: menu.offsetHeight };
  if (place === "beside") {
    const fits = from.right + GAP + size.width <= innerWidth - EDGE;
    const side = fits ? from.right + GAP : Math.max(EDGE, from.left - GAP - size.width);
    menu.style.left = `${Math.round(Math.min(side, innerWidth - size.width - EDGE))}px`;
    menu.style.top = `${Math.round(Math.max(EDGE, Math.min(from.top - 6, innerHeight - size.height - EDGE)))}px`;
    return;
  }
  const left = place === "below-end" ? from.right - size.width : from.left;
  const below = from.bottom + GAP;
  const above = from.top - GAP - size.height;
  const wantsAbove = place === "above-start" || (below + size.height > innerHeight - EDGE && above >= EDGE);
  const top = wantsAbove ? above : below;
  menu.style.left = `${Math.round(Math.max(EDGE, Math.min(left, innerWidth - size.width - EDGE)))}px`;
  menu.style.top = `${Math.round(Math.max(EDGE, Math.min(top, innerHeight - size.height - EDGE)))}px`;
}

interface ItemProps {
  icon?: ReactNode;
  /** Set for items of which one is chosen; shows `chosenIcon`. */
  checked?: boolean;
  chosenIcon?: ReactNode;
  danger?: boolean;
  className?: string;
  onSelect: () => void;
  children: ReactNode;
  "data-testid"?: string;
}

export function MenuItem({ icon, checked, chosenIcon, danger, className = "", onSelect, children, ...rest }: ItemProps) {
  return (
    <button
      type="button"
      role={checked === undefined ? "menuitem" : "menuitemradio"}
      aria-checked={checked}
      tabIndex={-1}
      className={`mi ${danger ? "d" : ""} ${className}`}
      data-testid={rest["data-testid"]}
      onClick={onSelect}
    >
      {icon}
      <span>{children}</span>
      {checked ? chosenIcon : null}
    </button>
  );
}

/** An item that opens a menu of its own beside it: → opens, ← and Esc close. `children` are that menu's items. */
export function SubMenu({ icon, label, children, ...rest }: { icon?: ReactNode; label: string; children: ReactNode; "data-testid"?: string }) {
  const [open, setOpen] = useState(false);
  const anchor = useRef<HTMLButtonElement>(null);
  return (
    <div
      onKeyDown={(event) => {
        if (!open && event.key === "ArrowRight") { event.stopPropagation(); setOpen(true); }
      }}
    >
      <button
        ref={anchor} type="button" role="menuitem" tabIndex={-1} className="mi" aria-haspopup="menu" aria-expanded={open}
        data-testid={rest["data-testid"]} onClick={() => setOpen(!open)}
      >
        {icon}
        <span>{label}</span>
        <svg className="i sm" viewBox="0 0 24 24" aria-hidden="true"><path d="m9 18 6-6-6-6" /></svg>
      </button>
      {open && <OpenMenu anchor={anchor} open onClose={() => setOpen(false)} label={label} place="beside">{children}</OpenMenu>}
    </div>
  );
}

export function MenuSeparator() {
  return <div className="sep" role="separator" />;
}
