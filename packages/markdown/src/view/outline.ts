// Heading levels for assistive technology. A message is a part of a page that has headings of its own, and models begin with any
// level and skip some, so the written level decides only the look: in the page the first heading of a message gets the level
// the application gives, and deeper ones follow without gaps.
import type { Block } from "../tree.ts";

export type HeadingTag = "h1" | "h2" | "h3" | "h4" | "h5" | "h6";

const TAGS: readonly HeadingTag[] = ["h1", "h2", "h3", "h4", "h5", "h6"];

/** For each block its heading element, `null` for other blocks. Depends only on the blocks before, so it never changes later. */
export function headingTags(blocks: readonly Block[], top: number): (HeadingTag | null)[] {
  const above: number[] = [];
  return blocks.map((block) => {
    if (block.kind !== "heading") return null;
    while (above.length > 0 && (above.at(-1) ?? 0) >= block.level) above.pop();
    above.push(block.level);
    return TAGS[Math.min(top + above.length - 2, 5)] ?? "h6";
  });
}
