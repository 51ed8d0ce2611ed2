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

/** Which function asks, and what it puts before the address. */
const ASKERS: readonly [string, string][] = [["call", ""], ["ask", "/api/v1"]];

function sources(): string[] {
  const roots = [here("../../../packages/api-client/src"), here("../src")];
  return roots.flatMap((root) => readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.tsx?$/.test(name) && !name.endsWith(".d.ts"))
    .map((name) => readFileSync(`${root}/${name}`, "utf8")));
}

const plain = (path: string): string => path.replace(/\$?\{[^}]*\}/g, "{}");

function asked(asker: string, before: string): string[] {
  const call = new RegExp(`\\b${asker}(?:<[^()]*>)?\\(\\s*"(GET|POST|PUT|PATCH|DELETE)",\\s*["\`](/[^"\`?]*)["\`?]`, "g");
  return sources().flatMap((source) => [...source.matchAll(call)].map(([, method = "", path = ""]) => `${method} ${before}${plain(path)}`));
}

/** Addresses that stand by themselves, as of uploads and downloads. */
function mentioned(): string[] {
  return sources().flatMap((source) => [...source.matchAll(/["`](\/api\/v1\/[^"`?\s]+)["`?]/g)].map(([, path = ""]) => plain(path)));
}

describe("addresses", () => {
  const known = new Set(operations());
  const paths = new Set([...known].map((operation) => operation.split(" ")[1] ?? ""));

  it("are found in every part of the client", () => {
    for (const [asker, before] of ASKERS) expect(asked(asker, before).length, asker).toBeGreaterThan(20);
    const all = ASKERS.flatMap(([asker, before]) => asked(asker, before));
    for (const one of ["GET /api/v1/me", "POST /api/v1/admin/people/{}/keep", "GET /api/v1/admin/people", "GET /api/v1/notices"]) expect(all).toContain(one);
    expect(mentioned().length).toBeGreaterThan(5);
  });

  it.each([...new Set(ASKERS.flatMap(([asker, before]) => asked(asker, before)))])("%s is in the document", (operation) => {
    expect(known.has(operation), operation).toBe(true);
  });

  it.each([...new Set(mentioned())])("%s is in the document", (path) => {
    expect(paths.has(path), path).toBe(true);
  });
});
