// The lines of tables: cells and the row of dashes under the head.
import type { Align } from "../tree.ts";

/** The cells of a row. A pipe after a backslash belongs to its cell, even inside code. */
export function splitRow(line: string): string[] {
  const row = line.trim();
  const cells: string[] = [];
  let cell = "";
  for (let i = row.startsWith("|") ? 1 : 0; i < row.length; i++) {
    const character = row.charAt(i);
    if (character === "\\" && row.charAt(i + 1) === "|") {
      cell += "|";
      i++;
    } else if (character === "\\") {
      cell += character + row.charAt(i + 1);
      i++;
    } else if (character === "|") {
      cells.push(cell.trim());
      cell = "";
      if (i === row.length - 1) return cells;
    } else {
      cell += character;
    }
  }
  cells.push(cell.trim());
  return cells;
}

/** The alignments a row of dashes gives, or `null` if it is none. A row without pipe and colon underlines a heading. */
export function delimiterRow(line: string): Align[] | null {
  if (!/[|:]/.test(line) || !/^[\s|:-]*$/.test(line) || !line.includes("-")) return null;
  const align: Align[] = [];
  for (const cell of splitRow(line)) {
    const match = /^(:?)-+(:?)$/.exec(cell);
    if (!match) return null;
    align.push(match[1] ? (match[2] ? "center" : "left") : match[2] ? "right" : null);
  }
  return align;
}
