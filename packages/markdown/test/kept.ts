// Properties whose failing cases are kept: beside the tests, as small as they could be made, and tried first from then on.
import fc from "fast-check";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";

const FOLDER = new URL("./regressions/", import.meta.url);

/** Asserts a property of texts and places. A case that fails is written to `regressions/NAME.json`: commit it. */
export function holds<Case extends unknown[]>(name: string, property: fc.IPropertyWithHooks<Case>, parameters: fc.Parameters<Case>): void {
  const file = new URL(`${name}.json`, FOLDER);
  const known: Case[] = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Case[]) : [];
  const details = fc.check(property, { ...parameters, examples: known });
  if (!details.failed) return;
  const found = details.counterexample;
  if (found !== null && !known.some((one) => JSON.stringify(one) === JSON.stringify(found))) {
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(file, `${JSON.stringify([...known, found], null, 2)}\n`);
  }
  throw new Error(fc.defaultReportMessage(details));
}
