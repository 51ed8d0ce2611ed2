// Lines to blocks. Every line changes only the open end of the tree (the specification's two-phase parsing strategy), so a text
// can be read line by line as it arrives. Closed blocks never change their structure again.
import { Definitions, leadingDefinitions } from "./definitions.ts";
import { Line } from "./line.ts";
import { Bookmark, type Kind, Node } from "./node.ts";
import { atxHeading, closesFence, htmlEnds, htmlStart, isRule, listMarker, openingFence, setextLevel } from "./starts.ts";
import { delimiterRow, splitRow } from "./table.ts";

/** Containers nest no deeper; further markers are text. Keeps a line of a thousand ">" from nesting a thousand elements. */
const DEEPEST = 60;

export class BlockParser {
  readonly root = new Node("root", null, 0);
  readonly definitions = new Definitions();
  /** Nodes closed from now on are settled: set while complete lines are read. */
  settling = true;
  private number = 0;
  private tip = this.root;

  /** Remembers the present state. The function returned brings it back, once. */
  mark(): () => void {
    const { number, tip } = this;
    const bookmark = new Bookmark(this.root);
    const definitions = this.definitions.count;
    return () => {
      bookmark.restore();
      this.definitions.truncate(definitions);
      this.number = number;
      this.tip = tip;
    };
  }

  /** Reads one line (without its ending). */
  line(text: string): void {
    this.number++;
    const line = new Line(text);
    let container = this.root;
    for (let child = container.last; child?.open; child = container.last) {
      const goesOn = this.continues(child, line);
      if (goesOn === "ended") return;
      if (!goesOn) break;
      container = child;
    }
    const matched = container;
    // Code and raw HTML take every line as it is.
    if (matched.kind !== "code" && matched.kind !== "html") {
      for (;;) {
        const started: Node | null = this.start(container, matched, line);
        if (!started) break;
        container = started;
        if (!container.holdsBlocks && container.kind !== "list") break;
      }
    }
    this.content(container, matched, line);
  }

  /** Closes everything, as at the end of the text. */
  finish(): void {
    while (this.tip !== this.root) this.close(this.tip);
  }

  private continues(node: Node, line: Line): boolean | "ended" {
    const { indent, blank } = line;
    switch (node.kind) {
      case "quote":
        if (indent > 3 || !line.word.startsWith(">")) return false;
        this.quoteMarker(line);
        node.end = this.number;
        return true;
      case "item":
        if (blank && node.children.length === 0) return false;
        if (!blank && indent < (node.marker?.width ?? 0)) return false;
        if (blank) line.skipBlanks();
        else line.skipColumns(node.marker?.width ?? 0);
        return true;
      case "code":
        if (!node.fence) {
          if (!blank && indent < 4) return false;
          if (blank && indent < 4) line.skipBlanks();
          else line.skipColumns(4);
          return true;
        }
        node.end = this.number;
        if (indent <= 3 && closesFence(line.word, node.fence)) {
          this.closeTo(node);
          this.close(node);
          return "ended";
        }
        line.skipColumns(Math.min(indent, node.fence.indent));
        return true;
      case "html":
        return !(blank && node.html >= 6);
      case "paragraph":
      case "table":
        return !blank;
      case "list":
        return true;
      default:
        return false;
    }
  }

  private quoteMarker(line: Line): void {
    line.skipBlanks();
    line.skip(1);
    if (line.indent > 0) line.skipColumns(1);
  }

  /** Opens a block that starts here inside `container`, or replaces the paragraph that `container` is. */
  private start(container: Node, matched: Node, line: Line): Node | null {
    const { indent, word } = line;
    const inParagraph = container.kind === "paragraph";
    if (indent > 3) {
      if (this.tip.kind === "paragraph" || line.blank) return null;
      line.skipColumns(4);
      return this.add("code", this.parentFor(container));
    }
    const first = word.charAt(0);
    if (!/[>#`~<=:|_*+\-0-9]/.test(first)) return null;
    const deep = container.depth >= DEEPEST;
    if (first === ">" && !deep) {
      this.quoteMarker(line);
      return this.add("quote", this.parentFor(container));
    }
    const heading = atxHeading(word);
    if (heading) return this.heading(this.parentFor(container), heading.level, [heading.text], line);
    const fence = openingFence(word, indent);
    if (fence) {
      const node = this.add("code", this.parentFor(container));
      node.fence = fence.fence;
      node.info = fence.info;
      line.skipRest();
      return node;
    }
    const html = htmlStart(word, inParagraph || (matched !== this.tip && this.tip.kind === "paragraph"));
    if (html) {
      const node = this.add("html", this.parentFor(container));
      node.html = html;
      return node;
    }
    if (inParagraph) {
      const replaced = this.underline(container, line);
      if (replaced) return replaced;
    }
    if (isRule(word)) {
      line.skipRest();
      return this.add("rule", this.parentFor(container));
    }
    const marker = deep ? null : listMarker(line, inParagraph);
    if (marker) {
      const parent = container.kind === "list" ? container : this.parentFor(container);
      const same = parent.kind === "list" && parent.marker?.sign === marker.sign;
      const list = same ? parent : this.add("list", this.parentFor(parent));
      list.marker ??= marker;
      const item = this.add("item", list);
      item.marker = marker;
      return item;
    }
    return null;
  }

  /** A line under a paragraph that makes it a heading or, together with its last line, the head of a table. */
  private underline(paragraph: Node, line: Line): Node | null {
    const parent = paragraph.parent;
    if (!parent) return null;
    const level = setextLevel(line.word);
    if (level > 0) {
      this.takeDefinitions(paragraph);
      // Only definitions above: there is nothing to underline, and the line may start something else.
      if (paragraph.lines.length === 0) return null;
      parent.children.pop();
      this.tip = parent;
      return this.heading(parent, level, paragraph.lines, line, paragraph.start);
    }
    const align = /^-[ \t]/.test(line.word) ? null : delimiterRow(line.word);
    const head = paragraph.lines.at(-1);
    if (!align || head === undefined || splitRow(head).length !== align.length) return null;
    paragraph.lines = paragraph.lines.slice(0, -1);
    if (paragraph.lines.length === 0) {
      parent.children.pop();
      this.tip = parent;
    } else {
      paragraph.end = this.number - 2;
      this.close(paragraph);
    }
    const table = this.add("table", parent, this.number - 1);
    table.align = align;
    this.row(table, head);
    line.skipRest();
    return table;
  }

  private heading(parent: Node, level: number, lines: string[], line: Line, start = this.number): Node {
    const node = this.add("heading", parent, start);
    node.level = level;
    node.lines = lines;
    line.skipRest();
    return node;
  }

  private paragraph(parent: Node, line: Line): Node {
    const node = this.add("paragraph", parent);
    node.lines.push(line.word);
    line.skipRest();
    return node;
  }

  private row(table: Node, text: string): void {
    const row = new Node("row", table, this.number);
    row.lines = [text];
    row.open = false;
    row.settled = this.settling;
    table.children.push(row);
  }

  /** Puts what is left of the line where it belongs. */
  private content(container: Node, matched: Node, line: Line): void {
    const { blank } = line;
    const lazy = matched !== this.tip && container === matched && this.tip.kind === "paragraph" && !blank;
    if (lazy) {
      this.tip.lines.push(line.word);
      this.keep(this.tip);
      return;
    }
    this.closeTo(container);
    switch (container.kind) {
      case "code":
        // The line that opened a fence has nothing of the code.
        if (container.fence && container.start === this.number) return;
        container.lines.push(line.rest());
        if (container.fence || !blank) container.end = this.number;
        return;
      case "html":
        container.lines.push(line.rest());
        container.end = this.number;
        if (htmlEnds(container.html, line.rest())) this.close(container);
        return;
      case "table":
        container.end = this.number;
        if (line.at < line.text.length) this.row(container, line.word);
        return;
      case "paragraph":
        if (blank) return;
        container.lines.push(line.word);
        this.keep(container);
        return;
      case "heading":
      case "rule":
        this.close(container);
        return;
      default:
        if (!blank) this.paragraph(this.parentFor(container), line);
    }
  }

  private keep(paragraph: Node): void {
    // A lazy line belongs to the quotes around its paragraph.
    for (let node: Node | null = paragraph; node; node = node.parent) node.end = this.number;
  }

  private parentFor(container: Node): Node {
    let node = container;
    while (!node.holdsBlocks && node.parent) node = node.parent;
    return node;
  }

  private add(kind: Kind, parent: Node, start = this.number): Node {
    this.closeTo(parent);
    const node = new Node(kind, parent, start);
    node.end = this.number;
    parent.children.push(node);
    this.tip = node;
    return node;
  }

  /** Closes everything inside `node`. */
  private closeTo(node: Node): void {
    while (this.tip !== node && this.tip.depth > node.depth) this.close(this.tip);
  }

  private close(node: Node): void {
    node.open = false;
    node.settled = this.settling;
    this.tip = node.parent ?? this.root;
    if (node.kind !== "paragraph") return;
    this.takeDefinitions(node);
    if (node.lines.length === 0) node.parent?.children.pop();
  }

  private takeDefinitions(paragraph: Node): void {
    if (!paragraph.lines[0]?.startsWith("[")) return;
    const source = paragraph.lines.join("\n");
    const { definitions, rest } = leadingDefinitions(source);
    if (rest === 0) return;
    for (const definition of definitions) this.definitions.add(definition);
    const left = source.slice(rest);
    paragraph.lines = left.trim() === "" ? [] : left.split("\n");
  }
}
