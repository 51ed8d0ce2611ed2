// Every text that anybody can put in front of somebody else – titles, names, models, notices, errors – is text on every
// screen: once as it is really stored, and once as if the server itself were against us. That no request leaves for
// another origin and no policy is broken is watched in every test of this folder, so here too.
import assert from "node:assert/strict";
import { foreign, provoke } from "./harness/attacks.mjs";
import { composer, openNew, script, send, untilState } from "./harness/chat.mjs";
import { story, suite } from "./harness/suite.mjs";
import { pause, until } from "./harness/until.mjs";

const running = suite();
const QUICK = script({ tokens: 3, delay_ms: 0 });
/** Short enough for every name, and what a naive sink would run. */
const NAME = "<img src=x onerror=window.__hit=60><b>b</b>";
const MARK = "onerror=window.__hit=60";
/** Members of the API's objects that hold words of people, of providers or of models. */
const WORDS = new Set([
  "title", "name", "label", "description", "detail", "text", "excerpt", "greeting", "nickname", "occupation", "about",
  "style", "instructions", "what", "why", "device", "address", "prefix", "display_name", "key_hint", "email", "host",
  "from", "source", "created_by", "person", "instance",
]);
const PAGES = [
  "/", "/archive", "/trash", "/admin/people", "/admin/invitations", "/admin/roles", "/admin/providers", "/admin/models",
  "/admin/usage", "/admin/limits", "/admin/instance", "/admin/health",
];
const TABS = ["general", "profile", "instructions", "security", "keys", "notifications", "usage", "data"];

/** Waits until a screen has asked for everything and drawn it. @param {import("playwright-core").Page} page */
async function settled(page) {
  let asked = 0;
  const count = () => { asked += 1; };
  page.on("request", count);
  let quiet = 0;
  let before = "";
  await until("nothing is asked for and drawn any more", 10_000, async () => {
    const now = `${asked} ${await page.evaluate(() => document.body.innerText.length)}`;
    quiet = now === before ? quiet + 1 : 0;
    before = now;
    if (quiet < 2) await pause(100);
    return quiet >= 2;
  });
  page.off("request", count);
}

/** Goes through all screens; what is wrong with each, and on how many the words were seen. */
async function walk(page, pages) {
  const wrong = [];
  let seen = 0;
  for (const path of pages) {
    const [where, hash] = path.split("#");
    const here = new URL(page.url());
    // A tab of the settings is another place on the same page.
    if (hash && here.pathname === where && here.hash) await page.evaluate((to) => { location.hash = to; }, hash);
    else await Promise.all([page.waitForResponse(/\/api\/v1\/session$/), page.goto(path)]);
    await settled(page);
    if (path.startsWith("/c/")) await provoke(page);
    for (const found of await foreign(page)) wrong.push(`${path}: ${found}`);
    // What is in a field is as hostile as what is drawn.
    seen += Number(await page.evaluate((mark) => {
      const fields = [...document.querySelectorAll("input, textarea")].map((field) => /** @type {HTMLInputElement} */ (field).value);
      return [document.title, document.body.textContent, ...fields].some((text) => text?.includes(mark));
    }, MARK));
  }
  assert.deepEqual(wrong, []);
  return seen;
}

/** The same document with every word replaced. */
function poisoned(value, key = "") {
  if (Array.isArray(value)) return value.map((item) => poisoned(item, key));
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, poisoned(member, name)]));
  }
  return typeof value === "string" && WORDS.has(key) && value !== "" ? NAME : value;
}

story(running, "what people and administrators name is text on every screen", async ({ server, open }) => {
  const { chat } = await server.ask(`${NAME}\n${QUICK}`);
  await server.json("PATCH", `/api/v1/chats/${chat.id}`, { title: NAME, version: (await server.chat(chat.id)).chat.version });
  const archived = (await server.ask(QUICK)).chat;
  await server.json("PATCH", `/api/v1/chats/${archived.id}`, { title: NAME, archived: true, version: (await server.chat(archived.id)).chat.version });
  const thrown = (await server.ask(QUICK)).chat;
  await server.json("PATCH", `/api/v1/chats/${thrown.id}`, { title: NAME, version: (await server.chat(thrown.id)).chat.version });
  await server.json("DELETE", `/api/v1/chats/${thrown.id}`);
  const project = await server.json("POST", "/api/v1/projects", { name: NAME, color: "rust", instructions: NAME });
  const me = await server.json("GET", "/api/v1/me");
  await server.json("PATCH", "/api/v1/me", { name: NAME, version: me.version });
  const instructions = await server.json("GET", "/api/v1/me/instructions");
  await server.json("PUT", "/api/v1/me/instructions", { ...instructions, enabled: true, nickname: NAME, occupation: NAME, about: NAME, style: NAME });
  await server.json("POST", "/api/v1/keys", { name: NAME, scopes: ["chats:read"] });
  await server.json("POST", "/api/v1/admin/people", { name: NAME, email: `mallory-${Date.now()}@example.org`, role: "user" });
  const instance = await server.json("GET", "/api/v1/admin/instance");
  await server.json("PATCH", "/api/v1/admin/instance", { name: NAME, greeting: NAME, version: instance.version });
  await server.json("POST", "/api/v1/admin/roles", { name: `mallory-${Date.now() % 1_000_000}`, label: NAME, permissions: ["chats:read"] });

  const { page } = await open();
  const pages = [`/c/${chat.id}`, `/p/${project.id}`, ...PAGES, ...TABS.map((tab) => `/#settings/${tab}`)];
  const seen = await walk(page, pages);
  assert.ok(seen >= 8, `the words are on ${seen} screens only`);

  await page.goto("/");
  await composer(page).waitFor();
  await page.keyboard.press("Control+k");
  await page.getByTestId("palette-input").fill("window hit");
  await page.getByTestId("palette").getByText(MARK).first().waitFor();
  assert.deepEqual(await foreign(page), []);

  const out = await open({ signedIn: false });
  assert.equal(await walk(out.page, ["/", "/sign-in"]), 2, "the greeting is text before the sign-in");
});

story(running, "a server that is against us puts nothing into the page but text", async ({ server, open }) => {
  const { chat } = await server.ask(`A quiet chat\n${QUICK}`);
  const project = await server.json("POST", "/api/v1/projects", { name: "A quiet project", color: "moss", instructions: "" });
  const { page } = await open();
  await page.route("**/api/v1/**", async (route) => {
    const answer = await route.fetch().catch(() => null);
    if (!answer) return route.abort();
    if (!(answer.headers()["content-type"] ?? "").includes("json")) return route.fulfill({ response: answer });
    return route.fulfill({ response: answer, json: poisoned(await answer.json()) });
  });
  const pages = [`/c/${chat.id}`, `/p/${project.id}`, ...PAGES, ...TABS.map((tab) => `/#settings/${tab}`)];
  const seen = await walk(page, pages);
  assert.ok(seen >= pages.length / 2, `the words are on ${seen} of ${pages.length} screens only`);
  await page.unroute("**/api/v1/**");

  // Refusals are shown in many places; each says the server's sentence.
  await page.route(/\/api\/v1\/(chats|projects|search|keys|admin|notices|me)/, (route) => route.fulfill({
    status: 422, contentType: "application/problem+json",
    json: { type: "about:blank", title: NAME, status: 422, detail: NAME, code: "invalid", correlation_id: NAME },
  }));
  await walk(page, ["/", "/trash", "/admin/people", "/admin/providers", "/#settings/keys", "/#settings/data"]);
  await openNew(page).catch(() => {});
  await send(page, "Refused");
  await page.getByText(MARK).first().waitFor();
  assert.deepEqual(await foreign(page), []);
});

story(running, "pages behind links show what they are told as text", async ({ open }) => {
  const { page } = await open({ signedIn: false });
  await page.route("**/api/v1/auth/invitations/look", (route) => route.fulfill({
    json: { email: null, name: NAME, role: NAME, instance: NAME, expires_at: new Date(Date.now() + 86_400_000).toISOString() },
  }));
  const pages = [`/join#${NAME}`, `/reset#${NAME}`, `/setup#${NAME}`, `/c/${NAME}`, `/?model=${NAME}`, `/#settings/${NAME}`];
  assert.ok(await walk(page, pages) >= 1, "the invitation shows who invites");
});

story(running, "a reply that a provider's error ended says so in text", async ({ server, open }) => {
  const { chat, messages } = await server.ask(script({ tokens: 3, delay_ms: 0, error_after: 1, error: "refused_key" }));
  const { page } = await open();
  await page.route(`**/api/v1/chats/${chat.id}`, async (route) => {
    const answer = await route.fetch();
    const thread = await answer.json();
    for (const message of thread.messages) if (message.reason) message.reason = { ...message.reason, detail: NAME };
    await route.fulfill({ response: answer, json: thread });
  });
  await page.goto(`/c/${chat.id}`);
  await untilState(page, ["failed", "interrupted"]);
  assert.deepEqual(await foreign(page), []);
  assert.equal(messages.length, 2);
});
