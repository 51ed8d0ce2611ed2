// When something is on the screen, and when typing works: the release binary's pages beside a plain page of about the
// same length, in one browser, in turns. `node paint.mjs PROGRAM FOLDER`.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { chromium } from "playwright-core";
import { printSizes } from "./sizes.mjs";
import { median, row, section } from "./table.mjs";

const ROUNDS = 9;
const STEP_MS = 15_000;
const [program, folder] = process.argv.slice(2);
if (!program || !folder) throw new Error("node paint.mjs PROGRAM FOLDER");
const dist = fileURLToPath(new URL("../../frontends/chat/dist/", import.meta.url));

/** Starts Taifas and answers its address and a session; `stop` ends it. */
async function taifas() {
  const child = spawn(program, ["serve", "--listen", "127.0.0.1:0", "--data", folder], {
    env: { TAIFAS__AI__OLLAMA_BASE_URL: "" }, stdio: ["ignore", "pipe", "ignore"],
  });
  const stop = () => child.kill("SIGTERM");
  process.once("exit", stop);
  const lines = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (lines.length === 2) break;
  }
  const [url, token] = [/http:\/\/\S+/.exec(lines[0] ?? "")?.[0], lines[1]?.split("#")[1]];
  if (!url || !token) throw new Error("taifas did not start");
  const made = await fetch(`${url}/api/v1/setup`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-csrf": "1" },
    body: JSON.stringify({ token, name: "Ada", email: "ada@example.org", password: "correct horse battery" }),
  });
  const cookie = made.headers.get("set-cookie")?.split(";")[0];
  if (!made.ok || !cookie) throw new Error(`set-up failed: ${made.status}`);
  return { url, cookie, stop };
}

/** A page of text and nothing else, compressed as ours is. */
async function control(length) {
  const paragraph = "<p>A line of plain text that a browser only has to lay out and paint.</p>\n";
  const html = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Control</title></head><body>\n${paragraph.repeat(Math.ceil(length / paragraph.length))}</body></html>`;
  const body = gzipSync(html);
  const headers = { "content-type": "text/html; charset=utf-8", "content-encoding": "gzip", "cache-control": "no-cache" };
  const server = createServer((_request, response) => response.writeHead(200, headers).end(body));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { url: `http://127.0.0.1:${server.address().port}`, stop: () => server.close() };
}

/** Runs in every page before its own scripts: notes when a text field of the app takes what is typed. */
function watch() {
  const look = () => {
    const field = document.querySelector("#root textarea, #root input");
    // React has taken the field over when it hangs its own properties on it.
    const mounted = field && Object.keys(field).some((key) => key.startsWith("__react"));
    if (mounted && !field.disabled && !field.readOnly && field.getClientRects().length > 0) {
      window.__interactive = performance.now();
    } else {
      setTimeout(look, 4);
    }
  };
  look();
}

/** Times of one visit in ms: first contentful paint, and when the field worked (none on the control). */
async function visit(page, url, app) {
  await page.goto(url, { waitUntil: "load", timeout: STEP_MS });
  const painted = () => performance.getEntriesByName("first-contentful-paint")[0]?.startTime;
  const until = (what) => page.waitForFunction(what, undefined, { timeout: STEP_MS, polling: 20 });
  await until(painted);
  if (app) await until(() => window.__interactive !== undefined);
  return { painted: await page.evaluate(painted), interactive: await page.evaluate(() => window.__interactive) };
}

/** Cold (a context of its own: nothing cached) and warm (the same address again). */
async function pair(browser, url, cookie, app) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  if (cookie) {
    const at = cookie.indexOf("=");
    await context.addCookies([{ name: cookie.slice(0, at), value: cookie.slice(at + 1), url }]);
  }
  // On the control as well, where it finds nothing: what it costs must not tell them apart.
  await context.addInitScript(watch);
  const page = await context.newPage();
  const cold = await visit(page, url, app);
  await page.goto("about:blank");
  const warm = await visit(page, url, app);
  await context.close();
  return { cold, warm };
}

const executablePath = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser"].find((path) => path && existsSync(path));
if (!executablePath) throw new Error("no Chromium was found; install one or name it in CHROMIUM");
const server = await taifas();
const page = await (await fetch(server.url)).text();
const plain = await control(page.length);
const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
try {
  const subjects = [
    ["control", () => pair(browser, plain.url, null, false)],
    ["signed out", () => pair(browser, server.url, null, true)],
    ["signed in", () => pair(browser, server.url, server.cookie, true)],
  ];
  const times = Object.fromEntries(subjects.map(([name]) => [name, []]));
  await subjects[0][1](); // the browser's own first page
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, run] of subjects) times[name].push(await run());
  }
  const of = (name, state, what) => median(times[name].map((time) => time[state][what]));

  section("The web app", `First contentful paint and working text field, medians of ${ROUNDS}; control: a plain page of ${page.length} characters from a static server.`);
  for (const name of ["signed out", "signed in"]) {
    for (const state of ["cold", "warm"]) {
      const [painted, base] = [of(name, state, "painted"), of("control", state, "painted")];
      const ratio = painted / base;
      row(`first contentful paint, ${name}, ${state}`, `${painted.toFixed(0)} ms`, `${base.toFixed(0)} ms`, `× ${ratio.toFixed(2)}`, "≤ × 1.3", ratio <= 1.3);
    }
    for (const state of ["cold", "warm"]) {
      const interactive = of(name, state, "interactive");
      row(`text field works, ${name}, ${state}`, `${interactive.toFixed(0)} ms`, "–", "–", "≤ 500 ms", interactive <= 500);
    }
  }
  printSizes(dist);
} finally {
  await browser.close();
  plain.stop();
  server.stop();
}
