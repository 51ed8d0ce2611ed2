// The rules of the source tree that a compiler does not know.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const src = fileURLToPath(new URL("../src", import.meta.url));
const kit = fileURLToPath(new URL("../../../packages/ui-components/src", import.meta.url));
const client = fileURLToPath(new URL("../../../packages/api-client/src", import.meta.url));

function sources(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.tsx?$/.test(name) && !name.includes("locales/"))
    .map((name) => join(root, name));
}

function importsOf(file: string): string[] {
  return [...readFileSync(file, "utf8").matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((match) => match[1] ?? "");
}

/** Folder below src a relative import leads to, e.g. "features/thread"; null for packages. */
function placeOf(file: string, target: string): string | null {
  if (!target.startsWith(".")) return null;
  const [first = "", second = ""] = relative(src, resolve(dirname(file), target)).split("/");
  return first === "features" ? `features/${second}` : first;
}

/** What a folder may import: never sideways between features, never upwards. */
const MAY: Record<string, RegExp> = {
  texts: /^(?:texts|locales)$/,
  api: /^(?:api|stores|texts)$/,
  stores: /^(?:stores|api|texts)$/,
  features: /^(?:stores|api|texts)$/,
  app: /./,
};

describe("source tree", () => {
  const files = sources(src);

  it("is found", () => {
    expect(files.length).toBeGreaterThan(40);
  });

  it.each(files.map((file) => [relative(src, file), file]))("%s imports only what it may", (name, file) => {
    const [first = "", feature = ""] = name.split("/");
    for (const target of importsOf(file)) {
      const place = placeOf(file, target);
      if (place === null) continue;
      const own = first === "features" && place === `features/${feature}`;
      expect(own || MAY[first]?.test(place), `${name} imports ${target}`).toBe(true);
    }
  });

  it("has no barrel files", () => {
    const barrels = [...files, ...sources(kit), ...sources(client)].filter((file) => /\/index\.tsx?$/.test(file) || /^export \* from/m.test(readFileSync(file, "utf8")));
    expect(barrels).toEqual([]);
  });

  it.each([...files, ...sources(kit)].map((file) => [relative(src, file), file]))("%s makes no HTML from strings and names no raw colour", (_name, file) => {
    const text = readFileSync(file, "utf8");
    expect(text).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML|document\.write|\beval\(|new Function/);
    if (file.endsWith(".tsx")) expect(text).not.toMatch(/#[0-9a-f]{6}\b|\b(?:rgb|hsl|oklch)\(/i);
  });
});

it("keeps the static page and the app asking for the same first page of chats", () => {
  const boot = readFileSync(fileURLToPath(new URL("../build/boot.js", import.meta.url)), "utf8");
  const queries = readFileSync(join(src, "api/lists.ts"), "utf8");
  const limit = /CHATS_PER_PAGE = (\d+)/.exec(queries)?.[1];
  expect(boot).toContain(`/api/v1/chats?limit=${limit}`);
  expect(existsSync(join(src, "features/thread/Thread.tsx"))).toBe(true);
});
