// Where sentences end, for reading an answer out in pieces that mean something.

/** Where the last finished sentence or line ends; 0 when none has. A full stop counts once a space follows it. */
export function lastSentenceEnd(text: string): number {
  let end = 0;
  for (const match of text.matchAll(/[.!?…](?=\s)|\n/g)) end = match.index + 1;
  return end;
}
