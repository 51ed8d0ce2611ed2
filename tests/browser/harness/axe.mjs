// What axe objects to on a page (WCAG 2.2 AA and best practice), once nothing moves any more.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { until } from "./until.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
/** The looks every state is judged in. */
export const LOOKS = [
  { theme: "light", width: 1280, height: 800 },
  { theme: "dark", width: 1280, height: 800 },
  { theme: "light", width: 360, height: 740 },
  { theme: "dark", width: 360, height: 740 },
];

/** What axe objects to. @param {import("playwright-core").Page} page @returns {Promise<string[]>} */
export async function objections(page) {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(AXE);
  return page.evaluate(async (tags) => {
    const { violations } = await window.axe.run(document, { runOnly: tags, resultTypes: ["violations"] });
    return violations.flatMap(({ id, help, nodes }) => nodes.map((node) => `${id} (${help}) at ${node.target.join(" ")}: ${node.any[0]?.message ?? node.all[0]?.message ?? node.none[0]?.message ?? ""}`));
  }, RULES);
}

/** Fails with every objection in one message. @param {import("playwright-core").Page} page @param {string} state */
export async function clean(page, state) {
  // Colours are judged as they rest, not on their way.
  await until("nothing fades", 3_000, () => page.evaluate(() => document.getAnimations().every((a) => a.playState !== "running" || a.effect?.getComputedTiming().iterations === Infinity || a.animationName === "run-out")));
  const found = await objections(page);
  assert.deepEqual(found, [], `${state} has ${found.length} objections`);
}
