// The list of chats: renaming, deleting and taking it back, more rows, and chats that are not there.
import assert from "node:assert/strict";
import { chatId, composer, openNew, replies, script, send, untilState } from "./harness/chat.mjs";
import { story, suite } from "./harness/suite.mjs";
import { pause, until } from "./harness/until.mjs";
import { uuidv7 } from "./harness/uuid.mjs";

const running = suite();
const QUICK = script({ tokens: 3, delay_ms: 0 });

/** @param {import("playwright-core").Page} page @param {string} id */
const row = (page, id) => page.locator(`[data-testid=chat-row][data-chat-id="${id}"]`);

async function openMenu(page, id) {
  await row(page, id).hover();
  await row(page, id).getByTestId("chat-menu").click();
  await page.getByRole("menu").waitFor();
}

/** A menu takes the press that closed it for no new one; nobody presses twice that fast. */
const SAME_PRESS_MS = 300;

async function beginRename(page, id) {
  await pause(SAME_PRESS_MS);
  await openMenu(page, id);
  await page.getByTestId("chat-rename").click();
  const field = page.getByTestId("rename-input");
  await until("the whole title is selected", 3_000, () => field.evaluate((input) => input === document.activeElement && input.selectionEnd - input.selectionStart === input.value.length));
  return field;
}

story(running, "renaming: Enter and leaving save, Esc and an empty title do not", async ({ server, open }) => {
  const { page } = await open();
  const { chat } = await server.ask(`Old name\n${QUICK}`);
  await page.goto(`/c/${chat.id}`);
  const link = row(page, chat.id).getByRole("link");

  let field = await beginRename(page, chat.id);
  await field.fill("By Enter");
  await field.press("Enter");
  await link.getByText("By Enter").waitFor();
  await until("focus is on the row again", 3_000, () => link.evaluate((element) => element === document.activeElement));
  await until("the title is stored", 5_000, async () => (await server.chat(chat.id)).chat.title === "By Enter");
  await until("the page has the title", 5_000, async () => (await page.title()) === "By Enter · Taifas", () => page.title());

  field = await beginRename(page, chat.id);
  await field.fill("By leaving");
  await composer(page).click();
  await link.getByText("By leaving").waitFor();
  await until("the title is stored", 5_000, async () => (await server.chat(chat.id)).chat.title === "By leaving");

  field = await beginRename(page, chat.id);
  await field.fill("Never");
  await field.press("Escape");
  await link.getByText("By leaving").waitFor();
  field = await beginRename(page, chat.id);
  await field.fill("   ");
  await field.press("Enter");
  await link.getByText("By leaving").waitFor();
  assert.equal((await server.chat(chat.id)).chat.title, "By leaving");
});

story(running, "a title given on another device meanwhile is kept and told", async ({ server, open }) => {
  const { page } = await open();
  const { chat } = await server.ask(`Two devices\n${QUICK}`);
  await page.goto(`/c/${chat.id}`);
  const field = await beginRename(page, chat.id);
  await field.fill("From this device");
  await server.json("PATCH", `/api/v1/chats/${chat.id}`, { title: "From the other", version: (await server.chat(chat.id)).chat.version });
  await field.press("Enter");
  await page.getByText("Meanwhile it got the title “From the other”. Yours was not saved.").waitFor();
  await row(page, chat.id).getByText("From the other").waitFor();
  assert.equal((await server.chat(chat.id)).chat.title, "From the other");
});

story(running, "deleting the open chat leads to a new one; Undo brings both back", async ({ server, open }) => {
  const { page } = await open();
  const { chat } = await server.ask(`To be deleted\n${QUICK}`);
  await page.goto(`/c/${chat.id}`);
  await untilState(page, "complete");
  await openMenu(page, chat.id);
  await page.getByTestId("chat-delete").click();
  await page.waitForURL("**/");
  await page.getByText("Chat deleted").waitFor();
  assert.equal(await row(page, chat.id).count(), 0);
  await until("it is gone on the server", 5_000, async () => (await server.request("GET", `/api/v1/chats/${chat.id}`)).status === 404);
  await page.getByTestId("toast-undo").click();
  await page.waitForURL(`**/c/${chat.id}`);
  await untilState(page, "complete");
  await row(page, chat.id).waitFor();
  assert.equal((await server.chat(chat.id)).messages.length, 2);
});

story(running, "Ctrl+Z takes a deletion back; the toast goes by itself but not under the pointer", async ({ server, open }) => {
  const { page } = await open();
  const { chat } = await server.ask(`Deleted by mistake\n${QUICK}`);
  await page.goto("/");
  await row(page, chat.id).waitFor();
  await openMenu(page, chat.id);
  await page.getByTestId("chat-delete").click();
  const toast = page.getByText("Chat deleted");
  await toast.waitFor();
  await page.keyboard.press("Control+z");
  await row(page, chat.id).waitFor();
  await toast.waitFor({ state: "detached" });

  await openMenu(page, chat.id);
  await page.getByTestId("chat-delete").click();
  await toast.hover();
  await pause(7_000);
  assert.equal(await toast.count(), 1, "it stays while it is looked at");
  await page.mouse.move(640, 600);
  await toast.waitFor({ state: "detached", timeout: 10_000 });
});

story(running, "deleting a chat whose answer runs stops the answer", async ({ server, open }) => {
  const { page } = await open();
  await openNew(page);
  await send(page, `Running\n${script({ tokens: 2_000, delay_ms: 20 })}`);
  const id = await chatId(page);
  await replies(page).first().waitFor();
  await row(page, id).waitFor();
  await openMenu(page, id);
  await page.getByTestId("chat-delete").click();
  await page.waitForURL("**/");
  await page.getByTestId("toast-undo").click();
  await page.waitForURL(`**/c/${id}`);
  await untilState(page, "stopped");
  assert.equal((await server.chat(id)).messages[1].state, "stopped");
});

story(running, "the list grows while it is scrolled and stays in the order of the last activity", async ({ server, open }) => {
  for (let at = 0; at < 40; at += 1) await server.ask(`Row ${at}\n${QUICK}`);
  const { page } = await open();
  await page.goto("/");
  await page.getByTestId("chat-row").first().waitFor();
  assert.ok((await page.getByTestId("chat-row").count()) < 40, "the first page is not everything");
  await page.getByTestId("chat-row").last().scrollIntoViewIfNeeded();
  await until("the oldest row is there", 10_000, async () => {
    await page.getByTestId("chat-row").last().scrollIntoViewIfNeeded();
    return (await page.getByTestId("chat-row").getByText("Row 0", { exact: true }).count()) === 1;
  });
  const titles = await page.getByTestId("chat-row").locator("a > span:first-child").allInnerTexts();
  assert.deepEqual(titles.slice(0, 40).map((title) => title.trim()), Array.from({ length: 40 }, (_, at) => `Row ${39 - at}`));
});

story(running, "a chat that is not there says so, without an error page", async ({ open }) => {
  const { page } = await open();
  await page.goto(`/c/${uuidv7()}`);
  await page.getByRole("heading", { name: "This chat is not here" }).waitFor();
  assert.equal(await composer(page).count(), 0);
  await page.getByRole("main").getByRole("button", { name: "New chat" }).last().click();
  await page.waitForURL("**/");
  await composer(page).waitFor();
});
