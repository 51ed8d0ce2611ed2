// The finished shape of a Markdown text: plain, frozen values that carry no HTML. The parser makes them, the React view reads
// them, and tests compare them, so that "the same text" means "the same tree" whatever pieces it arrived in.

/** A piece of running text. A soft line break is a "\n" inside `text`. */
export type Inline =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "code"; readonly text: string }
  /** Raw HTML as it was written. It is only ever shown, never made into elements. */
  | { readonly kind: "html"; readonly text: string }
  | { readonly kind: "break" }
  | { readonly kind: "emphasis" | "strong" | "strike"; readonly children: readonly Inline[] }
  | LinkInline
  | { readonly kind: "image"; readonly href: string; readonly title: string; readonly alt: string };

/** `href` is what the text says, with escapes and references resolved; whether it may become a link is decided by the view. */
export interface LinkInline {
  readonly kind: "link";
  readonly href: string;
  readonly title: string;
  readonly children: readonly Inline[];
}

export type Align = "left" | "center" | "right" | null;

/** One table row: as many cells as the table has columns. */
export type Cells = readonly (readonly Inline[])[];

export interface ListItem {
  /** `null`: an ordinary item; otherwise a task, done or not. */
  readonly done: boolean | null;
  readonly children: readonly Block[];
}

export type Block =
  | { readonly kind: "paragraph"; readonly inline: readonly Inline[] }
  | { readonly kind: "heading"; readonly level: number; readonly inline: readonly Inline[] }
  | CodeBlock
  | { readonly kind: "html"; readonly text: string }
  | { readonly kind: "rule" }
  | { readonly kind: "quote"; readonly children: readonly Block[] }
  | { readonly kind: "list"; readonly start: number | null; readonly tight: boolean; readonly items: readonly ListItem[] }
  | { readonly kind: "table"; readonly align: readonly Align[]; readonly head: Cells; readonly rows: readonly Cells[] };

/** Lines come in pages of `PAGE` lines: a full page never changes again, so a long block costs one page per update. */
export interface CodeBlock {
  readonly kind: "code";
  /** The info string after the fence, escapes resolved ("" for indented code). */
  readonly info: string;
  readonly pages: readonly (readonly string[])[];
}

/** Lines of code per page. */
export const PAGE = 50;

/** The words of inline content without any markup, as used for image descriptions and accessible names. */
export function plainText(inline: readonly Inline[]): string {
  let text = "";
  for (const part of inline) {
    if (part.kind === "text" || part.kind === "code") text += part.text;
    else if (part.kind === "break") text += "\n";
    else if (part.kind === "image") text += part.alt;
    else if (part.kind !== "html") text += plainText(part.children);
  }
  return text;
}
