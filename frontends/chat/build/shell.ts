// Makes index.html a page that paints by itself: inlines tokens, frame and boot script, draws the logo, and moves the
// stylesheet behind the static markup so that it does not hold up the first paint. Writes it once per language, with the
// words the app will show at the same places, as index.html and index.<language>.html.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { transform as minifyCss } from "lightningcss";
import { minifySync, type Plugin } from "vite";
import { LOGO, LOGO_SYMBOLS } from "../../../packages/ui-components/src/logoPaths.ts";

/** The module whose chunk the page of a chat starts loading before the entry asks for it. */
const THREAD_MODULE = "features/thread/Thread.tsx";

/** The language of index.html; the others have a file of their own. */
const FIRST = "en";
const LANGUAGES = [FIRST, "ro"];

/** Largest inlined boot script, in bytes. */
const MOST_BOOT_BYTES = 2_048;

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const read = (path: string): string => readFileSync(here(path), "utf8");

/** Which of the two static pages shows before the app does. */
const SHELL_CSS =
  "[data-session=out] .shell-app,[data-session=setup] .shell-app,[data-session=in] .shell-page{display:none}" +
  "html:not([data-session=out],[data-session=setup]) .shell-page{display:none}" +
  "[data-place] .shell-app>*>*{display:none}";

function criticalCss(): string {
  const kit = "../../../packages/ui-components/src/";
  const source = read(`${kit}tokens.css`) + read(`${kit}frame.css`) + SHELL_CSS;
  return minifyCss({ filename: "critical.css", code: Buffer.from(source), minify: true }).code.toString();
}

/** `threadChunk`: address of the code a chat's page needs besides the entry; empty while developing. */
function bootScript(threadChunk: string): string {
  const { code } = minifySync("boot.js", read("./boot.js").replace("__THREAD_CHUNK__", threadChunk));
  if (Buffer.byteLength(code) > MOST_BOOT_BYTES) throw new Error(`the boot script has ${Buffer.byteLength(code)} bytes, more than ${MOST_BOOT_BYTES}`);
  if (code.includes("</script")) throw new Error("the boot script would end its own element");
  return code;
}

/** The page in one language. `catalogue`: address of its texts as the app loads them; empty while developing. */
function inLanguage(html: string, language: string, catalogue: string): string {
  const texts = JSON.parse(read(`../src/locales/${language}.json`)) as Record<string, string>;
  const preload = catalogue === "" ? "" : `<link rel="modulepreload" href="${catalogue}">`;
  return html.replace("<!-- shell:catalogue -->", preload).replace(/\{\{([\w.]+)\}\}/g, (_whole, id: string) => {
    const text = id === "lang" ? language : texts[id];
    if (text === undefined || /[<>"&{]/.test(text)) throw new Error(`the static page cannot show ${id} in ${language}`);
    return text;
  });
}

export function shell(): Plugin {
  const catalogues = new Map<string, string>();
  return {
    name: "taifas-shell",
    writeBundle({ dir = "dist" }) {
      const page = readFileSync(`${dir}/index.html`, "utf8");
      for (const language of LANGUAGES) {
        const file = language === FIRST ? "index.html" : `index.${language}.html`;
        writeFileSync(`${dir}/${file}`, inLanguage(page, language, catalogues.get(language) ?? ""));
      }
    },
    transformIndexHtml: {
      order: "post",
      handler(html, { bundle }) {
        const thread = Object.values(bundle ?? {}).find((part) => part.type === "chunk" && part.facadeModuleId?.endsWith(THREAD_MODULE));
        if (bundle && !thread) throw new Error(`no chunk for ${THREAD_MODULE}`);
        for (const language of LANGUAGES) {
          const texts = Object.values(bundle ?? {}).find((part) => part.type === "chunk" && part.facadeModuleId?.endsWith(`src/locales/${language}.ts`));
          if (bundle && !texts) throw new Error(`no chunk for the texts in ${language}`);
          if (texts) catalogues.set(language, `/${texts.fileName}`);
        }
        const links: string[] = [];
        const withoutLinks = html.replace(/\s*<link rel="stylesheet"[^>]*>/g, (link) => {
          links.push(link.trim());
          return "";
        });
        const page = withoutLinks
          .replace(/\s*<!-- texts in[^>]*-->/, "")
          .replace("<!-- shell:head -->", () => `<!-- shell:catalogue --><style>${criticalCss()}</style>`)
          .replace("<!-- shell:symbols -->", () => LOGO_SYMBOLS)
          .replaceAll("<!-- shell:logo -->", () => LOGO)
          .replace("<!-- shell:boot -->", () => `<script>${bootScript(thread ? `/${thread.fileName}` : "")}</script>${links.join("")}`)
          .replace(/>\s+</g, "><");
        return bundle ? page : inLanguage(page, FIRST, "");
      },
    },
  };
}
