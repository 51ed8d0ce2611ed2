// The browser: one process per test file, one context per visitor, and a watch on every page for what must never happen
// in any test – a breach of the content security policy, a request to another origin, an exception nobody caught.
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const BROWSERS = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Deadline of every step on a page, in ms. */
export const STEP_MS = 15_000;

export async function launch() {
  const executablePath = BROWSERS.find((path) => path && existsSync(path));
  if (!executablePath) throw new Error("no Chromium was found; install one or name it in CHROMIUM");
  return chromium.launch({
    executablePath,
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    ],
  });
}

/**
 * One visitor: a context of its own and what was noticed in it.
 * `signedIn` false leaves the session cookie out; `cookie` is another session than the server's first.
 * @param {import("playwright-core").Browser} browser
 * @param {import("./server.mjs").Server} server
 */
export async function visit(browser, server, { signedIn = true, cookie = server.cookie, width = 1280, height = 800, theme = "light", ...more } = {}) {
  const context = await browser.newContext({
    baseURL: server.url, viewport: { width, height }, colorScheme: theme, locale: "en-GB", timezoneId: "UTC", ...more,
  });
  context.setDefaultTimeout(STEP_MS);
  if (signedIn) {
    const [name, value] = splitCookie(cookie);
    await context.addCookies([{ name, value, url: server.url, httpOnly: true, sameSite: "Lax" }]);
  }
  /** @type {string[]} */
  const trouble = [];
  /** @type {import("playwright-core").Response[]} */
  const responses = [];
  await context.exposeBinding("__report", (_source, what) => trouble.push(String(what)));
  await context.addInitScript(() => {
    // The empty document before the first address has no storage.
    if (location.protocol === "http:") sessionStorage.setItem("taifas-test", "1");
    document.addEventListener("securitypolicyviolation", (event) => {
      window.__report(`policy: ${event.effectiveDirective} blocked ${event.blockedURI || event.sample} (${event.sourceFile}:${event.lineNumber})`);
    });
  });
  context.on("request", (request) => {
    const url = new URL(request.url());
    if (!["data:", "blob:", "about:"].includes(url.protocol) && url.origin !== server.url) trouble.push(`request to another origin: ${request.url()}`);
  });
  context.on("response", (response) => responses.push(response));
  context.on("weberror", (error) => trouble.push(`exception: ${error.error().stack ?? error.error()}`));
  context.on("console", (message) => {
    const text = message.text();
    if (/content security policy|trusted ?types?|violates|hydrat|Warning:|Each child in a list|Maximum update depth/i.test(text)) {
      trouble.push(`console ${message.type()}: ${text}`);
    }
  });
  const page = await context.newPage();
  return {
    context, page, trouble, responses,
    /** Closes the context; fails when anything was noticed. */
    async leave() {
      await context.close();
      if (trouble.length > 0) throw new Error(`noticed in the browser:\n  ${[...new Set(trouble)].join("\n  ")}`);
    },
  };
}

/** @param {string} cookie @returns {[string, string]} */
export function splitCookie(cookie) {
  const at = cookie.indexOf("=");
  return [cookie.slice(0, at), cookie.slice(at + 1)];
}
