// One line and how far it has been read, in characters and in columns: a tab reaches to the next multiple of four and may be
// used up in part by a container's indentation.

export class Line {
  readonly text: string;
  /** Index of the next character. */
  at = 0;
  /** Column of the next character. */
  column = 0;
  /** Part of the tab at `at` belongs to what was read before. */
  private partialTab = false;

  constructor(text: string) {
    this.text = text;
  }

  /** Index of the next character that is neither space nor tab. */
  get next(): number {
    let i = this.at;
    while (this.text[i] === " " || this.text[i] === "\t") i++;
    return i;
  }

  /** Columns of white space before the next character that is none. */
  get indent(): number {
    let column = this.column;
    for (let i = this.at; ; i++) {
      if (this.text[i] === " ") column++;
      else if (this.text[i] === "\t") column += 4 - (column % 4);
      else return column - this.column;
    }
  }

  get blank(): boolean {
    return this.next === this.text.length;
  }

  /** The text from the next character that is no white space. */
  get word(): string {
    return this.text.slice(this.next);
  }

  /** Reads up to `columns` columns of characters. */
  skipColumns(columns: number): void {
    let left = columns;
    while (left > 0 && this.at < this.text.length) {
      const width = this.text[this.at] === "\t" ? 4 - (this.column % 4) : 1;
      this.partialTab = width > left;
      this.column += Math.min(width, left);
      if (!this.partialTab) this.at++;
      left -= width;
    }
  }

  /** Reads `count` characters. */
  skip(count: number): void {
    for (let i = 0; i < count && this.at < this.text.length; i++) {
      this.skipColumns(this.text[this.at] === "\t" ? 4 - (this.column % 4) : 1);
    }
  }

  skipRest(): void {
    this.at = this.text.length;
    this.partialTab = false;
  }

  skipBlanks(): void {
    this.skipColumns(this.indent);
  }

  /** Everything not read yet; the unread part of a tab as spaces. */
  rest(): string {
    if (!this.partialTab) return this.text.slice(this.at);
    return " ".repeat(4 - (this.column % 4)) + this.text.slice(this.at + 1);
  }
}
