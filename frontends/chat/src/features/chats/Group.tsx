// A group of the sidebar: a heading that folds it, and remembers.
import { ChevronDown } from "lucide-react";
import { useId, type HTMLAttributes, type ReactNode } from "react";
import { useStore } from "zustand";
import { groups, setOpen } from "../../stores/groups";

interface Props extends HTMLAttributes<HTMLElement> {
  /** Under which it is remembered. */
  name: string;
  label: string;
  /** Beside the heading. */
  action?: ReactNode;
  children: ReactNode;
}

export function Group({ name, label, action, children, className = "", ...rest }: Props) {
  const open = useStore(groups, (state) => state.open[name] ?? true);
  const id = useId();
  return (
    <section {...rest} className={className} aria-labelledby={id} data-group={name}>
      <h2 className="grp" id={id}>
        <button type="button" aria-expanded={open} data-testid={`group-${name}`} onClick={() => setOpen(name, !open)}>
          {label}
          <ChevronDown className={open ? "i" : "i shut"} />
        </button>
        {action}
      </h2>
      {open && children}
    </section>
  );
}
