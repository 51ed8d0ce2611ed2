// Texts for the scaling test and the benchmark: what a long answer looks like, and answers made of one kind of block only, where
// the open end of the tree is as long as the text.

const PROSE =
  "Retries are **safe** only when the `commit` is idempotent; see [the notes](https://example.com/notes) for *why* this holds, and " +
  "what to do when a [second][ref] writer appears. Nothing else changes.";

const CODE_LINES = ["fn settle(&mut self, id: Id) -> Result<()> {", "    let row = self.rows.get(&id).ok_or(Missing)?;", "", "    row.commit()?;", "    Ok(())", "}"];

function repeat(make: (i: number) => string, length: number): string {
  let text = "";
  for (let i = 0; text.length < length; i++) text += make(i);
  return text.slice(0, length);
}

const code = (lines: number) => `\`\`\`rust\n${Array.from({ length: lines }, (_, i) => `${CODE_LINES[i % CODE_LINES.length]}\n`).join("")}\`\`\`\n\n`;

export const TEXTS: Readonly<Record<string, (length: number) => string>> = {
  mixed: (length) =>
    repeat(
      (i) =>
        `## Step ${i + 1}\n\n${PROSE}\n\n- first point with \`code\`\n- second point\n  1. inner **one**\n  2. inner two\n\n${code(18)}` +
        `| try | wait | note |\n| ---: | --- | --- |\n| 1 | 10 ms | fine |\n| 2 | 20 ms | *still* fine |\n\n> ${PROSE}\n\n`,
      length,
    ),
  "one code block": (length) => `\`\`\`rust\n${repeat((i) => `${CODE_LINES[i % CODE_LINES.length]}\n`, length - 8)}`,
  "one list": (length) => repeat((i) => `- item ${i} with **bold** and \`code\`\n`, length),
  "one loose list": (length) => repeat((i) => `${i + 1}. item ${i}\n\n   ${PROSE}\n\n`, length),
  "one table": (length) => `| a | b | c |\n| - | - | - |\n${repeat((i) => `| ${i} | **row** ${i} | \`x${i}\` |\n`, length - 28)}`,
  "one quote": (length) => repeat((i) => `> ${PROSE}\n>\n> line ${i}\n>\n`, length),
  "one paragraph": (length) => repeat(() => `${PROSE}\n`, length),
  "one line": (length) => repeat(() => `${PROSE} `, length),
  definitions: (length) => repeat((i) => `See [n${i}] and [n${i + 1}].\n\n[n${i}]: https://example.com/${i}\n\n`, length),
};

/** Characters per update: about one frame at 200 tokens a second. */
export const PIECE = 14;
