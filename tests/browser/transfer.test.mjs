// Coming with one's chats and leaving with all of one's data: by hand, in the settings.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { script } from "./harness/chat.mjs";
import { Server } from "./harness/server.mjs";
import { story, suite } from "./harness/suite.mjs";
import { until } from "./harness/until.mjs";

const running = suite();
/** An export as ChatGPT makes it, with what cannot be kept: pictures, a chat that hangs together badly, one without messages. */
const CHATGPT = readFileSync(fileURLToPath(new URL("../../services/chat/tests/fixtures/chatgpt.json", import.meta.url)));

/** @param {import("playwright-core").Page} page */
async function openData(page) {
  await page.goto("/#settings/data");
  const dialog = page.getByTestId("settings");
  await dialog.getByTestId("export").waitFor();
  return dialog;
}

/** The chats of an account with their shown messages. @param {Server} server */
async function contents(server) {
  const chats = await Promise.all((await server.chats()).map((chat) => server.chat(chat.id)));
  return chats.map(({ chat, messages }) => ({ title: chat.title, texts: messages.map((message) => message.text) })).sort((a, b) => a.title.localeCompare(b.title));
}

story(running, "the export of ChatGPT comes in, with a report of what could not be kept", async ({ open, test }) => {
  const server = await Server.start();
  test.after(() => server.remove());
  const { page } = await open({ server, cookie: server.cookie });
  const dialog = await openData(page);
  await dialog.getByTestId("import-file").setInputFiles({ name: "conversations.json", mimeType: "application/json", buffer: CHATGPT });
  const report = dialog.getByTestId("import-report");
  await report.getByText("from ChatGPT. Chats: 2").waitFor();
  await report.locator("summary").click();
  await report.getByText("that are no text").first().waitFor();
  assert.ok((await report.locator("li").count()) > 2);
  await page.keyboard.press("Escape");
  const row = page.getByTestId("chat-row").filter({ hasText: "Pruning roses" });
  await row.getByRole("link").click();
  await page.getByText("Prune it after it has flowered.").waitFor();
  await page.getByTestId("settings").waitFor({ state: "detached" });

  // The same file again brings nothing twice.
  await openData(page);
  await dialog.getByTestId("import-file").setInputFiles({ name: "conversations.json", mimeType: "application/json", buffer: CHATGPT });
  await until("the second import has ended", 20_000, async () => {
    const { imports } = await server.json("GET", "/api/v1/imports");
    return imports.length === 2 && imports.every((one) => one.state === "ready");
  });
  assert.equal((await server.chats()).length, 2);
});

story(running, "a file that is no export is told as such, and nothing changes", async ({ server, open }) => {
  const before = await contents(server);
  const { page } = await open();
  const dialog = await openData(page);
  await dialog.getByTestId("import-file").setInputFiles({ name: "holiday.json", mimeType: "application/json", buffer: Buffer.from('{"photos": 3}') });
  const report = dialog.getByTestId("import-report");
  await report.locator("summary").click();
  await report.locator("li").first().waitFor();
  assert.deepEqual(await contents(server), before);
});

story(running, "all data is exported, fetched, and brought into another instance", async ({ server, open, test }) => {
  for (const title of ["Taken along", "And this one"]) await server.ask(`${title}\n${script({ tokens: 20, delay_ms: 0 })}`);
  const mine = await contents(server);
  const { page } = await open();
  const dialog = await openData(page);
  await dialog.getByTestId("export").getByRole("button", { name: "Export" }).click();
  const link = dialog.getByTestId("export-file");
  await link.waitFor();
  await dialog.getByTestId("export").getByText(/^Ready, [\d.]+ [kM]?B/).waitFor();
  await page.reload();
  const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
  assert.match(download.suggestedFilename(), /\.zip$/);

  const other = await Server.start();
  test.after(() => other.remove());
  const there = await open({ server: other, cookie: other.cookie });
  const settings = await openData(there.page);
  await settings.getByTestId("import-file").setInputFiles({ name: "taifas.zip", mimeType: "application/zip", buffer: readFileSync(await download.path()) });
  await settings.getByTestId("import-report").getByText("from Taifas").waitFor();
  assert.deepEqual(await contents(other), mine);
});
