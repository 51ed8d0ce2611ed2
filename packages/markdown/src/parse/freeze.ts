// Nodes to finished values. A settled node is made once and kept; it is made again only when a label it asked for gets another
// meaning.
import { type Block, type Cells, type Inline, type ListItem, PAGE } from "../tree.ts";
import type { Definitions } from "./definitions.ts";
import { unescapeText } from "./destination.ts";
import type { Node } from "./node.ts";
import { splitRow } from "./table.ts";
import { readInline, type Segment, WINDOW } from "./windows.ts";

const TASK = /^\[([ xX])\][ \t]+(?=\S)/;

export class Freezer {
  /** Characters of running text read so far, counting every reading. */
  read = 0;
  /** The last leaf, if its text is still arriving. */
  private arriving: Node | null = null;
  /** Segments of the last long text read. One paragraph grows at a time, and a segment says itself whether it still holds. */
  private readonly segments: Segment[] = [];
  private readonly dependents = new Map<string, Set<Node>>();
  private readonly definitions: Definitions;

  constructor(definitions: Definitions) {
    this.definitions = definitions;
  }

  /** Forgets what was made with labels whose meaning has changed. */
  invalidate(labels: readonly string[]): void {
    for (const label of labels) {
      for (const leaf of this.dependents.get(label) ?? []) {
        for (let node: Node | null = leaf; node; node = node.parent) {
          node.view = null;
          node.item = null;
          node.cells = null;
        }
      }
    }
  }

  /** The blocks of a whole document. `arriving`: more text will come at its end. */
  document(root: Node, arriving: boolean): readonly Block[] {
    let leaf = root;
    while (leaf.last) leaf = leaf.last;
    this.arriving = arriving && !leaf.settled ? leaf : null;
    return this.blocks(root);
  }

  private blocks(parent: Node): readonly Block[] {
    return Object.freeze(parent.children.map((child) => this.block(child)));
  }

  private block(node: Node): Block {
    if (node.view) return node.view;
    const block = Object.freeze(this.make(node));
    if (node.settled) node.view = block;
    return block;
  }

  private make(node: Node): Block {
    switch (node.kind) {
      case "paragraph":
        return { kind: "paragraph", inline: this.inline(node, paragraphSource(node)) };
      case "heading":
        return { kind: "heading", level: node.level, inline: this.inline(node, paragraphSource(node)) };
      case "code":
        return { kind: "code", info: unescapeText(node.info), pages: pages(node) };
      case "html":
        return { kind: "html", text: node.lines.join("\n") };
      case "quote":
        return { kind: "quote", children: this.blocks(node) };
      case "list":
        return {
          kind: "list",
          start: node.marker?.start ?? null,
          tight: isTight(node),
          items: Object.freeze(node.children.map((item) => this.item(item))),
        };
      case "table": {
        const [head, ...rows] = node.children.map((row) => this.row(row, node.align.length));
        return { kind: "table", align: node.align, head: head ?? [], rows: Object.freeze(rows) };
      }
      default:
        return { kind: "rule" };
    }
  }

  private item(node: Node): ListItem {
    if (node.item) return node.item;
    const first = node.children[0];
    const task = first?.kind === "paragraph" ? TASK.exec(first.lines[0] ?? "") : null;
    const item = Object.freeze({ done: task ? task[1] !== " " : null, children: this.blocks(node) });
    if (node.settled) node.item = item;
    return item;
  }

  private row(node: Node, columns: number): Cells {
    if (node.cells) return node.cells;
    const source = splitRow(node.lines[0] ?? "").slice(0, columns);
    while (source.length < columns) source.push("");
    const cells = Object.freeze(source.map((cell) => this.inline(node, cell)));
    if (node.settled) node.cells = cells;
    return cells;
  }

  private inline(node: Node, source: string): readonly Inline[] {
    const known = source.length > WINDOW ? this.segments : [];
    const reading = readInline(source, (label) => this.definitions.find(label), known, node === this.arriving);
    this.read += reading.read;
    if (node.settled) {
      for (const label of reading.labels) {
        const set = this.dependents.get(label);
        if (set) set.add(node);
        else this.dependents.set(label, new Set([node]));
      }
    }
    return Object.freeze(reading.inline);
  }
}

function paragraphSource(node: Node): string {
  const source = node.lines.join("\n").trimEnd();
  // The box of a task is shown by its item.
  return node.kind === "paragraph" && node.parent?.kind === "item" && node.parent.children[0] === node ? source.replace(TASK, "") : source;
}

function pages(node: Node): CodePages {
  let { length } = node.lines;
  if (!node.fence) while (length > 0 && /^[ \t]*$/.test(node.lines[length - 1] ?? "")) length--;
  const full = Math.floor(length / PAGE);
  // Lines below this count were complete before: the pages they fill are the same as last time.
  const kept = node.pages.slice(0, Math.min(full, node.pages.length));
  for (let page = kept.length; page < full; page++) kept.push(Object.freeze(node.lines.slice(page * PAGE, (page + 1) * PAGE)));
  node.pages = kept;
  return Object.freeze(length > full * PAGE ? [...kept, Object.freeze(node.lines.slice(full * PAGE, length))] : kept);
}

type CodePages = readonly (readonly string[])[];

/** A list is tight when no blank line stands between its items or between the blocks of one of them. */
function isTight(list: Node): boolean {
  return list.children.every((item, i) => {
    const next = list.children[i + 1];
    if (next && next.start > item.lastLine + 1) return false;
    return item.children.every((block, j) => {
      const after = item.children[j + 1];
      return !after || after.start <= block.lastLine + 1;
    });
  });
}
