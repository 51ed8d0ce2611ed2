// The way in: the printed set-up link, signing in and out, and a session that ends while somebody is at work.
import assert from "node:assert/strict";
import { chatId, composer, openNew, ownMessages, script, send, untilState } from "./harness/chat.mjs";
import { ANA, PASSWORD, Server } from "./harness/server.mjs";
import { story, suite } from "./harness/suite.mjs";
import { until } from "./harness/until.mjs";

const running = suite();

/** The error under a field, as readers find it: by the field's own description. */
async function errorUnder(page, label) {
  const field = page.getByLabel(label, { exact: true });
  const id = await field.getAttribute("aria-describedby");
  return id ? page.locator(`[id="${id}"]`).innerText() : "";
}

/** A person nobody has seen yet. @param {string} name */
function newcomer(name) {
  return { name, email: `${name.toLowerCase()}.${Date.now()}@example.org`, password: PASSWORD };
}

/** @param {import("playwright-core").Page} page @param {{ email: string, password: string }} who */
async function signIn(page, who) {
  await page.getByLabel("E-mail", { exact: true }).fill(who.email);
  await page.getByLabel("Password", { exact: true }).fill(who.password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** What this browser keeps, in both of its storages. @param {import("playwright-core").Page} page */
function keptBy(page) {
  return page.evaluate(async () => {
    const database = await new Promise((resolve) => {
      const request = indexedDB.open("taifas");
      request.onsuccess = () => resolve(request.result);
    });
    const records = await new Promise((resolve) => {
      const request = database.transaction("outbox").objectStore("outbox").getAll();
      request.onsuccess = () => resolve(request.result);
    });
    database.close();
    return JSON.stringify([{ ...localStorage }, records]);
  });
}

story(running, "the printed link makes the first account, with help under each field", async ({ open, test }) => {
  const server = await Server.start({ account: false });
  test.after(() => server.remove());
  const { page, context } = await open({ server, signedIn: false });
  await page.goto("/");
  await page.getByTestId("setup-no-token").waitFor();
  assert.match(await page.getByTestId("setup-no-token").innerText(), /Open the link that the server printed/);

  await page.goto(server.setupLink);
  const form = page.getByTestId("setup-form");
  await form.waitFor();
  assert.equal(await page.title(), "Set up this server");
  const submit = form.getByRole("button", { name: "Make the account" });
  await submit.click();
  assert.equal(await errorUnder(page, "Name"), "Enter a name.");
  assert.equal(await page.getByLabel("Name", { exact: true }).evaluate((field) => field === document.activeElement), true, "focus is in the field that is wrong");
  await page.getByLabel("Name", { exact: true }).fill(ANA.name);
  await page.getByLabel("E-mail", { exact: true }).fill("ana");
  await submit.click();
  assert.match(await errorUnder(page, "E-mail"), /Enter an e-mail address/);
  await page.getByLabel("E-mail", { exact: true }).fill(ANA.email);
  const password = page.getByLabel("Password", { exact: true });
  assert.match(await errorUnder(page, "Password"), /At least 12 characters/);
  await password.fill("short word");
  assert.equal(await errorUnder(page, "Password"), "2 characters more.");
  await submit.click();
  assert.match(await errorUnder(page, "Password"), /at least 12 characters/);
  await password.fill(PASSWORD);
  await page.getByRole("button", { name: "Show password" }).click();
  assert.equal(await password.getAttribute("type"), "text");
  await submit.click();
  await page.getByRole("heading", { level: 1, name: /Good (morning|afternoon|evening), Ana\. What shall we work on\?/ }).waitFor();
  assert.equal(new URL(page.url()).pathname, "/");
  assert.equal(page.url().includes("#"), false, "the token left the address");
  assert.equal((await context.cookies()).find((cookie) => cookie.name.endsWith("sid"))?.httpOnly, true);

  const late = await open({ server, signedIn: false });
  await late.page.goto(server.setupLink);
  await late.page.getByTestId("sign-in-form").waitFor();
});

story(running, "a link that is not the printed one says so and what to do", async ({ open, test }) => {
  const server = await Server.start({ account: false });
  test.after(() => server.remove());
  const { page } = await open({ server, signedIn: false });
  await page.goto("/setup#not-the-token");
  await page.getByLabel("Name", { exact: true }).fill(ANA.name);
  await page.getByLabel("E-mail", { exact: true }).fill(ANA.email);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Make the account" }).click();
  await page.getByText("This link is not valid any more").waitFor();
  await page.getByText("Restart the server to get a new one").waitFor();
  // The address of the printed link, opened in the same tab, gives the form without a load.
  await page.goto(server.setupLink);
  await page.getByTestId("setup-form").waitFor();
});

story(running, "wrong passwords tell the tries left; the right one signs in", async ({ open }) => {
  const { page } = await open({ signedIn: false });
  await page.goto("/");
  await page.getByTestId("sign-in-form").waitFor();
  const submit = page.getByRole("button", { name: "Sign in" });
  await submit.click();
  assert.equal(await errorUnder(page, "E-mail"), "Enter your e-mail address.");
  await page.getByLabel("E-mail", { exact: true }).fill(ANA.email);
  await submit.click();
  assert.equal(await errorUnder(page, "Password"), "Enter your password.");
  for (const left of ["4 tries left.", "3 tries left."]) {
    await page.getByLabel("Password", { exact: true }).fill("not the password");
    await page.getByLabel("Password", { exact: true }).press("Enter");
    await page.getByText(`E-mail or password do not match. ${left}`).waitFor();
    assert.equal(await page.getByLabel("Password", { exact: true }).evaluate((field) => field === document.activeElement), true);
  }
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await submit.click();
  await page.getByRole("heading", { level: 1, name: /What shall we work on/ }).waitFor();
});

story(running, "after the last try the time of the next one is told", async ({ open }) => {
  const { page } = await open({ signedIn: false });
  await page.goto("/sign-in");
  await page.getByLabel("E-mail", { exact: true }).fill("nobody@example.org");
  const password = page.getByLabel("Password", { exact: true });
  for (let tries = 0; tries < 8; tries += 1) {
    const answered = page.waitForResponse((response) => response.url().endsWith("/auth/sign-in"));
    await password.fill(`guess number ${tries}`);
    await password.press("Enter");
    if ((await answered).status() === 429) break;
  }
  await page.getByText(/Too many tries\. You can try again at \d/).waitFor();
});

story(running, "signing out leaves nothing behind in the browser", async ({ server, open }) => {
  const cookie = await server.signIn();
  const { page, context } = await open({ cookie });
  await openNew(page);
  await send(page, `Before signing out\n${script({ tokens: 5, delay_ms: 0 })}`);
  await chatId(page);
  await untilState(page, "complete");
  await composer(page).fill("a secret thought that was never sent");
  await page.getByTestId("profile").click();
  assert.match(await page.getByRole("menu").innerText(), /ana@example\.org/);
  await page.getByTestId("sign-out").click();
  await page.getByTestId("sign-in-form").waitFor();
  const kept = await page.evaluate(() => JSON.stringify({ ...localStorage }));
  assert.equal(kept.includes("secret thought"), false, `the browser keeps ${kept}`);
  assert.equal((await server.request("GET", "/api/v1/me", undefined, { Cookie: cookie })).status, 401, "the session is over on the server too");
  assert.equal((await context.cookies()).some((c) => c.name.endsWith("sid") && c.value !== ""), false, "no session cookie is left");
  await page.goBack().catch(() => null);
  await page.getByTestId("sign-in-form").waitFor();
});

story(running, "signing out ends every tab, and the next person finds nothing there", async ({ server, open }) => {
  const elena = newcomer("Elena");
  const hers = await server.invite(elena);
  const { page, context } = await open({ cookie: await server.signIn() });
  const { chat } = await server.ask(`Ana's own\n${script({ tokens: 5, delay_ms: 0 })}`);
  await openNew(page);
  const tab = await context.newPage();
  await tab.goto(`/c/${chat.id}`);
  await untilState(tab, "complete");
  // A message that the server cannot take, and a text that was never sent, both in the tab that stays behind.
  let tries = 0;
  await context.route("**/messages", (route) => {
    tries += 1;
    return route.fulfill({ status: 503, json: { code: "unavailable", detail: "Not now.", status: 503 } });
  });
  await send(tab, "Ana's message, on its way");
  await until("it is tried again", 10_000, () => tries > 1);
  await composer(tab).fill("Ana's secret thought");
  await page.getByTestId("profile").click();
  await page.getByTestId("sign-out").click();
  await page.getByTestId("sign-in-form").waitFor();
  await tab.getByTestId("sign-in-form").waitFor();
  await context.unroute("**/messages");
  assert.equal(await tab.getByText("Your session has ended").count(), 0, "who signed out knows");
  assert.equal(/secret thought|on its way/.test(await keptBy(tab)), false, `the browser keeps ${await keptBy(tab)}`);

  await signIn(tab, elena);
  await composer(tab).waitFor();
  await composer(page).waitFor();
  for (const each of [tab, page]) {
    assert.equal(new URL(each.url()).pathname, "/");
    assert.equal(await composer(each).inputValue(), "");
    assert.equal(await each.getByText("Ana's").count(), 0);
  }
  await send(tab, `Elena's first\n${script({ tokens: 3, delay_ms: 0 })}`);
  await untilState(tab, "complete");
  const asElena = { Cookie: hers };
  const { chats } = await server.json("GET", "/api/v1/chats?limit=28", undefined, asElena);
  assert.deepEqual(chats.map((each) => each.title), ["Elena's first"]);
  for (const place of ["new", chat.id]) {
    const draft = await server.request("GET", `/api/v1/drafts/${place}`, undefined, asElena);
    assert.equal((await draft.text()).includes("secret"), false, "no draft of Ana's came to Elena");
  }
  assert.equal((await server.chat(chat.id)).messages.length, 2, "what waited when Ana signed out is not sent");
});

story(running, "who signs in where another person's session ended finds nothing of theirs, in any tab", async ({ server, open }) => {
  const elena = newcomer("Elena");
  await server.invite(elena);
  const cookie = await server.signIn();
  const { page, context } = await open({ cookie });
  const { chat } = await server.ask(`Ana's letter\n${script({ tokens: 5, delay_ms: 0 })}`);
  await page.goto(`/c/${chat.id}`);
  await untilState(page, "complete");
  const tab = await context.newPage();
  await openNew(tab);
  await composer(tab).fill("Ana's secret thought");
  await composer(page).fill("Ana's secret answer");
  await server.request("POST", "/api/v1/auth/sign-out", undefined, { Cookie: cookie });
  await page.getByText("Your session has ended").waitFor();
  await tab.getByText("Your session has ended").waitFor();
  await signIn(page, elena);
  for (const each of [page, tab]) {
    await each.getByRole("heading", { level: 1, name: /, Elena\. What shall we work on/ }).waitFor();
    assert.equal(await composer(each).inputValue(), "");
    assert.equal(await each.getByText("Ana's").count(), 0);
  }
  assert.equal((await keptBy(page)).includes("secret"), false, `the browser keeps ${await keptBy(page)}`);
});

story(running, "who signs in again in one tab goes on in the others, with what waited there", async ({ server, open }) => {
  const cookie = await server.signIn();
  const { page, context } = await open({ cookie });
  const { chat } = await server.ask(`Goes on\n${script({ tokens: 5, delay_ms: 0 })}`);
  const tab = await context.newPage();
  await tab.goto(`/c/${chat.id}`);
  await untilState(tab, "complete");
  await openNew(page);
  let refused = true;
  await tab.route("**/messages", (route) => refused ? route.fulfill({ status: 503, json: { code: "unavailable", detail: "Not now.", status: 503 } }) : route.continue());
  await send(tab, `Waits over the end\n${script({ tokens: 3, delay_ms: 0 })}`);
  await ownMessages(tab).nth(1).waitFor();
  await composer(tab).fill("Still being written");
  await server.request("POST", "/api/v1/auth/sign-out", undefined, { Cookie: cookie });
  await tab.getByText("Your session has ended").waitFor();
  await page.getByText("Your session has ended").waitFor();
  refused = false;
  await signIn(page, ANA);
  await composer(page).waitFor();
  await until("the other tab is back, with its text", 10_000, async () => (await composer(tab).inputValue()) === "Still being written");
  const { messages } = await until("what waited is stored", 15_000, async () => {
    const thread = await server.ended(chat.id);
    return thread.messages.length > 2 ? thread : null;
  });
  assert.deepEqual(messages.map((message) => message.text.split("\n")[0]).filter((_, at) => at % 2 === 0), ["Goes on", "Waits over the end"]);
});

story(running, "a session that ends at work asks to sign in and keeps what was written", async ({ server, open }) => {
  const cookie = await server.signIn();
  const { page } = await open({ cookie });
  await openNew(page);
  await composer(page).fill(`Not lost\n${script({ tokens: 8, delay_ms: 0 })}`);
  await server.request("POST", "/api/v1/auth/sign-out", undefined, { Cookie: cookie });
  // The feed tells at once.
  await page.getByText("Your session has ended").waitFor();
  await signIn(page, ANA);
  await until("what was written is in the field", 10_000, async () => (await composer(page).inputValue()).startsWith("Not lost"));
  await composer(page).press("Enter");
  await untilState(page, "complete");
  assert.equal(await ownMessages(page).count(), 1);
  const chats = await until("the message is stored", 5_000, async () => (await server.chats()).filter((chat) => chat.title.includes("Not lost")));
  assert.equal(chats.length, 1, "sent exactly once");
});

story(running, "a session that ends while a message is edited keeps the edit", async ({ server, open }) => {
  const cookie = await server.signIn();
  const { page } = await open({ cookie });
  const { chat } = await server.ask(`As it was\n${script({ tokens: 8, delay_ms: 0 })}`);
  const written = [];
  page.on("request", (request) => request.method() === "PUT" && written.push(request.postData()));
  await page.goto(`/c/${chat.id}`);
  await untilState(page, "complete");
  await ownMessages(page).hover();
  await page.getByTestId("edit").click();
  await page.getByTestId("edit-field").fill(`As it should be\n${script({ tokens: 4, delay_ms: 0 })}`);
  await server.request("POST", "/api/v1/auth/sign-out", undefined, { Cookie: cookie });
  await page.getByText("Your session has ended").waitFor();
  await page.getByLabel("E-mail", { exact: true }).fill(ANA.email);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await until("the edit is there", 10_000, async () => (await page.getByTestId("edit-field").inputValue()).startsWith("As it should be"));
  await page.reload();
  await until("a reload keeps it as well", 10_000, async () => (await page.getByTestId("edit-field").inputValue()).startsWith("As it should be"));
  assert.deepEqual(written.filter((body) => body?.includes("As it should be")), [], "it stays in this browser");
  await page.getByTestId("edit-cancel").click();
  await ownMessages(page).getByText("As it was").waitFor();
  await page.reload();
  await untilState(page, "complete");
  assert.equal(await page.getByTestId("edit-field").count(), 0, "what was given up stays so");
  await ownMessages(page).hover();
  await page.getByTestId("edit").click();
  await page.getByTestId("edit-field").fill(`Sent at last\n${script({ tokens: 4, delay_ms: 0 })}`);
  await page.getByTestId("edit-send").click();
  await ownMessages(page).getByText("Sent at last").waitFor();
  await untilState(page, "complete");
  await ownMessages(page).getByTestId("pager").getByText("2/2").waitFor();
  await ownMessages(page).getByTestId("pager-previous").click();
  await ownMessages(page).getByText("As it was").waitFor();
  assert.equal(await page.getByTestId("edit-field").count(), 0, "what was sent is no draft any more");
});

story(running, "one refusal of a request that named an older session does not sign the person out", async ({ server, open }) => {
  const { page } = await open();
  await page.goto("/");
  await composer(page).waitFor();
  await composer(page).fill("Still here");
  let refused = 0;
  await page.route("**/api/v1/chats?limit=28", (route) => {
    refused += 1;
    return refused === 1 ? route.fulfill({ status: 401, json: { code: "unauthenticated", detail: "Sign in.", status: 401 } }) : route.continue();
  });
  const { chat } = await server.ask(`Asked for twice\n${script({ tokens: 3, delay_ms: 0 })}`);
  await page.locator(`[data-testid=chat-row][data-chat-id="${chat.id}"]`).waitFor();
  assert.ok(refused > 1);
  assert.equal(await page.getByText("Your session has ended").count(), 0);
  assert.equal(await composer(page).inputValue(), "Still here");
});
