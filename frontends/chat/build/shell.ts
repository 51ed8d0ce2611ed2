// Makes index.html a page that paints by itself: inlines tokens, frame and boot script, draws the logo, and moves the
// stylesheet behind the static markup so that it does not hold up the first paint.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { transform as minifyCss } from "lightningcss";
import { minifySync, type Plugin } from "vite";
import { LOGO, LOGO_SYMBOLS } from "../../../packages/ui-components/src/logoPaths.ts";

/** The module whose chunk the page of a chat starts loading before the entry asks for it. */
const THREAD_MODULE = "features/thread/Thread.tsx";

/** Largest inlined boot script, in bytes. */
const MOST_BOOT_BYTES = 2_048;

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const read = (path: string): string => readFileSync(here(path), "utf8");

/** Which of the two static pages shows before the app does. */
const SHELL_CSS =
  "[data-session=out] .shell-app,[data-session=setup] .shell-app,[data-session=in] .shell-page{display:none}" +
  "html:not([data-session=out],[data-session=setup]) .shell-page{display:none}";

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

export function shell(): Plugin {
  return {
    name: "taifas-shell",
    transformIndexHtml: {
      order: "post",
      handler(html, { bundle }) {
        const thread = Object.values(bundle ?? {}).find((part) => part.type === "chunk" && part.facadeModuleId?.endsWith(THREAD_MODULE));
        if (bundle && !thread) throw new Error(`no chunk for ${THREAD_MODULE}`);
        const links: string[] = [];
        const withoutLinks = html.replace(/\s*<link rel="stylesheet"[^>]*>/g, (link) => {
          links.push(link.trim());
          return "";
        });
        return withoutLinks
          .replace(/\s*<!-- critical[^>]*-->/, "")
          .replace("<!-- shell:head -->", () => `<style>${criticalCss()}</style>`)
          .replace("<!-- shell:symbols -->", () => LOGO_SYMBOLS)
          .replaceAll("<!-- shell:logo -->", () => LOGO)
          .replace("<!-- shell:boot -->", () => `<script>${bootScript(thread ? `/${thread.fileName}` : "")}</script>${links.join("")}`)
          .replace(/>\s+</g, "><");
      },
    },
  };
}
