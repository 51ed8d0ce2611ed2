// Every address the client asks is one of the document's: what the compiler cannot see in a template, this does.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const document = JSON.parse(readFileSync(here("../../../packages/api-client/openapi.json"), "utf8")) as { paths: Record<string, Record<string, unknown>> };

function operations(): string[] {
  const known: string[] = [];
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const method of Object.keys(methods)) known.push(`${method.toUpperCase()} ${path.replace(/\{\w+\}/g, "{}")}`);
  }
  return known;
}

function asked(): string[] {
  const found: string[] = [];
  const roots = [here("../../../packages/api-client/src"), here("../src")];
  for (const root of roots) {
    for (const name of readdirSync(root, { recursive: true, encoding: "utf8" })) {
      if (!/\.tsx?$/.test(name)) continue;
      const source = readFileSync(`${root}/${name}`, "utf8");
      for (const [, method = "", path = ""] of source.matchAll(/call(?:<[^()]*>)?\(\s*"(GET|POST|PUT|PATCH|DELETE)",\s*["`](\/[^"`?]*)["`]/g)) {
        found.push(`${method} ${path.replace(/\$\{[^}]*\}/g, "{}")}`);
      }
    }
  }
  return found;
}

describe("addresses", () => {
  const known = new Set(operations());

  it("are found", () => {
    expect(asked().length).toBeGreaterThan(10);
  });

  it.each([...new Set(asked())])("%s is in the document", (operation) => {
    expect(known.has(operation), operation).toBe(true);
  });
});
