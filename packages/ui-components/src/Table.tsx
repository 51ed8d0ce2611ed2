// A table that scrolls by itself when it is wider than its place.
import type { ReactNode } from "react";

export interface Column {
  key: string;
  head: string;
  /** Figures stand right. */
  figures?: boolean;
  /** The head is for readers only. */
  quiet?: boolean;
}

interface Props {
  label: string;
  columns: readonly Column[];
  children: ReactNode;
}

export function Table({ label, columns, children }: Props) {
  return (
    <div className="dt-scroll" tabIndex={0} role="region" aria-label={label}>
      <table className="dt">
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.key} scope="col" className={column.figures ? "num" : undefined}>
                {column.quiet ? <span className="sr">{column.head}</span> : column.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
