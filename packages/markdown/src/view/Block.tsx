// One block to elements. Blocks are memoised by the identity of their frozen value: while text arrives only the last one renders.
import { memo, useContext } from "react";
import { type Block as BlockTree, type ListItem, plainText } from "../tree.ts";
import { Code } from "./Code.tsx";
import { Caret, inlineContent } from "./Inline.tsx";
import { LabelsContext } from "./labels.ts";
import type { HeadingTag } from "./outline.ts";
import { shown } from "./Shown.tsx";
import { Table } from "./Table.tsx";

interface Props {
  block: BlockTree;
  /** Whether text is still arriving at the end of this block. */
  caret: boolean;
  /** Element of a heading. Headings inside quotes and lists look like headings but are no part of the page's outline. */
  tag?: HeadingTag | null;
}

function BlockView({ block, caret, tag }: Props) {
  switch (block.kind) {
    case "paragraph":
      return (
        <p dir="auto">
          {inlineContent(block.inline)}
          {caret && <Caret />}
        </p>
      );
    case "heading": {
      const Tag = tag ?? "p";
      return (
        <Tag className={`md-h${block.level}`} dir="auto">
          {inlineContent(block.inline)}
          {caret && <Caret />}
        </Tag>
      );
    }
    case "rule":
      return <hr className="md-rule" />;
    case "html":
      return (
        <p className="md-html" dir="auto">
          {shown(block.text, true)}
          {caret && <Caret />}
        </p>
      );
    case "code":
      return <Code block={block} caret={caret} />;
    case "quote":
      return (
        <blockquote className="md-quote" dir="auto">
          <Blocks blocks={block.children} caret={caret} />
        </blockquote>
      );
    case "table":
      return <Table block={block} caret={caret} />;
    case "list":
      return <List block={block} caret={caret} />;
  }
}

export const Block = memo(BlockView);

/** Blocks inside a container. */
function Blocks({ blocks, caret }: { blocks: readonly BlockTree[]; caret: boolean }) {
  return blocks.map((block, i) => <Block key={i} block={block} caret={caret && i === blocks.length - 1} />);
}

function List({ block, caret }: { block: Extract<BlockTree, { kind: "list" }>; caret: boolean }) {
  const items = block.items.map((item, i) => (
    <Item key={i} item={item} tight={block.tight} caret={caret && i === block.items.length - 1} />
  ));
  if (block.start === null) {
    return (
      <ul className="md-list" dir="auto">
        {items}
      </ul>
    );
  }
  // Numbers of three and more digits need a wider margin than the text of a list has.
  const digits = String(block.start + block.items.length - 1).length;
  return (
    <ol className={`md-list md-digits-${Math.min(Math.max(digits, 2), 9)}`} start={block.start === 1 ? undefined : block.start} dir="auto">
      {items}
    </ol>
  );
}

const Item = memo(function Item({ item, tight, caret }: { item: ListItem; tight: boolean; caret: boolean }) {
  const { children, done } = item;
  const content = children.map((child, i) => {
    const last = caret && i === children.length - 1;
    if (!tight || child.kind !== "paragraph") return <Block key={i} block={child} caret={last} />;
    return (
      <span className="md-tight" key={i}>
        {inlineContent(child.inline)}
        {last && <Caret />}
      </span>
    );
  });
  if (done === null) {
    return (
      <li>
        {content}
        {caret && children.length === 0 && <Caret />}
      </li>
    );
  }
  return (
    <li className="md-task">
      <TaskBox item={item} />
      {content}
    </li>
  );
});

function TaskBox({ item }: { item: ListItem }) {
  const labels = useContext(LabelsContext);
  const first = item.children[0];
  const words = first?.kind === "paragraph" ? plainText(first.inline).slice(0, 80) : "";
  const name = `${item.done ? labels.taskDone : labels.taskOpen}: ${words}`;
  return <input type="checkbox" className="md-box" checked={item.done === true} readOnly disabled aria-label={name} />;
}
