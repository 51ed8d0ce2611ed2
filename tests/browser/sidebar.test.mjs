// The sidebar beyond the plain list: pinned chats, projects, archive and trash, and that a second device sees it all.
import assert from "node:assert/strict";
import { chatId, composer, openNew, ownMessages, script, send, stateShown, textShown, untilState, untilText } from "./harness/chat.mjs";
import { Server } from "./harness/server.mjs";
import { story, suite } from "./harness/suite.mjs";
import { pause, until } from "./harness/until.mjs";

const running = suite();
const QUICK = script({ tokens: 4, delay_ms: 0 });
/** @param {import("playwright-core").Page} page @param {string} id */
const row = (page, id) => page.locator(`[data-testid=chat-row][data-chat-id="${id}"]`);
const group = (page, name) => page.locator(`[data-group="${name}"]`);

async function openMenu(page, id) {
  await pause(300);
  await row(page, id).first().hover();
  await row(page, id).first().getByTestId("chat-menu").click();
  await page.getByRole("menu").waitFor();
}

async function makeProject(page, name, instructions = "") {
  await page.getByTestId("new-project").click();
  await page.getByTestId("project-name").fill(name);
  if (instructions) await page.getByTestId("project-instructions").fill(instructions);
  await page.getByTestId("project-save").click();
  await page.getByTestId("project-dialog").waitFor({ state: "detached" });
}

story(running, "a pinned chat stands above the others; groups fold and remember it", async ({ server, open }) => {
  const { page } = await open();
  const { chat } = await server.ask(`To pin\n${QUICK}`);
  await server.ask(`A later one\n${QUICK}`);
  await page.goto("/");
  await row(page, chat.id).waitFor();
  await openMenu(page, chat.id);
  await page.getByTestId("chat-pin").click();
  await group(page, "pinned").locator(`[data-chat-id="${chat.id}"]`).waitFor();
  assert.equal(await group(page, "chats").locator(`[data-chat-id="${chat.id}"]`).count(), 0);
  await until("it is stored", 5_000, async () => (await server.chat(chat.id)).chat.pinned);
  await page.getByTestId("group-pinned").click();
  await row(page, chat.id).waitFor({ state: "detached" });
  await page.reload();
  await page.getByTestId("group-pinned").waitFor();
  assert.equal(await page.getByTestId("group-pinned").getAttribute("aria-expanded"), "false");
  assert.equal(await row(page, chat.id).count(), 0);
  await page.getByTestId("group-pinned").click();
  await openMenu(page, chat.id);
  await page.getByTestId("chat-pin").click();
  await group(page, "chats").locator(`[data-chat-id="${chat.id}"]`).waitFor();
});

story(running, "archiving takes a chat off the list, Undo and the archive bring it back", async ({ server, open }) => {
  const { page } = await open();
  const { chat } = await server.ask(`To archive\n${QUICK}`);
  await page.goto("/");
  await row(page, chat.id).waitFor();
  await openMenu(page, chat.id);
  await page.getByTestId("chat-archive").click();
  await row(page, chat.id).waitFor({ state: "detached" });
  await page.getByTestId("toast-undo").click();
  await row(page, chat.id).waitFor();
  await openMenu(page, chat.id);
  await page.getByTestId("chat-archive").click();
  await row(page, chat.id).waitFor({ state: "detached" });
  await page.getByTestId("open-archive").click();
  const filed = page.locator(`[data-testid=shelf-row][data-chat-id="${chat.id}"]`);
  await filed.getByTestId("shelf-back").click();
  await row(page, chat.id).waitFor();
  await filed.waitFor({ state: "detached" });
  assert.equal((await server.chat(chat.id)).chat.archived, false);
});

story(running, "the trash gives back, and deletes for good only after a question", async ({ server, open }) => {
  const { page } = await open();
  const back = (await server.ask(`Comes back\n${QUICK}`)).chat;
  const gone = (await server.ask(`To be erased\n${QUICK}`)).chat;
  await until("it is called so", 5_000, async () => {
    const { version } = (await server.chat(gone.id)).chat;
    return (await server.request("PATCH", `/api/v1/chats/${gone.id}`, { title: "Goes for good", version })).ok;
  });
  for (const { id } of [back, gone]) await server.json("DELETE", `/api/v1/chats/${id}`);
  await page.goto("/trash");
  const filed = (id) => page.locator(`[data-testid=shelf-row][data-chat-id="${id}"]`);
  await filed(back.id).getByTestId("shelf-back").click();
  await row(page, back.id).waitFor();
  await filed(gone.id).getByTestId("shelf-erase").click();
  await page.getByRole("dialog").getByText("Goes for good").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Cancel", "the harmless button has the focus");
  await page.keyboard.press("Escape");
  assert.equal(await filed(gone.id).count(), 1);
  await filed(gone.id).getByTestId("shelf-erase").click();
  await page.getByTestId("erase-confirm").click();
  await filed(gone.id).waitFor({ state: "detached" });
  await until("it is erased", 5_000, async () => (await server.request("POST", `/api/v1/chats/${gone.id}/restore`)).status === 404);
});

story(running, "a project: made, filled from the menu and by dragging, asked in, changed, deleted and taken back", async ({ server, open }) => {
  const { page } = await open();
  const one = (await server.ask(`By the menu\n${QUICK}`)).chat;
  const two = (await server.ask(`By the mouse\n${QUICK}`)).chat;
  await page.goto("/");
  await row(page, one.id).waitFor();
  await makeProject(page, "Garden", "Answer as a gardener.");
  await page.waitForURL(/\/p\/[0-9a-f-]{36}$/);
  await page.getByRole("heading", { level: 1, name: "Garden" }).waitFor();
  await page.getByText("Answer as a gardener.").waitFor();

  await openMenu(page, one.id);
  await page.getByTestId("chat-move").click();
  await page.getByRole("menuitemradio", { name: "Garden" }).click();
  const project = page.getByTestId("project-row").filter({ hasText: "Garden" });
  await project.locator(`[data-chat-id="${one.id}"]`).waitFor();
  await row(page, two.id).dragTo(project.getByRole("link", { name: "Garden" }));
  await project.locator(`[data-chat-id="${two.id}"]`).waitFor();
  assert.equal(await group(page, "chats").locator(`[data-chat-id="${two.id}"]`).count(), 0);
  await until("both are stored", 5_000, async () => (await server.chat(one.id)).chat.project_id && (await server.chat(two.id)).chat.project_id);

  const changes = [];
  page.on("request", (request) => request.method() === "PATCH" && request.url().includes("/chats/") && changes.push(request.url()));
  await composer(page).fill(`Asked in the project\n${QUICK}`);
  await composer(page).press("Enter");
  const asked = await chatId(page);
  await untilState(page, "complete");
  assert.equal((await server.chat(asked)).chat.project_id, new URL(await project.getByRole("link", { name: "Garden" }).getAttribute("href"), server.url).pathname.slice(3));
  assert.deepEqual(changes, [], "it begins there: nothing is moved afterwards");
  await project.locator(`[data-chat-id="${asked}"]`).waitFor();

  await project.getByRole("link", { name: "Garden" }).click();
  await page.getByTestId("project-chat").first().waitFor();
  assert.equal(await page.getByTestId("project-chat").count(), 3);
  await page.getByTestId("project-edit").click();
  await page.getByTestId("project-name").fill("Orchard");
  await page.getByTitle("Moss").click();
  await page.getByTestId("project-save").click();
  await page.getByRole("heading", { level: 1, name: "Orchard" }).waitFor();
  await page.getByTestId("project-row").getByText("Orchard").waitFor();

  await page.getByTestId("project-delete").click();
  await page.waitForURL("**/");
  await page.getByTestId("project-row").filter({ hasText: "Orchard" }).waitFor({ state: "detached" });
  await page.getByTestId("toast-undo").click();
  await page.getByRole("heading", { level: 1, name: "Orchard" }).waitFor();
  await until("its chats are back", 10_000, async () => (await page.getByTestId("project-chat").count()) === 3);
});

story(running, "the title says what is open, and the instance by the name it was given", async ({ open, test }) => {
  const server = await Server.start();
  test.after(() => server.remove());
  const { version } = await server.json("GET", "/api/v1/admin/instance");
  await server.json("PATCH", "/api/v1/admin/instance", { version, name: "Acme Chat" });
  const { project, chat } = { project: await server.json("POST", "/api/v1/projects", { name: "Garden", color: "moss", instructions: "" }), chat: (await server.ask(`Roses\n${QUICK}`)).chat };
  const { page } = await open({ server, cookie: server.cookie });
  const pages = [["/", "Acme Chat"], [`/c/${chat.id}`, `${(await server.chat(chat.id)).chat.title} · Acme Chat`], [`/p/${project.id}`, "Garden · Acme Chat"], ["/trash", "Trash · Acme Chat"], ["/?temporary-chat=true", "Temporary chat · Acme Chat"]];
  for (const [path, title] of pages) {
    await page.goto(path);
    await until(`the title of ${path} is there`, 5_000, async () => (await page.title()) === title, () => page.title());
  }
});

story(running, "a second device sees new chats, titles, pins and messages at once, and what was read there is read here", async ({ server, open }) => {
  const { page } = await open();
  const other = await open({ cookie: await server.signIn() });
  await page.goto("/");
  await other.page.goto("/");
  await pause(1_500);
  await openNew(page);
  await send(page, `Seen everywhere\n${QUICK}`);
  const id = await chatId(page);
  await row(other.page, id).waitFor({ timeout: 5_000 });
  await untilState(page, "complete");
  await server.json("PATCH", `/api/v1/chats/${id}`, { title: "A better name", version: (await server.chat(id)).chat.version });
  await row(page, id).getByText("A better name").waitFor({ timeout: 5_000 });
  await row(other.page, id).getByText("A better name").waitFor({ timeout: 5_000 });
  await openMenu(other.page, id);
  await other.page.getByTestId("chat-pin").click();
  await group(page, "pinned").locator(`[data-chat-id="${id}"]`).waitFor({ timeout: 5_000 });

  await other.page.goto(`/c/${id}`);
  await send(other.page, `From the other device\n${script({ tokens: 60, delay_ms: 20 })}`);
  await ownMessages(page).getByText("From the other device").waitFor({ timeout: 5_000 });
  await untilState(page, "complete");
  await untilState(other.page, "complete");

  await page.goto("/");
  await row(page, id).waitFor();
  const { messages } = await server.chat(id);
  await other.page.goto("/");
  await row(other.page, id).waitFor();
  await server.ask(`Unread\n${QUICK}`, { chatId: id, parentId: messages.at(-1).id });
  await row(page, id).getByTestId("unread").waitFor();
  await row(other.page, id).getByTestId("unread").waitFor();
  await other.page.goto(`/c/${id}`);
  await untilState(other.page, "complete");
  await row(page, id).getByTestId("unread").waitFor({ state: "detached", timeout: 10_000 });
});

story(running, "a draft follows to another device while its field is untouched", async ({ server, open }) => {
  const { page } = await open();
  const other = await open({ cookie: await server.signIn() });
  const { chat } = await server.ask(`Drafted\n${QUICK}`);
  await page.goto(`/c/${chat.id}`);
  await other.page.goto(`/c/${chat.id}`);
  await untilState(other.page, "complete");
  await pause(1_500);
  await composer(page).fill("Half a thought");
  await until("the draft is there too", 10_000, async () => (await composer(other.page).inputValue()) === "Half a thought", () => composer(other.page).inputValue());
  await composer(other.page).fill("Half a thought, and more");
  await until("it goes back and forth", 10_000, async () => (await composer(page).inputValue()) === "Half a thought, and more", () => composer(page).inputValue());
  await composer(page).fill(`Sent\n${QUICK}`);
  await pause(1_500);
  await composer(page).press("Enter");
  await until("the field is empty there as well", 10_000, async () => (await composer(other.page).inputValue()) === "", () => composer(other.page).inputValue());
});

story(running, "two tabs of one browser share one live connection", async ({ open }) => {
  const { page, context } = await open();
  // As far away as a server is: what is said and heard takes a while.
  const late = (work) => setTimeout(() => { try { work(); } catch { /* closed meanwhile */ } }, 150);
  await context.routeWebSocket(/\/api\/v1\/live/, (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((message) => late(() => server.send(message)));
    server.onMessage((message) => late(() => socket.send(message)));
  });
  let sockets = 0;
  const count = (tab) => tab.on("websocket", (socket) => {
    sockets += 1;
    socket.on("close", () => { sockets -= 1; });
  });
  count(page);
  await openNew(page);
  await until("the first tab listens", 10_000, () => sockets === 1);
  const tab = await context.newPage();
  count(tab);
  await tab.goto("/");
  await pause(2_500);
  assert.equal(sockets, 1, "the second tab has none of its own");
  await composer(page).fill("");
  await send(page, `Shared line\n${script({ tokens: 800, delay_ms: 15 })}`);
  const id = await chatId(page);
  await row(tab, id).waitFor({ timeout: 5_000 });
  await untilText(page, 200);
  await page.evaluate(() => {
    const reply = document.querySelector("[data-testid=reply]")?.getAttribute("data-reply-id") ?? "";
    let longest = 0;
    window.__shrank = 0;
    const look = () => {
      const length = window.__taifas?.replyText(reply)?.length ?? longest;
      window.__shrank = Math.max(window.__shrank, longest - length);
      longest = Math.max(longest, length);
    };
    setInterval(look, 5);
  });
  await row(tab, id).getByRole("link").click();
  await untilText(tab, 200);
  assert.equal(await stateShown(tab), "streaming", "the second tab sees it while it is written");
  // It leaves, and comes back to what has gone on.
  await openNew(tab);
  await untilText(page, 900);
  await row(tab, id).getByRole("link").click();
  await untilText(tab, 900);
  assert.equal(await stateShown(tab), "streaming");
  await untilState(tab, "complete");
  await untilState(page, "complete");
  assert.equal(await textShown(tab), await textShown(page));
  assert.equal(await page.evaluate(() => window.__shrank), 0, "the first tab loses nothing by it");
  assert.equal(sockets, 1);
  await page.close();
  await until("the second tab takes over", 15_000, () => sockets === 1, () => sockets);
  await pause(500);
  await send(tab, `After the first tab\n${QUICK}`);
  await untilState(tab, "complete");
});
