// The Markdown of a message as React elements. Text may grow while it is shown; only what is new is read and rendered. No HTML
// text is ever made or set, so nothing in a message can become a live element that this package does not build itself.
import { useMemo, useState } from "react";
import { createDocument } from "./document.ts";
import { Block } from "./view/Block.tsx";
import { ENGLISH, type Labels, LabelsContext } from "./view/labels.ts";
import { headingTags } from "./view/outline.ts";

export type { Labels } from "./view/labels.ts";

export interface MarkdownProps {
  /** The whole source so far. */
  text: string;
  /** Text is still arriving: a caret stands after the last character, and unfinished markers at the end are shown as they will be. */
  streaming?: boolean;
  /** Words in the reader's language; English where left out. */
  labels?: Partial<Labels>;
  /** Heading level (1 to 6) that the first heading of the message gets. The page should have one above it. */
  topHeading?: number;
}

export function Markdown({ text, streaming = false, labels, topHeading = 3 }: MarkdownProps) {
  // The document is a cache: it follows the text whatever order renders come in, and a render thrown away does no harm.
  const [document] = useState(() => createDocument());
  document.replace(text, streaming);
  const { blocks } = document;
  const tags = headingTags(blocks, topHeading);
  return (
    <LabelsContext value={useLabels(labels)}>
      <div className="md">
        {blocks.map((block, i) => (
          <Block key={i} block={block} tag={tags[i] ?? null} caret={streaming && i === blocks.length - 1} />
        ))}
      </div>
    </LabelsContext>
  );
}

/** The same object as long as the words are the same, so that a fresh object per render does not render every code block. */
function useLabels(given: Partial<Labels> | undefined): Labels {
  const { copy, copied, copyFailed, code, table, image, taskDone, taskOpen } = { ...ENGLISH, ...given };
  return useMemo(
    () => ({ copy, copied, copyFailed, code, table, image, taskDone, taskOpen }),
    [copy, copied, copyFailed, code, table, image, taskDone, taskOpen],
  );
}
