// Tables: they scroll inside their own frame when they are wider than the column, and the keyboard reaches that frame.
import { memo, useContext } from "react";
import { type Align, type Block, type Cells, plainText } from "../tree.ts";
import { Caret, inlineContent } from "./Inline.tsx";
import { LabelsContext } from "./labels.ts";

type TableBlock = Extract<Block, { kind: "table" }>;

const FIGURE = /^[^\p{L}\p{N}]{0,3}\d[\d\s.,:'’–-]*(?:%|‰|[\p{L}\p{Sc}°]{1,4})?[^\p{L}\p{N}]{0,2}$/u;

/** Class of each column. Without a given alignment the first row decides whether a column holds figures, so that it never changes. */
function columnClasses(align: readonly Align[], first: Cells | undefined): string {
  return align.map((side, i) => (side ? `md-${side}` : first?.[i] && FIGURE.test(plainText(first[i]).trim()) ? "md-figure" : "")).join(" ");
}

/** `classes` is one string so that equal columns are equal to memo. */
const Row = memo(function Row({ cells, classes, head, caret }: { cells: Cells; classes: string; head: boolean; caret: boolean }) {
  const names = classes.split(" ");
  const last = cells.findLastIndex((cell) => cell.length > 0);
  return (
    <tr>
      {cells.map((cell, i) => {
        const name = names[i] || undefined;
        const content = (
          <>
            {inlineContent(cell)}
            {caret && i === Math.max(0, last) && <Caret />}
          </>
        );
        return head ? (
          <th key={i} className={name} scope="col">
            {content}
          </th>
        ) : (
          <td key={i} className={name}>
            {content}
          </td>
        );
      })}
    </tr>
  );
});

export function Table({ block, caret }: { block: TableBlock; caret: boolean }) {
  const labels = useContext(LabelsContext);
  const classes = columnClasses(block.align, block.rows[0]);
  return (
    <div className="md-table" tabIndex={0} role="group" aria-label={labels.table} dir="auto">
      <table>
        <thead>
          <Row cells={block.head} classes={classes} head caret={caret && block.rows.length === 0} />
        </thead>
        {block.rows.length > 0 && (
          <tbody>
            {block.rows.map((cells, i) => (
              <Row key={i} cells={cells} classes={classes} head={false} caret={caret && i === block.rows.length - 1} />
            ))}
          </tbody>
        )}
      </table>
    </div>
  );
}
