// A word about a state; its colour only repeats what the word says.
import type { ReactNode } from "react";

export function Tag({ look = "plain", children }: { look?: "plain" | "info" | "ok" | "warn" | "danger"; children: ReactNode }) {
  return <span className={`tag ${look}`}>{children}</span>;
}
