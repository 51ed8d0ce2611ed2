// A block while it is being read. Nodes are mutable; what leaves the parser are the frozen values of tree.ts made from them.
import { type Align, type Block, type Cells, type ListItem, PAGE } from "../tree.ts";

export type Kind = "root" | "quote" | "list" | "item" | "paragraph" | "heading" | "rule" | "code" | "html" | "table" | "row";

/** What makes two list markers those of one list. */
export interface Marker {
  /** The bullet, or the character after the number. */
  readonly sign: string;
  /** First number, `null` for bullets. */
  readonly start: number | null;
  /** Columns from the start of the item's line to its content. */
  readonly width: number;
}

export interface Fence {
  readonly character: string;
  readonly length: number;
  readonly indent: number;
}

export class Node {
  open = true;
  /** Closed by complete lines: only a new meaning of a label can still change what it shows. */
  settled = false;
  children: Node[] = [];
  lines: string[] = [];
  /** Number of the last line that belongs to it, containers by their last child. */
  end: number;

  level = 0;
  info = "";
  marker: Marker | null = null;
  fence: Fence | null = null;
  /** Which of the seven kinds of HTML block. */
  html = 0;
  align: readonly Align[] = [];

  /** The finished value, once settled. */
  view: Block | null = null;
  item: ListItem | null = null;
  cells: Cells | null = null;
  pages: (readonly string[])[] = [];

  readonly kind: Kind;
  readonly parent: Node | null;
  readonly start: number;
  readonly depth: number;

  constructor(kind: Kind, parent: Node | null, line: number) {
    this.kind = kind;
    this.parent = parent;
    this.start = this.end = line;
    this.depth = parent ? parent.depth + 1 : 0;
  }

  get last(): Node | undefined {
    return this.children.at(-1);
  }

  /** Number of its last line. An item ends with its content, whatever blank lines follow. */
  get lastLine(): number {
    if (this.kind !== "item" && this.kind !== "list") return this.end;
    return this.last?.lastLine ?? this.start;
  }

  /** Whether it holds blocks (a list holds only items). */
  get holdsBlocks(): boolean {
    return this.kind === "root" || this.kind === "quote" || this.kind === "item";
  }
}

/** The open nodes and what is needed to take back everything a line does to them. */
export class Bookmark {
  private readonly saved: (() => void)[] = [];

  constructor(root: Node) {
    for (let node: Node | undefined = root; node?.open; node = node.last) this.saved.push(bookmark(node));
  }

  restore(): void {
    for (const back of this.saved) back();
  }
}

function bookmark(node: Node): () => void {
  const { children, lines, end, last } = node;
  const childCount = children.length;
  const lineCount = lines.length;
  return () => {
    children.length = childCount;
    if (last) children[childCount - 1] = last;
    lines.length = lineCount;
    node.children = children;
    node.lines = lines;
    node.end = end;
    node.open = true;
    // A page may have been filled by the lines taken back.
    node.pages = node.pages.slice(0, Math.floor(lineCount / PAGE));
  };
}
