// Text as it is, with the characters that silently reorder it made visible: they can make code, names and addresses read as
// something else.
import type { ReactNode } from "react";

const REORDERING = /([\u202a-\u202e\u2066-\u2069])/;
// Marks that right-to-left prose needs, but that only deceive in code and addresses.
const ALL = /([\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069])/;

/** `strict` shows direction marks as well; for code and for the words of links. */
export function shown(text: string, strict: boolean): ReactNode {
  const parts = text.split(strict ? ALL : REORDERING);
  if (parts.length === 1) return text;
  return parts.map((part, i) =>
    i % 2 === 0 ? (
      part
    ) : (
      <span className="md-control" key={i}>
        U+{part.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}
      </span>
    ),
  );
}
