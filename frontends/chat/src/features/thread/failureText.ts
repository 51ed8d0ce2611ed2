// Makes a title and a text of the one sentence (or more) with which the server tells of a failure.

/** The first sentence becomes the title, which has no full stop; what follows stays text. */
export function titleAndRest(detail: string): { title: string; rest: string } {
  const [, title = "", rest = ""] = /^(.*?)(?:\.\s+(.*)|\.)?$/s.exec(detail.trim()) ?? [];
  return { title, rest };
}
