// Link reference definitions. They are global: one that arrives at the end of a text turns brackets near its beginning into
// links, so the document asks which labels changed since it was last shown and re-reads only what looked those labels up.
import { normalizeLabel, parseDestination, parseLabel, parseTitle, skipGap, type Target } from "./destination.ts";

interface Definition extends Target {
  readonly label: string;
}

const LINE_END = /[ \t]*(?:\n|$)/y;

function lineEnd(source: string, at: number): number | null {
  LINE_END.lastIndex = at;
  return LINE_END.test(source) ? LINE_END.lastIndex : null;
}

function parseDefinition(source: string, at: number): { definition: Definition; next: number } | null {
  const label = parseLabel(source, at);
  if (label === null || source.charAt(label.next) !== ":" || label.value.trim() === "") return null;
  const start = skipGap(source, label.next + 1);
  const href = parseDestination(source, start);
  if (href === null || href.next === start) return null;
  const definition = { label: normalizeLabel(label.value), href: href.value, title: "" };
  const gap = skipGap(source, href.next);
  const title = gap > href.next ? parseTitle(source, gap) : null;
  const after = title && lineEnd(source, title.next);
  if (title && after !== null) return { definition: { ...definition, title: title.value }, next: after };
  const bare = lineEnd(source, href.next);
  return bare === null ? null : { definition, next: bare };
}

/** The definitions at the start of a paragraph and where the rest of it begins. */
export function leadingDefinitions(source: string): { definitions: Definition[]; rest: number } {
  const definitions: Definition[] = [];
  let rest = 0;
  while (source.charAt(rest) === "[") {
    const found = parseDefinition(source, rest);
    if (found === null) break;
    definitions.push(found.definition);
    rest = found.next;
  }
  return { definitions, rest };
}

/** All definitions of a document in their order; the first of a label wins. */
export class Definitions {
  private readonly order: Definition[] = [];
  private readonly byLabel = new Map<string, Target>();
  private readonly shown = new Map<string, Target>();
  private readonly touched = new Set<string>();

  get count(): number {
    return this.order.length;
  }

  add(definition: Definition): void {
    this.order.push(definition);
    if (this.byLabel.has(definition.label)) return;
    this.byLabel.set(definition.label, definition);
    this.touched.add(definition.label);
  }

  /** Takes back all definitions but the first `count`. */
  truncate(count: number): void {
    for (const definition of this.order.splice(count)) {
      if (this.byLabel.get(definition.label) !== definition) continue;
      this.byLabel.delete(definition.label);
      this.touched.add(definition.label);
    }
  }

  find(label: string): Target | undefined {
    return this.byLabel.get(label);
  }

  /** The labels that mean something else than at the last call. */
  changes(): string[] {
    const changed: string[] = [];
    for (const label of this.touched) {
      const now = this.byLabel.get(label);
      const before = this.shown.get(label);
      if (now?.href === before?.href && now?.title === before?.title) continue;
      changed.push(label);
      if (now) this.shown.set(label, now);
      else this.shown.delete(label);
    }
    this.touched.clear();
    return changed;
  }
}
