// What a browser must fetch before the app runs, from the built files: printed as rows of the table.
import { readFileSync, readdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { row } from "./table.mjs";

const KIB = 1024;

/** All scripts that the page's entry imports statically, the entry included. */
function initialScripts(dist, html) {
  // Named by a script element, or imported by the inline script once the page has been painted.
  const entry = /<script[^>]*type="module"[^>]*src="([^"]+)"|\bimport\("(\/assets\/[^"]+)"\)/.exec(html)?.slice(1).find(Boolean);
  if (!entry) throw new Error("the page names no script");
  const found = new Set();
  const walk = (file) => {
    if (found.has(file)) return;
    found.add(file);
    const code = readFileSync(file, "utf8");
    // `import{a}from"./b.js"`, `import"./b.js"` and `export*from"./b.js"`, not `import("./b.js")`.
    for (const [, , target] of code.matchAll(/\b(import|from)\s*"(\.[^"]+\.js)"/g)) walk(resolve(dirname(file), target));
  };
  walk(join(dist, entry));
  return [...found];
}

export function printSizes(dist) {
  const html = readFileSync(join(dist, "index.html"), "utf8");
  const scripts = initialScripts(dist, html);
  const sum = (suffix) => scripts.reduce((total, file) => total + statSync(file + suffix).size, 0) / KIB;
  const page = (suffix) => statSync(join(dist, `index.html${suffix}`)).size / KIB;
  const gzip = sum(".gz");
  row("initial scripts, gzip", `${gzip.toFixed(1)} KiB in ${scripts.length}`, `${sum("").toFixed(1)} KiB as they are`, "–", "≤ 105 KiB", gzip <= 105);
  row("page with its styles and boot script, gzip", `${page(".gz").toFixed(1)} KiB`, `${page("").toFixed(1)} KiB as it is`, "–", "≤ 14 KiB", page(".gz") <= 14);
  const lazy = readdirSync(join(dist, "assets")).filter((name) => name.endsWith(".js") && !scripts.some((file) => file.endsWith(name)));
  const largest = lazy.map((name) => [statSync(join(dist, "assets", `${name}.gz`)).size / KIB, name]).sort((a, b) => b[0] - a[0])[0];
  if (largest) row(`largest lazy script, gzip (${largest[1]})`, `${largest[0].toFixed(1)} KiB`, "–", "–", "≤ 90 KiB", largest[0] <= 90);
}
