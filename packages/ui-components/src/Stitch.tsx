// The dashed line with a reason: every place where an answer was cut, stopped or joined.
import type { ReactNode } from "react";

interface Props {
  icon: ReactNode;
  /** `warn` for a cut nobody wanted. */
  look?: "quiet" | "warn";
  children: ReactNode;
}

export function Stitch({ icon, look = "quiet", children }: Props) {
  return (
    <div className={look === "warn" ? "stitch w" : "stitch"}>
      {icon}
      <span>{children}</span>
    </div>
  );
}
