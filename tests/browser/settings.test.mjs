// The settings: opened over anything, in force at once, on all of a person's devices; devices, keys, data, leaving.
import assert from "node:assert/strict";
import { composer, script } from "./harness/chat.mjs";
import { ANA, PASSWORD, Server } from "./harness/server.mjs";
import { story, suite } from "./harness/suite.mjs";
import { pause, until } from "./harness/until.mjs";

const running = suite();
const QUICK = script({ tokens: 8, delay_ms: 0 });

/** @param {import("playwright-core").Page} page @param {string} tab */
async function openTab(page, tab) {
  await page.goto(`/#settings/${tab}`);
  const dialog = page.getByTestId("settings");
  await dialog.waitFor();
  return dialog;
}

story(running, "the dialog opens from the menu, its tabs have addresses, Esc gives the focus back", async ({ open }) => {
  const { page } = await open();
  await page.goto("/");
  await page.getByTestId("profile").click();
  await page.getByTestId("open-settings").click();
  const dialog = page.getByTestId("settings");
  await dialog.waitFor();
  assert.equal(new URL(page.url()).hash, "#settings/general");
  await dialog.getByTestId("tab-profile").click();
  await dialog.getByRole("heading", { name: "Profile" }).waitFor();
  assert.equal(new URL(page.url()).hash, "#settings/profile");
  await page.goBack();
  await dialog.getByRole("heading", { name: "General" }).waitFor();
  await page.reload();
  await dialog.getByRole("heading", { name: "General" }).waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  assert.equal(new URL(page.url()).hash, "");
  await openTab(page, "data");
  await until("the dialog has its size", 5_000, async () => {
    const box = await dialog.boundingBox();
    return box?.width === 800 && box.height === 620;
  }, () => dialog.boundingBox());
});

story(running, "by keys alone: Tab stays inside, arrows choose the theme", async ({ open }) => {
  const { page } = await open();
  const dialog = await openTab(page, "general");
  for (let step = 0; step < 16; step += 1) {
    await page.keyboard.press("Tab");
    const inside = await page.evaluate(() => {
      const active = document.activeElement;
      return active === document.body || active?.closest("dialog") !== null;
    });
    assert.equal(inside, true, "the focus never reaches what lies behind the dialog");
  }
  await dialog.getByRole("radio", { name: "System" }).focus();
  await page.keyboard.press("ArrowRight");
  await until("the theme is light", 5_000, () => page.evaluate(() => document.documentElement.dataset.theme === "light"));
  await page.keyboard.press("ArrowRight");
  await until("the theme is dark", 5_000, () => page.evaluate(() => document.documentElement.dataset.theme === "dark"));
  await page.keyboard.press("ArrowRight");
  await until("the theme is the system's", 5_000, () => page.evaluate(() => document.documentElement.dataset.theme === "system"));
});

story(running, "of quick choices the last one stays, however late the answers come", async ({ server, open }) => {
  const { page } = await open();
  const dialog = await openTab(page, "general");
  // The first change's answer and every look at the session come late, and tell what was true before.
  let changes = 0;
  await page.route("**/api/v1/me", async (route) => {
    const answer = await route.fetch();
    if (route.request().method() === "PATCH" && (changes += 1) === 1) await pause(1_200);
    await route.fulfill({ response: answer }).catch(() => undefined);
  });
  await page.route("**/api/v1/session", async (route) => {
    const answer = await route.fetch();
    await pause(800);
    await route.fulfill({ response: answer }).catch(() => undefined);
  });
  await page.evaluate(() => {
    window.__seen = [];
    new MutationObserver(() => window.__seen.push(document.documentElement.dataset.theme)).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  });
  for (const name of ["Light", "Dark"]) await dialog.getByRole("radio", { name }).click();
  for (const name of ["Moss", "Plum"]) await dialog.getByRole("radio", { name }).click();
  await until("the server has the last choices", 10_000, async () => {
    const me = await server.json("GET", "/api/v1/me");
    return me.theme === "dark" && me.accent === "plum";
  });
  // Long enough for every late answer to come.
  await pause(2_500);
  assert.deepEqual(await page.evaluate(() => window.__seen), ["light", "dark"], "nothing flickers");
  assert.equal(await page.evaluate(() => document.documentElement.dataset.accent), "plum");
  await server.json("PATCH", "/api/v1/me", { version: (await server.json("GET", "/api/v1/me")).version, theme: "system", accent: "azurite" });
});

story(running, "theme and accent apply at once, are marked as saved and hold on another device", async ({ server, open }) => {
  const { page } = await open();
  const dialog = await openTab(page, "general");
  await dialog.getByRole("radio", { name: "Dark" }).click();
  await dialog.getByText("Saved").waitFor({ state: "attached" });
  await dialog.getByRole("radio", { name: "Moss" }).click();
  assert.equal(await page.evaluate(() => document.documentElement.dataset.accent), "moss");
  await until("the server knows it", 5_000, async () => (await server.json("GET", "/api/v1/me")).accent === "moss");
  const other = await open({ cookie: await server.signIn() });
  await other.page.goto("/");
  await until("the other device looks the same", 10_000, () => other.page.evaluate(() => `${document.documentElement.dataset.theme} ${document.documentElement.dataset.accent}` === "dark moss"));
  await dialog.getByRole("radio", { name: "Azurite" }).click();
  await dialog.getByRole("radio", { name: "System" }).click();
  await until("both are back", 5_000, async () => (await server.json("GET", "/api/v1/me")).theme === "system");
});

story(running, "a new name greets; an empty one is not taken", async ({ server, open }) => {
  const { page } = await open();
  const dialog = await openTab(page, "profile");
  await dialog.getByText("ana@example.org").waitFor();
  await dialog.getByLabel("Name").fill("Anca Pop");
  await dialog.getByLabel("Name").press("Enter");
  await dialog.getByText("Saved").waitFor({ state: "attached" });
  await page.keyboard.press("Escape");
  await page.getByRole("heading", { level: 1, name: /Anca/ }).waitFor();
  await openTab(page, "profile");
  await dialog.getByLabel("Name").fill("  ");
  await dialog.getByLabel("Name").press("Enter");
  assert.equal(await dialog.getByLabel("Name").getAttribute("aria-invalid"), "true");
  assert.equal((await server.json("GET", "/api/v1/me")).name, "Anca Pop");
  await dialog.getByLabel("Name").fill("Ana Pop");
  await dialog.getByLabel("Name").press("Enter");
  await until("the name is back", 5_000, async () => (await server.json("GET", "/api/v1/me")).name === "Ana Pop");
});

story(running, "instructions count their characters, keep to the limit and can be switched off", async ({ server, open }) => {
  const { page } = await open();
  const dialog = await openTab(page, "instructions");
  const style = dialog.getByTestId("instructions-style");
  await style.fill("x".repeat(1_501));
  await dialog.getByText("1,501 of 1,500").waitFor();
  assert.equal(await dialog.getByRole("button", { name: "Save", exact: true }).getAttribute("aria-disabled"), "true");
  await style.fill("Short and plain.");
  await dialog.getByText("16 of 1,500").waitFor();
  await dialog.getByLabel("What should it call you?").fill("Ana");
  await dialog.getByRole("button", { name: "Save", exact: true }).click();
  await until("the server has them", 5_000, async () => (await server.json("GET", "/api/v1/me/instructions")).style === "Short and plain.");
  const was = (await server.json("GET", "/api/v1/me/instructions")).enabled;
  await dialog.getByTestId("instructions-on").click();
  await until("the switch is stored", 5_000, async () => (await server.json("GET", "/api/v1/me/instructions")).enabled === !was);
});

story(running, "devices: this one is marked, one is signed out, then all others", async ({ server, open }) => {
  const [one, two] = [await server.signIn(), await server.signIn()];
  const { page } = await open();
  const dialog = await openTab(page, "security");
  await dialog.getByText("this device").waitFor();
  const rows = dialog.getByTestId("device");
  const before = await rows.count();
  assert.ok(before >= 3, `${before} devices`);
  const other = rows.filter({ hasNotText: "this device" }).first();
  await other.getByRole("button", { name: "Sign out" }).click();
  await until("one row less", 10_000, async () => (await rows.count()) === before - 1);
  const dead = async (cookie) => (await server.request("GET", "/api/v1/me", undefined, { Cookie: cookie })).status === 401;
  await dialog.getByTestId("sign-out-everywhere").getByRole("button").click();
  await dialog.getByTestId("sign-out-everywhere").getByRole("button", { name: "Sign out all others" }).click();
  await until("only this device is left", 10_000, async () => (await rows.count()) === 1);
  assert.ok((await dead(one)) && (await dead(two)));
  assert.equal((await server.request("GET", "/api/v1/me")).status, 200);
});

story(running, "a key is made, shown once, works, and is taken back", async ({ server, open }) => {
  const { page } = await open();
  const dialog = await openTab(page, "keys");
  await dialog.getByTestId("make-key").click();
  const form = dialog.getByTestId("key-form");
  await form.getByRole("button", { name: "Create key" }).click();
  await form.getByText("Give the key a name.").waitFor();
  await form.getByLabel("Name").fill("Script on my laptop");
  await form.getByLabel("Read the profile").check();
  await form.getByRole("button", { name: "Create key" }).click();
  await dialog.getByTestId("new-key").waitFor();
  const secret = await dialog.getByTestId("copy-value").innerText();
  assert.match(secret, /^tfs_\w+_\S+$/);
  const withKey = () => fetch(`${server.url}/api/v1/me`, { headers: { Authorization: `Bearer ${secret}` } });
  assert.equal((await withKey()).status, 200);
  await dialog.getByRole("button", { name: "I have copied it" }).click();
  assert.equal(await dialog.getByText(secret).count(), 0, "it is not shown again");
  const row = dialog.getByTestId("key").filter({ hasText: "Script on my laptop" });
  await row.getByRole("button", { name: "Revoke" }).click();
  await row.getByRole("button", { name: "Revoke now" }).click();
  await row.waitFor({ state: "detached" });
  await until("the key is dead", 10_000, async () => (await withKey()).status === 401);
});

story(running, "all chats are archived, taken back, deleted, brought back from the trash, and deleted for good", async ({ server, open, test }) => {
  const own = await Server.start();
  test.after(() => own.remove());
  for (const title of ["First of all", "Second to none"]) {
    const { chat } = await own.ask(`Hello\n${QUICK}`);
    // A title a person gave is not replaced by a generated one.
    await own.json("PATCH", `/api/v1/chats/${chat.id}`, { title, version: (await own.chat(chat.id)).chat.version });
  }
  const { page } = await open({ server: own, cookie: own.cookie });
  const dialog = await openTab(page, "data");
  const confirm = async (name, button) => {
    await dialog.getByTestId(name).getByRole("button", { name: button }).click();
    await dialog.getByTestId(name).getByRole("button", { name: button }).click();
  };
  await confirm("archive-all", "Archive all");
  await dialog.getByText("All chats are archived.").waitFor();
  await until("the sidebar is empty", 10_000, async () => (await page.getByTestId("chat-row").count()) === 0);
  await page.goto("/#settings/data/archived");
  const rows = dialog.getByTestId("filed-chat");
  await until("both are in the archive", 10_000, async () => (await rows.count()) === 2);
  await rows.filter({ hasText: "First of all" }).getByRole("button", { name: /out of the archive/ }).click();
  await until("one is left", 10_000, async () => (await rows.count()) === 1);
  await page.getByTestId("chat-row").filter({ hasText: "First of all" }).waitFor({ state: "attached" });
  await page.goto("/#settings/data");
  await confirm("delete-all", "Delete all");
  await dialog.getByText("All chats are in the trash.").waitFor();
  await page.goto("/#settings/data/trash");
  await rows.filter({ hasText: "First of all" }).getByRole("button", { name: /^Restore/ }).click();
  await until("the chat is back", 10_000, async () => (await own.chats()).length === 1);
  const second = rows.filter({ hasText: "Second to none" });
  await second.getByRole("button", { name: /for good$/ }).click();
  await second.getByRole("button", { name: "Delete for good" }).click();
  await dialog.getByText("The trash is empty.").waitFor();
});

story(running, "usage and limits are told in figures, a chart that keys can read, and a table", async ({ server, open }) => {
  await server.ask(`Used\n${QUICK}`);
  const { page } = await open();
  const dialog = await openTab(page, "usage");
  await dialog.getByTestId("own-usage").waitFor();
  await until("the answer is counted", 20_000, async () => {
    await page.reload();
    await dialog.getByTestId("own-usage").waitFor();
    return /Answers\s*[1-9]/.test(await dialog.getByTestId("own-usage").innerText());
  });
  await dialog.getByRole("group", { name: "Answers per day" }).focus();
  await page.keyboard.press("ArrowLeft");
  await dialog.locator("figcaption").getByText(/: [1-9]\d* answers?$/).waitFor();
  await dialog.getByText("No limit is set.").first().waitFor();
});

story(running, "the password changes with the old one, and other devices are out", async ({ open, test }) => {
  const own = await Server.start();
  test.after(() => own.remove());
  const elsewhere = await own.signIn();
  const { page } = await open({ server: own, cookie: own.cookie });
  const dialog = await openTab(page, "profile");
  await dialog.getByTestId("change-password").click();
  const form = dialog.getByTestId("password-form");
  await form.getByLabel("Current password").fill("not the password");
  await form.getByLabel("New password").fill("another long one");
  await form.getByRole("button", { name: "Save the new password" }).click();
  await form.getByText("This is not your current password.").waitFor();
  await form.getByLabel("Current password").fill(PASSWORD);
  await form.getByRole("button", { name: "Save the new password" }).click();
  await dialog.getByText("Changed. You are signed out on all other devices.").waitFor();
  assert.equal((await own.request("GET", "/api/v1/me", undefined, { Cookie: elsewhere })).status, 401);
  assert.equal((await own.signIn({ ...ANA, password: "another long one" })).length > 0, true);
  await page.reload();
  await dialog.getByText("ana@example.org").waitFor();
});

story(running, "notices: chosen in the settings, told by the bell, read when seen", async ({ server, open }) => {
  const { page } = await open();
  const dialog = await openTab(page, "notifications");
  const toggle = dialog.getByTestId("notice-reply_finished-app");
  const before = (await server.json("GET", "/api/v1/notices/preferences")).kinds.reply_finished.app;
  await toggle.click();
  await until("the choice is stored", 5_000, async () => (await server.json("GET", "/api/v1/notices/preferences")).kinds.reply_finished.app === !before);
  await toggle.click();
  await page.keyboard.press("Escape");
  // A browser this person was never seen with.
  const agent = `Mozilla/5.0 (Windows NT 10.0; rv:${100 + Math.floor(Math.random() * 100)}.0) Gecko/20100101 Firefox/140.0`;
  const answer = await server.request("POST", "/api/v1/auth/sign-in", { email: ANA.email, password: ANA.password }, { Cookie: "", "User-Agent": agent });
  assert.equal(answer.status, 200);
  await until("the notice is there", 20_000, async () => (await server.json("GET", "/api/v1/notices")).notices.some((notice) => notice.kind === "new_device"));
  // The live feed tells of it; no reload.
  await until("the bell rings", 20_000, async () => Number(await page.getByTestId("bell").getAttribute("data-unread")) > 0);
  await page.getByTestId("bell").click();
  await page.getByTestId("notice").filter({ hasText: "Signed in on a new device" }).first().waitFor();
  await page.keyboard.press("Escape");
  await until("seen is read", 10_000, async () => (await server.json("GET", "/api/v1/notices")).unread === 0);
  await until("the dot is gone", 10_000, async () => (await page.getByTestId("bell").getAttribute("data-unread")) === "0");
  // Two presses within a quarter of a second count as one: faster than a person.
  await pause(300);
  await page.getByTestId("bell").click();
  await page.getByTestId("notice").filter({ hasText: "Signed in on a new device" }).first().click();
  await dialog.getByRole("heading", { name: "Security" }).waitFor();
});

story(running, "on a small screen the dialog fills it, and nothing is wider", async ({ open }) => {
  const { page } = await open({ width: 360, height: 740 });
  for (const tab of ["general", "profile", "instructions", "notifications", "security", "keys", "data", "usage"]) {
    const dialog = await openTab(page, tab);
    await until("the dialog fills the screen", 5_000, async () => {
      const box = await dialog.boundingBox();
      return box?.x === 0 && box.width === 360 && box.height === 740;
    }, () => dialog.boundingBox());
    const wide = await dialog.locator(".set-body").evaluate((body) => body.scrollWidth > body.clientWidth);
    assert.equal(wide, false, `${tab} is wider than the screen`);
    await dialog.getByTestId(`tab-${tab}`).waitFor();
  }
  await page.getByTestId("settings").getByRole("button", { name: "Close" }).click();
  await composer(page).waitFor();
});
