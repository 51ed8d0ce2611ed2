// A Markdown text that grows. Complete lines are read once and for all; the unfinished last line is read on top of them and taken
// back at the next append. The blocks shown are at every moment exactly those of the text so far.
import { BlockParser } from "./parse/blocks.ts";
import { Freezer } from "./parse/freeze.ts";
import type { Block } from "./tree.ts";

/** Characters (UTF-16 code units) the document has worked on since it was made, for tests and benchmarks. */
export interface Work {
  /** Characters of lines given to the block parser, unfinished lines each time anew. */
  readonly lines: number;
  /** Characters of running text read, each reading counted. */
  readonly inline: number;
}

export interface MarkdownDocument {
  /** The whole source. */
  readonly text: string;
  /** The finished tree of the whole source. Blocks that did not change are the same objects as before. */
  readonly blocks: readonly Block[];
  /** For each block the index in `text` (UTF-16 code units) just after its last line, without the line ending. */
  readonly ends: readonly number[];
  readonly work: Work;
  /** Adds text at the end; it may stop anywhere, even within a line ending or a surrogate pair. */
  append(chunk: string): void;
  /**
   * Makes `text` the whole source. Costs only the new part if the text has grown at its end. With `arriving`, more is expected:
   * at the very end, markers whose partners have not come yet are shown as if they had. Without it the tree is exact.
   */
  replace(text: string, arriving?: boolean): void;
}

// While text arrives, a last line that is only a marker waits for its next character: a "-" under a paragraph is far more often
// the start of a list than the underline of a heading.
const MARKER_ONLY = /^[\s>]*(?:[-+*=#`~_]{1,2}|\d{1,3}[.)]?|[|:][|:\s-]{0,8})\s?$/;

class Incremental implements MarkdownDocument {
  text = "";
  blocks: readonly Block[] = [];
  private parser = new BlockParser();
  private freezer = new Freezer(this.parser.definitions);
  private arriving = false;
  private takeBack: (() => void) | null = null;
  /** Index where the unfinished line begins. */
  private from = 0;
  /** Index after each line. */
  private lineEnds: number[] = [0];
  /** Complete lines read. */
  private committed = 0;
  private lines = 0;
  private earlierInline = 0;

  get work(): Work {
    return { lines: this.lines, inline: this.earlierInline + this.freezer.read };
  }

  get ends(): readonly number[] {
    return this.parser.root.children.map((node) => this.lineEnds[node.lastLine] ?? this.text.length);
  }

  append(chunk: string): void {
    this.update(chunk, false);
  }

  replace(text: string, arriving = false): void {
    if (!text.startsWith(this.text)) this.reset();
    this.update(text.slice(this.text.length), arriving);
  }

  private update(chunk: string, arriving: boolean): void {
    if (chunk === "" && arriving === this.arriving) return;
    this.arriving = arriving;
    this.takeBack?.();
    this.lineEnds.length = Math.min(this.lineEnds.length, this.committed + 1);
    const searchFrom = this.text.endsWith("\r") ? this.text.length - 1 : this.text.length;
    this.text += chunk;
    this.commit(searchFrom);
    this.takeBack = this.parser.mark();
    this.parser.settling = false;
    // A "\r" at the very end may be half of a line ending; either way the line before it is what it is.
    const held = arriving && MARKER_ONLY.test(this.text.slice(this.from, this.from + 16));
    if (this.from < this.text.length && !held) this.read(this.text.length - (this.text.endsWith("\r") ? 1 : 0));
    this.parser.finish();
    this.parser.settling = true;
    this.freezer.invalidate(this.parser.definitions.changes());
    this.blocks = this.freezer.document(this.parser.root, arriving);
  }

  private reset(): void {
    this.earlierInline += this.freezer.read;
    this.text = "";
    this.blocks = [];
    this.parser = new BlockParser();
    this.freezer = new Freezer(this.parser.definitions);
    this.takeBack = null;
    this.from = 0;
    this.committed = 0;
    this.lineEnds = [0];
  }

  /** Reads all lines whose ending is there. */
  private commit(searchFrom: number): void {
    const ending = /\r\n|\n|\r(?!$)/g;
    ending.lastIndex = searchFrom;
    for (let match = ending.exec(this.text); match; match = ending.exec(this.text)) {
      this.read(match.index);
      this.from = match.index + match[0].length;
      this.committed++;
    }
  }

  private read(to: number): void {
    const line = this.text.slice(this.from, to);
    this.lines += line.length;
    this.lineEnds.push(to);
    this.parser.line(line.includes("\0") ? line.replaceAll("\0", "\ufffd") : line);
  }
}

/** An empty document, or the document of `text`. */
export function createDocument(text = ""): MarkdownDocument {
  const document = new Incremental();
  document.append(text);
  return document;
}
