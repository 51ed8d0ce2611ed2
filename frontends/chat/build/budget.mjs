// Fails the build when the page got too heavy. Sizes are those sent: gzip for scripts, brotli for page and styles.
import { readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const dist = fileURLToPath(new URL("../dist/", import.meta.url));
const manifest = JSON.parse(readFileSync(`${dist}.vite/manifest.json`, "utf8"));
const size = (file) => statSync(dist + file).size;
const kb = (bytes) => `${(bytes / 1024).toFixed(1)} KB`;

const entry = Object.keys(manifest).find((key) => manifest[key].isEntry);
const initial = new Set();
const walk = (key) => {
  if (initial.has(key)) return;
  initial.add(key);
  (manifest[key].imports ?? []).forEach(walk);
};
walk(entry);
// The texts of one language are loaded with the entry; the longest counts.
const catalogue = ["en", "ro"].map((language) => size(`${manifest[`src/locales/${language}.ts`].file}.gz`)).sort((a, b) => b - a)[0];
const chunks = Object.entries(manifest).filter(([, chunk]) => chunk.file.endsWith(".js"));
const styles = new Set(Object.values(manifest).flatMap((chunk) => chunk.css ?? []));

const bars = [
  ["page with critical styles (br)", Math.max(size("index.html.br"), size("index.ro.html.br")), 14],
  ["initial scripts with texts (gz)", [...initial].reduce((sum, key) => sum + size(`${manifest[key].file}.gz`), catalogue), 105],
  ["all styles (br)", [...styles].reduce((sum, file) => sum + size(`${file}.br`), 0), 15],
  ...chunks.filter(([key]) => !initial.has(key)).map(([key, chunk]) => [`lazy ${key} (gz)`, size(`${chunk.file}.gz`), 60]),
];

let failed = false;
for (const [name, bytes, limit] of bars) {
  const over = bytes > limit * 1024;
  failed ||= over;
  console.log(`${over ? "OVER" : "ok  "}  ${name}: ${kb(bytes)} of ${limit} KB`);
}
if (failed) process.exit(1);
