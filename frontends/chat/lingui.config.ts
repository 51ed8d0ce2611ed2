// Texts live in src/locales/<locale>.json under stable ids; `lingui compile` makes the modules the app loads.
import { defineConfig } from "@lingui/conf";
import { formatter } from "@lingui/format-json";

export default defineConfig({
  sourceLocale: "en",
  locales: ["en"],
  format: formatter({ style: "minimal" }),
  catalogs: [{ path: "src/locales/{locale}", include: ["src"] }],
});
