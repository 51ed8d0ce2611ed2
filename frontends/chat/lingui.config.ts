// Texts live in src/locales/[<area>/]<locale>.json under stable ids; `lingui compile` makes the modules the app loads:
// one area for what everybody needs at once, the others for parts of the app that are loaded when they are opened.
import { defineConfig } from "@lingui/conf";
import { formatter } from "@lingui/format-json";

const AREAS = ["", "account/", "chat/", "settings/", "admin/"];

export default defineConfig({
  sourceLocale: "en",
  locales: ["en", "ro"],
  format: formatter({ style: "minimal" }),
  catalogs: AREAS.map((area) => ({ path: `src/locales/${area}{locale}`, include: ["src"] })),
});
