// The texts of the app: the same in every language, none left over, in the voice of the product.
import { compileMessage } from "@lingui/message-utils/compileMessage";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { systemLocale } from "../src/texts/systemLocale";

const src = fileURLToPath(new URL("../src", import.meta.url));
const locales = join(src, "locales");

/** Folders with a catalogue per language, relative to `locales`. */
const areas = readdirSync(locales, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith("en.json")).map(dirname);

type Texts = Record<string, string>;
const texts = (area: string, language: string): Texts => JSON.parse(readFileSync(join(locales, area, `${language}.json`), "utf8")) as Texts;

type Token = ReturnType<typeof compileMessage>;

/** What a text asks for: `name`, or `count (plural)`; and the branches of its plurals. */
function wants(message: string): { values: string[]; plurals: string[][] } {
  const values = new Set<string>();
  const plurals: string[][] = [];
  const walk = (tokens: Token): void => {
    if (!Array.isArray(tokens)) return;
    for (const token of tokens) {
      if (!Array.isArray(token)) continue;
      const [name, kind, branches] = token as [string, string?, Record<string, Token>?];
      values.add(kind ? `${name} (${kind})` : name);
      if (typeof branches !== "object" || branches === null) continue;
      if (kind === "plural") plurals.push(Object.keys(branches).filter((key) => key !== "offset"));
      Object.values(branches).forEach(walk);
    }
  };
  walk(compileMessage(message));
  // What stands only inside a branch may be told in words there: # and the number say the same.
  return { values: [...values].filter((value) => value !== "#").sort(), plurals };
}

describe.each(areas)("texts in %s", (area) => {
  const english = texts(area, "en");
  const romanian = texts(area, "ro");

  it("are there in both languages, in the same order", () => {
    expect(Object.keys(romanian)).toEqual(Object.keys(english));
    expect(Object.entries(romanian).filter(([, text]) => text.trim() === "")).toEqual([]);
  });

  it("ask for the same values", () => {
    for (const [id, text] of Object.entries(english)) expect(wants(romanian[id] ?? "").values, id).toEqual(wants(text).values);
  });

  it("have every form of a plural", () => {
    for (const [id, text] of Object.entries(english)) for (const forms of wants(text).plurals) expect(forms, id).toEqual(expect.arrayContaining(["one", "other"]));
    for (const [id, text] of Object.entries(romanian)) for (const forms of wants(text).plurals) expect(forms, id).toEqual(expect.arrayContaining(["one", "few", "other"]));
  });

  it("speak in the voice of the product", () => {
    for (const [id, text] of Object.entries(english)) expect(text, id).not.toMatch(/!|\b(?:oops|sorry|please)\b|something went wrong/i);
    for (const [id, text] of Object.entries(romanian)) {
      expect(text, id).not.toMatch(/!|\b(?:ups|vă rugăm|te rog|scuze|dumneavoastră|dvs)\b/i);
      // The letters with a comma below, never the Turkish ones; quotation marks as Romanian has them.
      expect(text, id).not.toMatch(/[şţŞŢ"“]/);
    }
  });
});

describe("texts", () => {
  const sources = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((name) => /\.tsx?$/.test(name) && !name.includes("locales/"));
  const all = sources.map((name) => readFileSync(join(src, name), "utf8")).join("\n");
  const shell = readFileSync(fileURLToPath(new URL("../index.html", import.meta.url)), "utf8");

  it("are all used", () => {
    // Ids that code puts together, by the part that is written out.
    const built = [...all.matchAll(/`([a-z]\w*(?:\.\w+)*\.)\$\{/gi)].map((match) => match[1] ?? "");
    const used = (id: string): boolean => all.includes(`"${id}"`) || shell.includes(`{{${id}}}`) || built.some((start) => id.startsWith(start));
    const left = areas.flatMap((area) => Object.keys(texts(area, "en"))).filter((id) => !used(id));
    expect(left).toEqual([]);
  });

  it("stand in one area each", () => {
    const ids = areas.flatMap((area) => Object.keys(texts(area, "en")));
    expect(ids.length).toBeGreaterThan(100);
    expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([]);
  });
});

it("the system's language is the first one the app speaks", () => {
  expect(systemLocale(["de-DE", "ro-MD", "en"])).toBe("ro");
  expect(systemLocale(["en-GB", "ro"])).toBe("en");
  expect(systemLocale(["de"])).toBe("en");
  expect(systemLocale([])).toBe("en");
});
