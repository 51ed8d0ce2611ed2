// Running text to elements.
import { Fragment, type ReactNode } from "react";
import { type Inline, plainText } from "../tree.ts";
import { ImageChip, Link } from "./Link.tsx";
import { shown } from "./Shown.tsx";

/** Deeper markup keeps its words but gets no more elements: nobody writes it, and layout grows slow with depth. */
const DEEPEST = 24;

/** The drop after the last character while text still arrives. Takes no room, so nothing moves when it goes. */
export function Caret() {
  return <span className="md-caret" aria-hidden="true" />;
}

function piece(part: Inline, inLink: boolean, depth: number): ReactNode {
  switch (part.kind) {
    case "text":
      return shown(part.text, inLink);
    case "code":
      return <code className="md-inline-code">{shown(part.text, true)}</code>;
    case "html":
      return shown(part.text, true);
    case "break":
      return <br />;
    case "image":
      return <ImageChip href={part.href} alt={part.alt} inLink={inLink} />;
    case "link":
      return (
        <Link href={part.href} words={plainText(part.children)}>
          {inlineContent(part.children, true, depth + 1)}
        </Link>
      );
    default: {
      const children = inlineContent(part.children, inLink, depth + 1);
      if (depth > DEEPEST) return children;
      const Tag = part.kind === "emphasis" ? "em" : part.kind === "strong" ? "strong" : "del";
      return <Tag>{children}</Tag>;
    }
  }
}

export function inlineContent(parts: readonly Inline[], inLink = false, depth = 0): ReactNode {
  return parts.map((part, i) => <Fragment key={i}>{piece(part, inLink, depth)}</Fragment>);
}
