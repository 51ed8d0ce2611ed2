// Pictures of every screen, light and dark, 360 and 1280 wide, for a person to look at:
//   node tests/browser/look.mjs FOLDER
// Not a test: nothing is compared.
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { launch, visit } from "./harness/browser.mjs";
import { chatId, composer, openNew, script, send, untilState, untilText } from "./harness/chat.mjs";
import { OUTSIDE, SCREENS } from "./harness/screens.mjs";
import { ANA, Server } from "./harness/server.mjs";
import { picture } from "./harness/picture.mjs";
import { pause } from "./harness/until.mjs";

const folder = process.argv[2];
if (!folder) {
  console.error("usage: node tests/browser/look.mjs FOLDER");
  process.exit(2);
}
await mkdir(folder, { recursive: true });

const browser = await launch();
const fresh = await Server.start({ account: false });
const server = await Server.start();
const RICH = script({ tokens: 420, style: "markdown", seed: 7, delay_ms: 0 });
for (const title of ["Rivers of the north", "A plan for the garden, with beds, paths and the shed behind it", "Minutes of Tuesday", "Translate a letter"]) {
  await server.ask(`${title}\n${script({ tokens: 40, delay_ms: 0, seed: title.length })}`);
}
const rich = await server.ask(`Everything Markdown has\n${RICH}`);

const branched = await server.ask(`Which flowers grow in the shade?\n${script({ tokens: 60, style: "markdown", delay_ms: 0, seed: 3 })}`);
await server.send(`Which flowers grow in full sun?\n${script({ tokens: 50, delay_ms: 0, seed: 4 })}`, { chatId: branched.chat.id, branch: true });
await server.ended(branched.chat.id);
const project = await server.json("POST", "/api/v1/projects", { name: "Spring catalogue", color: "moss", instructions: "Prices in lei, sizes in centimetres. The catalogue goes to print on 1 March." });
await server.json("POST", "/api/v1/projects", { name: "Invoices", color: "ochre", instructions: "" });
// Somebody else: the administrator's own row has no menu.
await server.json("POST", "/api/v1/admin/people", { name: "Mihai Ionescu", email: "mihai@example.org", role: "user" });
const all = await server.chats();
const change = async (chat, wanted) => server.json("PATCH", `/api/v1/chats/${chat.id}`, { version: (await server.chat(chat.id)).chat.version, ...wanted });
for (const chat of all.slice(0, 1)) await change(chat, { project_id: project.id });
for (const chat of all.slice(1, 2)) await change(chat, { pinned: true });
const filed = await server.ask(`Filed away\n${script({ tokens: 5, delay_ms: 0 })}`);
await change(filed.chat, { archived: true });
const binned = await server.ask(`Thrown away\n${script({ tokens: 5, delay_ms: 0 })}`);
await server.json("DELETE", `/api/v1/chats/${binned.chat.id}`);

let pictures = 0;
try {
  for (const theme of ["light", "dark"]) {
    for (const [width, height] of [[1280, 800], [360, 740]]) {
      await shoot(theme, width, height);
    }
  }
} finally {
  await browser.close();
  await Promise.all([server.remove(), fresh.remove()]);
}
console.log(`${pictures} pictures in ${resolve(folder)}`);

/** @param {string} theme @param {number} width @param {number} height */
async function shoot(theme, width, height) {
  const look = { theme, width, height };
  /** @param {import("playwright-core").Page} page @param {string} name */
  const take = async (page, name) => {
    await pause(350);
    await page.screenshot({ path: join(folder, `${name}-${theme}-${width}.png`) });
    pictures += 1;
  };

  const out = await visit(browser, fresh, { ...look, signedIn: false });
  await out.page.goto("/");
  await out.page.getByTestId("setup-no-token").waitFor();
  await take(out.page, "setup-no-link");
  await out.page.goto(fresh.setupLink);
  await out.page.getByTestId("setup-form").waitFor();
  await out.page.getByLabel("Password", { exact: true }).fill("correct");
  await out.page.getByRole("button", { name: "Make the account" }).click();
  await take(out.page, "setup");
  await out.context.close();

  const outside = await visit(browser, server, { ...look, signedIn: false });
  for (const path of OUTSIDE) {
    await outside.page.goto(path);
    await outside.page.getByRole("heading", { level: 1 }).waitFor();
    await take(outside.page, `outside-${path.slice(1).replace("#", "-")}`);
  }
  await outside.context.close();
  const inside = await visit(browser, server, look);
  for (const screen of SCREENS) {
    await screen.show(inside.page);
    await take(inside.page, screen.name);
  }
  await inside.context.close();

  const door = await visit(browser, server, { ...look, signedIn: false });
  await door.page.goto("/");
  await door.page.getByTestId("sign-in-form").waitFor();
  await take(door.page, "sign-in");
  await door.page.getByLabel("E-mail", { exact: true }).fill(ANA.email);
  await door.page.getByLabel("Password", { exact: true }).fill(ANA.password);
  await door.page.getByRole("button", { name: "Sign in" }).click();
  await door.page.getByRole("heading", { level: 1, name: /What shall we work on/ }).waitFor();

  const { page, context } = door;
  await take(page, "empty");
  await page.getByTestId("model-button").click();
  await take(page, "models");
  await page.keyboard.press("Escape");
  if (width < 768) {
    await page.getByTestId("drawer-open").click();
    await take(page, "drawer");
  }
  await page.getByTestId("profile").click();
  await take(page, "profile");
  await page.keyboard.press("Escape");
  await page.goto("/");
  if (width >= 768) {
    await page.getByTestId("chat-row").nth(2).hover();
    await page.getByTestId("chat-row").nth(2).getByTestId("chat-menu").click();
    await take(page, "chat-menu");
    await page.keyboard.press("Escape");
    await page.getByTestId("sidebar-toggle").click();
    await take(page, "rail");
    await page.getByTestId("sidebar-open").click();
  }

  await page.keyboard.press("Control+k");
  await page.getByTestId("palette-hit").first().waitFor();
  await take(page, "palette");
  await page.getByTestId("palette-input").fill("gard");
  await page.locator("[data-testid=palette-hit] mark").first().waitFor();
  await take(page, "palette-found");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+/");
  await take(page, "shortcuts");
  await page.keyboard.press("Escape");
  await page.goto(`/p/${project.id}`);
  await page.getByTestId("project-chat").first().waitFor();
  await take(page, "project");
  await page.getByTestId("project-edit").click();
  await take(page, "project-edit");
  await page.keyboard.press("Escape");
  await page.goto("/archive");
  await page.getByTestId("shelf-row").first().waitFor();
  await take(page, "archive");
  await page.goto("/trash");
  await page.getByTestId("shelf-row").first().waitFor();
  await take(page, "trash");
  await page.getByTestId("shelf-erase").first().click();
  await take(page, "trash-question");
  await page.keyboard.press("Escape");
  await page.goto("/?temporary-chat=true");
  await page.getByTestId("temporary").waitFor();
  await take(page, "temporary");

  await page.goto(`/c/${branched.chat.id}`);
  await untilState(page, "complete");
  await page.getByTestId("again").last().click();
  await take(page, "again-menu");
  await page.getByTestId("again-change").click();
  await page.getByTestId("change-field").fill("As a table");
  await take(page, "again-change");
  await page.keyboard.press("Escape");
  await page.getByTestId("user-message").first().hover();
  await take(page, "branches");
  await page.getByTestId("user-message").first().getByTestId("edit").click();
  await take(page, "editing");
  await page.keyboard.press("Escape");
  await page.getByTestId("header-menu").click();
  await take(page, "header-menu");
  await page.getByTestId("chat-tree").click();
  await page.getByTestId("tree-row").first().waitFor();
  await take(page, "tree");
  await page.keyboard.press("Escape");
  await page.getByTestId("attach-input").setInputFiles([picture("flowers in the garden.png"), { name: "liar.png", mimeType: "image/png", buffer: Buffer.from("no picture") }, { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("text") }]);
  await page.locator("[data-testid=tile][data-state=ready]").waitFor();
  await page.locator("[data-testid=tile][data-state=failed]").waitFor();
  await take(page, "attachments");
  for (let left = 2; left > 0; left -= 1) await page.getByTestId("tile-remove").first().click();

  await page.goto(`/c/${rich.chat.id}`);
  await untilState(page, "complete");
  await take(page, "finished-end");
  await page.evaluate(() => document.querySelector("[data-thread-scroller]").scrollTo(0, 0));
  await take(page, "finished-top");

  await openNew(page);
  await send(page, `Waiting for the first word\n${script({ tokens: 10, first_delay_ms: 6_000 })}`);
  await page.locator(".wait").first().waitFor();
  await take(page, "waiting");
  await page.getByTestId("stop").click();
  await untilState(page, "stopped");

  await openNew(page);
  await send(page, `An answer that streams\n${script({ tokens: 3_000, style: "markdown", seed: 9, delay_ms: 20 })}`);
  await chatId(page);
  await untilText(page, 250);
  await take(page, "streaming");
  await composer(page).fill("And then this, when it is done");
  await composer(page).press("Enter");
  await take(page, "streaming-next");
  await page.getByTestId("next-chip").getByRole("button").last().click();
  await composer(page).fill("");
  await page.getByTestId("stop").click();
  await untilState(page, "stopped");
  await take(page, "stopped");

  await openNew(page, "scripted/cannot");
  await send(page, `An answer that is cut\n${script({ tokens: 60, delay_ms: 0, cut_after: 40 })}`);
  await chatId(page);
  await untilState(page, "interrupted");
  await take(page, "interrupted");

  await openNew(page, "scripted/asks");
  await send(page, `An answer gone on with\n${script({ tokens: 60, delay_ms: 0, cut_after: 40 })}`);
  await chatId(page);
  await untilState(page, "complete");
  await take(page, "continued");

  await openNew(page);
  await send(page, `An answer that fails\n${script({ tokens: 10, delay_ms: 0, error_after: 0, error: "refused_key" })}`);
  await chatId(page);
  await untilState(page, "failed");
  await take(page, "failed");

  await openNew(page, "guide/guide");
  await send(page, "What happens when the server is killed in the middle of an answer?");
  await chatId(page);
  await untilState(page, "complete");
  await take(page, "guide");
  await context.setOffline(true);
  await page.getByTestId("connection-bar").waitFor();
  await send(page, "A message without a network");
  await take(page, "offline");
  await context.setOffline(false);
  await untilState(page, "complete");

  await page.routeWebSocket(/\/api\/v1\/live/, (socket) => socket.close());
  await page.route("**/api/v1/live*", (route) => route.abort());
  const shared = await server.ask(`Shared by two devices\n${script({ tokens: 20, delay_ms: 0 })}`);
  await page.goto(`/c/${shared.chat.id}`);
  await untilState(page, "complete");
  await server.ask("From the phone", { chatId: shared.chat.id, parentId: shared.messages.at(-1).id });
  await send(page, "From the desk");
  await page.getByTestId("newer-bar").waitFor();
  await take(page, "newer-turns");
  await page.getByTestId("continue-there").click();

  if (width < 768) await page.getByTestId("drawer-open").click();
  const row = page.locator(`[data-chat-id="${shared.chat.id}"]`);
  await row.hover();
  await row.getByTestId("chat-menu").click();
  await page.getByTestId("chat-delete").click();
  await page.getByText("Chat deleted").waitFor();
  await take(page, "toast");
  await page.goto("/c/018f0000-0000-7000-8000-000000000000");
  await page.getByText("This chat is not here").waitFor();
  await take(page, "missing");
  await context.close();
}
