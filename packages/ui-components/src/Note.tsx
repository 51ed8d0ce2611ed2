// A box in the page that says what happened, what is safe and what to do.
import type { ReactNode } from "react";

interface Props {
  icon: ReactNode;
  look?: "danger" | "warn" | "info";
  title: string;
  children?: ReactNode;
  /** Buttons. */
  actions?: ReactNode;
  "data-testid"?: string;
}

const LOOK = { danger: "note", warn: "note w", info: "note o" };

export function Note({ icon, look = "danger", title, children, actions, ...rest }: Props) {
  return (
    <div className={LOOK[look]} role={look === "danger" ? "alert" : "note"} data-testid={rest["data-testid"]}>
      {icon}
      <div>
        <strong>{title}</strong>
        {children !== undefined && <p>{children}</p>}
        {actions !== undefined && <div className="choices">{actions}</div>}
      </div>
    </div>
  );
}
