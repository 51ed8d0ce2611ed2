// Everything by the keyboard alone: the order of Tab, a focus that can be seen, Esc from the top layer down, shortcuts.
import assert from "node:assert/strict";
import { chatId, composer, openNew, ownMessages, replies, script, send, untilState } from "./harness/chat.mjs";
import { ANA, PASSWORD, Server } from "./harness/server.mjs";
import { story, suite } from "./harness/suite.mjs";
import { pause, until } from "./harness/until.mjs";

const running = suite();
const QUICK = script({ tokens: 5, delay_ms: 0 });

/** What has the focus, by its test id, its name or its text. @param {import("playwright-core").Page} page */
function focused(page) {
  return page.evaluate(() => {
    const active = document.activeElement;
    if (!active || active === document.body) return "page";
    return active.getAttribute("data-testid") ?? active.getAttribute("aria-label") ?? active.textContent?.trim() ?? active.tagName;
  });
}

/** Whether the eye can find the focus: an outline of the element, or another shadow of the box around a text field. */
function focusSeen(page) {
  return page.evaluate(() => {
    const active = document.activeElement;
    if (!active || active === document.body) return true;
    const style = getComputedStyle(active);
    if (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2) return true;
    const box = active.closest(".comp");
    if (!box) return false;
    box.style.transition = "none";
    const during = getComputedStyle(box).boxShadow;
    active.blur();
    const after = getComputedStyle(box).boxShadow;
    active.focus();
    return during !== after;
  });
}

/** Presses Tab until the focus has been around once, or `most` times. */
async function tabRound(page, most = 40) {
  await page.locator("a[href], button").first().focus();
  const seen = [await focused(page)];
  for (let at = 0; at < most; at += 1) {
    await page.keyboard.press("Tab");
    const name = await focused(page);
    if (name === "page" || name === seen[0]) break;
    assert.equal(await focusSeen(page), true, `the focus on “${name}” can be seen`);
    seen.push(name);
  }
  return seen;
}

story(running, "Tab goes through the frame in reading order and its place is always seen", async ({ server, open }) => {
  const { page } = await open();
  const { chat } = await server.ask(`A row\n${QUICK}`);
  await page.goto(`/c/${chat.id}`);
  await untilState(page, "complete");
  // What is fetched behind the first frame is part of the round.
  await page.getByTestId("profile").waitFor();
  await page.getByTestId("attach").waitFor();
  const order = await tabRound(page);
  const wanted = ["Taifas, new chat", "sidebar-toggle", "new-chat", "A row", "chat-menu", "profile", "model-button", "copy", "composer-input", "send"];
  assert.deepEqual(order.filter((name) => wanted.includes(name)).filter((name, at, all) => all.indexOf(name) === at), wanted, `the order was ${order.join(" → ")}`);
});

story(running, "a chat from the first key to the last without a mouse", async ({ server, open }) => {
  const { page } = await open();
  await page.goto("/");
  await page.getByTestId("model-button").getByText("Guide").waitFor();
  // From the text field back to the model list, by Shift+Tab.
  await composer(page).focus();
  for (let at = 0; at < 5 && (await focused(page)) !== "model-button"; at += 1) await page.keyboard.press("Shift+Tab");
  assert.equal(await focused(page), "model-button");
  await page.keyboard.press("Enter");
  await page.getByRole("menu").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("aria-checked")), "true", "the list opens on the chosen one");
  await page.keyboard.type("scripted: con");
  await page.keyboard.press("Enter");
  await page.getByTestId("model-button").getByText("Scripted: continues").waitFor();
  assert.equal(await focused(page), "model-button", "focus is back on the button");
  // Typing anywhere goes into the text field.
  await page.evaluate(() => document.activeElement?.blur());
  await page.keyboard.type("By keyboard");
  assert.equal(await composer(page).inputValue(), "By keyboard");
  await page.keyboard.press("Enter");
  const id = await chatId(page);
  await untilState(page, "complete");
  assert.equal((await server.chat(id)).messages.length, 2);
  assert.equal(await focused(page), "composer-input", "the next message can be written at once");
});

story(running, "menus: arrows move, Esc closes the top layer only and gives the focus back", async ({ server, open }) => {
  const { page } = await open();
  const { chat } = await server.ask(`With a menu\n${QUICK}`);
  await page.goto(`/c/${chat.id}`);
  await untilState(page, "complete");
  await page.locator(`[data-chat-id="${chat.id}"]`).getByTestId("chat-menu").focus();
  await page.keyboard.press("Enter");
  await page.getByRole("menu").waitFor();
  assert.equal(await focused(page), "chat-rename");
  await page.keyboard.press("ArrowUp");
  assert.equal(await focused(page), "chat-delete", "the arrows go around");
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowDown");
  assert.equal(await focused(page), "chat-move");
  await page.keyboard.press("ArrowRight");
  assert.equal(await focused(page), "move-new", "a menu within the menu");
  await page.keyboard.press("ArrowLeft");
  await until("the focus is back in the menu above", 3_000, async () => (await focused(page)) === "chat-move", () => focused(page));
  await page.keyboard.press("End");
  assert.equal(await focused(page), "chat-delete");
  await page.keyboard.press("Escape");
  await page.getByRole("menu").waitFor({ state: "detached" });
  assert.equal(await focused(page), "chat-menu");
  await pause(300);
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  await until("the rename field has the focus", 3_000, async () => (await focused(page)) === "rename-input", () => focused(page));
  await page.keyboard.type("Renamed by keys");
  await page.keyboard.press("Enter");
  await until("the row has the focus", 3_000, async () => (await focused(page)) === "Renamed by keys", () => focused(page));
  // Deleting leaves the focus where the person can go on.
  await page.getByTestId("profile").focus();
  await page.keyboard.press("Enter");
  await page.getByRole("menu").waitFor();
  await page.keyboard.press("Escape");
  assert.equal(await focused(page), "profile");
});

story(running, "on a narrow screen Esc closes the menu, then the drawer, and the focus goes back to its button", async ({ server, open }) => {
  const { page } = await open({ width: 360, height: 740 });
  const { chat } = await server.ask(`Narrow\n${QUICK}`);
  await page.goto("/");
  await page.getByTestId("drawer-open").focus();
  await page.keyboard.press("Enter");
  await page.getByTestId("scrim").waitFor();
  const inside = () => page.evaluate(() => document.querySelector("[data-testid=sidebar]")?.contains(document.activeElement));
  await until("the focus is in the drawer", 3_000, inside, () => focused(page));
  for (let at = 0; at < 12; at += 1) {
    await page.keyboard.press("Tab");
    const where = await focused(page);
    assert.ok(where === "page" || (await inside()) === true, `Tab does not go behind the drawer, but went to “${where}”`);
  }
  await page.locator(`[data-chat-id="${chat.id}"]`).getByTestId("chat-menu").focus();
  await page.keyboard.press("Enter");
  await page.getByRole("menu").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("menu").waitFor({ state: "detached" });
  assert.equal(await page.getByTestId("scrim").count(), 1, "the drawer is still open");
  assert.equal(await focused(page), "chat-menu");
  await page.keyboard.press("Escape");
  await page.getByTestId("scrim").waitFor({ state: "detached" });
  await until("the focus is on the drawer's button again", 3_000, async () => (await focused(page)) === "drawer-open", () => focused(page));
});

story(running, "shortcuts: new chat, sidebar, text field", async ({ server, open }) => {
  const { page } = await open();
  const { chat } = await server.ask(`Shortcuts\n${QUICK}`);
  await page.goto(`/c/${chat.id}`);
  await untilState(page, "complete");
  await page.getByTestId("model-button").focus();
  await page.keyboard.press("Shift+Escape");
  assert.equal(await focused(page), "composer-input");
  await page.keyboard.press("Control+Shift+S");
  assert.equal(await page.evaluate(() => document.documentElement.dataset.frame), "rail");
  await page.reload();
  await untilState(page, "complete");
  assert.equal(await page.evaluate(() => document.documentElement.dataset.frame), "rail", "the rail outlives a load");
  await page.keyboard.press("Control+Shift+S");
  assert.equal(await page.evaluate(() => document.documentElement.dataset.frame ?? "wide"), "wide");
  await page.keyboard.press("Control+Shift+O");
  await page.waitForURL("**/");
  await until("the text field has the focus", 3_000, async () => (await focused(page)) === "composer-input", () => focused(page));
});

story(running, "stopping, continuing and copying by keys", async ({ open }) => {
  const { page } = await open({ permissions: ["clipboard-read", "clipboard-write"] });
  await openNew(page);
  await send(page, script({ tokens: 400, delay_ms: 10 }));
  await chatId(page);
  await page.getByTestId("stop").waitFor();
  for (let at = 0; at < 6 && (await focused(page)) !== "stop"; at += 1) await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await untilState(page, "stopped");
  assert.notEqual(await focused(page), "page", "the focus did not vanish with the button");
  await page.getByTestId("continue").focus();
  assert.equal(await focusSeen(page), true);
  await page.keyboard.press("Enter");
  await untilState(page, "complete");
  await replies(page).last().locator(".acts").getByTestId("copy").focus();
  await page.keyboard.press("Enter");
  await replies(page).last().getByRole("button", { name: "Copied" }).waitFor();
  // The question's own copy button appears with the focus.
  await ownMessages(page).getByTestId("copy").focus();
  await until("the button of the question can be seen", 3_000, async () => Number(await ownMessages(page).getByTestId("copy").evaluate((b) => getComputedStyle(b).opacity)) > 0.9);
});

story(running, "set-up and sign-in by keys alone", async ({ open, test }) => {
  const server = await Server.start({ account: false });
  test.after(() => server.remove());
  const { page } = await open({ server, signedIn: false });
  await page.goto(server.setupLink);
  await page.getByTestId("setup-form").waitFor();
  await page.keyboard.type(ANA.name);
  await page.keyboard.press("Tab");
  await page.keyboard.type(ANA.email);
  await page.keyboard.press("Tab");
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: /What shall we work on/ }).waitFor();
  const other = await open({ server, signedIn: false });
  await other.page.goto("/");
  await other.page.getByTestId("sign-in-form").waitFor();
  await other.page.keyboard.type(ANA.email);
  await other.page.keyboard.press("Tab");
  await other.page.keyboard.type(PASSWORD);
  await other.page.keyboard.press("Enter");
  await other.page.getByRole("heading", { level: 1, name: /What shall we work on/ }).waitFor();
});
