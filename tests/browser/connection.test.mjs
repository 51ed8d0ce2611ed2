// Without a network, without a server, and with another device that was faster: nothing is lost, nothing is sent twice.
import assert from "node:assert/strict";
import { chatId, composer, openNew, ownMessages, replies, script, send, stateShown, textShown, untilState, untilText, withoutFeed } from "./harness/chat.mjs";
import { Server } from "./harness/server.mjs";
import { story, suite } from "./harness/suite.mjs";
import { pause, until } from "./harness/until.mjs";

const running = suite();
const QUICK = script({ tokens: 6, delay_ms: 0 });
const bar = (page, state) => page.locator(`[data-testid=connection-bar][data-state=${state}]`);

async function untilAnswered(page, count) {
  await until(`${count} answers are complete`, 30_000, async () => (await replies(page).count()) === count && (await stateShown(page)) === "complete", () => stateShown(page));
}

story(running, "offline: the bar says what waits, and it goes exactly once when the network is back", async ({ server, open }) => {
  const { page, context } = await open();
  await openNew(page);
  await send(page, `First\n${QUICK}`);
  const id = await chatId(page);
  await untilAnswered(page, 1);
  await context.setOffline(true);
  await bar(page, "offline").waitFor();
  await send(page, `While offline\n${QUICK}`);
  await ownMessages(page).nth(1).waitFor();
  await bar(page, "offline").getByText("1 message waits and will be sent when you are back.").waitFor();
  await ownMessages(page).nth(1).getByText("Waits for the connection").waitFor();
  assert.equal((await server.chat(id)).messages.length, 2);
  await context.setOffline(false);
  await bar(page, "sent").waitFor();
  await untilAnswered(page, 2);
  await bar(page, "sent").waitFor({ state: "detached" });
  const { messages } = await server.chat(id);
  assert.deepEqual(messages.map((m) => m.role), ["user", "assistant", "user", "assistant"]);
  assert.equal(await ownMessages(page).count(), 2);
});

story(running, "offline in the middle of an answer: the text stands and then goes on", async ({ server, open }) => {
  const { page, context } = await open();
  const fields = { tokens: 200, style: "markdown", seed: 71 };
  const truth = (await server.ask(script({ ...fields, delay_ms: 0 }))).messages[1].text;
  await openNew(page);
  await send(page, script({ ...fields, delay_ms: 20 }));
  await chatId(page);
  await untilText(page, 100);
  await context.setOffline(true);
  await pause(1_500);
  assert.ok(truth.startsWith(await textShown(page)));
  await context.setOffline(false);
  await untilState(page, "complete");
  assert.equal(await textShown(page), truth);
});

story(running, "a server that is away while a message is sent gets it exactly once", async ({ open, test }) => {
  const server = await Server.start();
  test.after(() => server.remove());
  const { page } = await open({ server });
  await openNew(page);
  await page.waitForLoadState("networkidle");
  await server.kill();
  await send(page, `Into the void\n${QUICK}`);
  await ownMessages(page).waitFor();
  await bar(page, "lost").waitFor();
  await bar(page, "lost").getByText("1 message waits").waitFor();
  await server.run();
  await untilAnswered(page, 1);
  await bar(page, "lost").waitFor({ state: "detached" });
  const chats = await server.chats();
  assert.equal(chats.length, 1);
  assert.equal((await server.chat(chats[0].id)).messages.length, 2);
  assert.equal(await ownMessages(page).count(), 1);
});

story(running, "a message whose answer got lost on the way is stored exactly once", async ({ server, open }) => {
  const { page } = await open();
  await openNew(page);
  let lost = 0;
  await page.route("**/messages", async (route) => {
    if (lost < 2) {
      lost += 1;
      await route.fetch();
      await route.abort("connectionreset");
    } else await route.continue();
  });
  await send(page, `Heard but not answered\n${QUICK}`);
  const id = await chatId(page);
  await untilAnswered(page, 1);
  assert.equal(lost, 2);
  const { messages } = await server.chat(id);
  assert.equal(messages.length, 2);
  assert.equal(await ownMessages(page).count(), 1);
});

story(running, "a message that is stored while its key is forgotten is not given back, whatever branch it is on", async ({ server, open }) => {
  const { page } = await open();
  await withoutFeed(page);
  const { chat, messages } = await server.ask(`Long ago\n${QUICK}`);
  await page.goto(`/c/${chat.id}`);
  await untilAnswered(page, 1);
  let tries = 0;
  let asked = 0;
  await page.route("**/messages", async (route) => {
    tries += 1;
    if (tries === 1) {
      await route.fetch();
      await server.ended(chat.id);
      // Meanwhile another device wrote another version beside it, which is the one that is shown.
      await server.ask(`Beside it\n${QUICK}`, { chatId: chat.id, parentId: messages.at(-1).id, branch: true });
      await route.abort("connectionreset");
    } else await route.fulfill({ status: 409, json: { code: "conflict", detail: "a message with this id exists already; make a new id for a new message", status: 409 } });
  });
  // What cannot be found out now is asked again, not guessed.
  await page.route("**/tree", (route) => {
    asked += 1;
    return asked === 1 ? route.fulfill({ status: 503, json: { code: "unavailable", detail: "Not now.", status: 503 } }) : route.continue();
  });
  await send(page, `Sent once\n${QUICK}`);
  await ownMessages(page).getByText("Beside it").waitFor();
  await untilAnswered(page, 2);
  assert.ok(tries >= 3 && asked >= 2, `${tries} tries, asked ${asked} times`);
  assert.equal(await composer(page).inputValue(), "", "nothing was given back");
  assert.equal(await page.getByTestId("newer-bar").count(), 0);
  const { nodes } = await server.json("GET", `/api/v1/chats/${chat.id}/tree`);
  assert.equal(nodes.filter((node) => node.excerpt.startsWith("Sent once")).length, 1, "it is stored exactly once");
});

story(running, "a request that hangs is not waited for: the message goes with the next one, once", async ({ server, open }) => {
  const { page } = await open();
  await openNew(page);
  let hung = 0;
  await page.route("**/messages", async (route) => {
    hung += 1;
    // Never answered, as when the network changes under a request.
    if (hung > 1) await route.continue();
  });
  await send(page, `Sent into a hole\n${QUICK}`);
  const id = await chatId(page);
  await until("it is stored", 10_000, async () => (await server.request("GET", `/api/v1/chats/${id}`)).ok);
  await untilAnswered(page, 1);
  assert.equal(hung, 2);
  assert.equal((await server.chat(id)).messages.length, 2);
});

story(running, "a message that waits outlives its tab", async ({ open, test }) => {
  const server = await Server.start();
  test.after(() => server.remove());
  const { page, context } = await open({ server });
  await openNew(page);
  // What shows a message is fetched behind the first paint, and cannot be from a server that is away.
  await page.waitForLoadState("networkidle");
  await server.kill();
  await send(page, `Closed too early\n${QUICK}`);
  await ownMessages(page).waitFor();
  await page.close();
  await server.run();
  const again = await context.newPage();
  await again.goto("/");
  const chat = await until("the message is stored", 15_000, async () => (await server.chats())[0]);
  const { messages } = await server.ended(chat.id);
  assert.equal(messages.length, 2);
  assert.match(messages[0].text, /^Closed too early/);
  await again.getByTestId("chat-row").getByText("Closed too early").waitFor();
  assert.equal((await server.chats()).length, 1);
});

story(running, "a message of a tab that was closed is sent by one that was open", async ({ server, open }) => {
  const { page, context } = await open();
  const { chat } = await server.ask(`Two were open\n${QUICK}`);
  const tab = await context.newPage();
  await tab.goto("/");
  await composer(tab).waitFor();
  await tab.waitForLoadState("networkidle");
  await page.goto(`/c/${chat.id}`);
  await untilAnswered(page, 1);
  await context.setOffline(true);
  await bar(page, "offline").waitFor();
  await send(page, `Left behind\n${QUICK}`);
  await ownMessages(page).nth(1).getByText("Waits for the connection").waitFor();
  await page.close();
  assert.equal((await server.chat(chat.id)).messages.length, 2);
  await context.setOffline(false);
  await until("the message is stored", 15_000, async () => (await server.chat(chat.id)).messages.length === 4);
  const { messages } = await server.ended(chat.id);
  assert.match(messages[2].text, /^Left behind/);
  assert.equal(messages.length, 4);
});

story(running, "newer turns from another device: the text comes back, and goes on there", async ({ server, open }) => {
  const { page } = await open();
  await withoutFeed(page);
  const { chat, messages } = await server.ask(`Shared\n${QUICK}`);
  await page.goto(`/c/${chat.id}`);
  await untilAnswered(page, 1);
  await server.ask(`From the phone\n${QUICK}`, { chatId: chat.id, parentId: messages.at(-1).id });
  await send(page, `From the desk\n${QUICK}`);
  await page.getByTestId("newer-bar").getByText("1 newer turn exists, written elsewhere.").waitFor();
  await until("the text is back in the field", 5_000, async () => (await composer(page).inputValue()).startsWith("From the desk"), () => composer(page).inputValue());
  await page.getByTestId("continue-there").click();
  await ownMessages(page).getByText("From the phone").waitFor();
  assert.equal(await composer(page).evaluate((field) => field === document.activeElement), true);
  await composer(page).press("Enter");
  await untilAnswered(page, 3);
  const stored = (await server.chat(chat.id)).messages;
  assert.deepEqual(stored.filter((m) => m.role === "user").map((m) => m.text.split("\n")[0]), ["Shared", "From the phone", "From the desk"]);
  assert.equal(await page.getByTestId("newer-bar").count(), 0);
});

story(running, "newer turns from another device: the text can be kept as a branch beside them", async ({ server, open }) => {
  const { page } = await open();
  await withoutFeed(page);
  const { chat, messages } = await server.ask(`Shared\n${QUICK}`);
  await page.goto(`/c/${chat.id}`);
  await untilAnswered(page, 1);
  await server.ask(`From the phone\n${QUICK}`, { chatId: chat.id, parentId: messages.at(-1).id });
  await send(page, `From the desk\n${QUICK}`);
  await page.getByTestId("keep-branch").click();
  await untilAnswered(page, 2);
  assert.equal(await composer(page).inputValue(), "");
  assert.match(await ownMessages(page).nth(1).innerText(), /From the desk/);
  await ownMessages(page).nth(1).getByTestId("pager").getByText("2/2").waitFor();
  assert.equal(await page.getByTestId("newer-bar").count(), 0);
  const tree = await server.json("GET", `/api/v1/chats/${chat.id}/tree`);
  assert.equal(tree.nodes.length, 6, "both versions are kept");
});

story(running, "what is sent before its chat is there waits for the chat, and is no first message of it", async ({ server, open }) => {
  const { page, context } = await open();
  const { chat, messages } = await server.ask(`Slow to come\n${QUICK}`, { model: "scripted/continues" });
  let arrive = () => undefined;
  const slow = new Promise((resolve) => { arrive = resolve; });
  await page.route(`**/api/v1/chats/${chat.id}`, async (route) => {
    await slow;
    await route.continue();
  });
  await page.goto(`/c/${chat.id}`);
  await composer(page).waitFor();
  await send(page, `Before it is there\n${QUICK}`);
  await page.getByTestId("next-chip").getByText("Before it is there").waitFor();
  await send(page, "And one more");
  await page.getByText("One message already waits").waitFor();
  assert.equal(await composer(page).inputValue(), "And one more");
  await composer(page).fill("");
  arrive();
  await untilAnswered(page, 2);
  const stored = (await server.chat(chat.id)).messages;
  assert.deepEqual(stored.map((m) => m.parent_id ?? null), [null, messages[0].id, messages[1].id, stored[2].id]);
  assert.equal(stored[3].model, messages[1].model, "the chat's model answers");
  assert.equal(await page.getByTestId("newer-bar").count(), 0);

  const { chat: unseen } = await server.ask(`Not visited\n${QUICK}`);
  await page.locator(`[data-testid=chat-row][data-chat-id="${unseen.id}"]`).waitFor();
  await page.waitForLoadState("networkidle");
  await context.setOffline(true);
  await page.locator(`[data-testid=chat-row][data-chat-id="${unseen.id}"]`).getByRole("link").click();
  await page.waitForURL(`**/c/${unseen.id}`);
  await send(page, `While offline\n${QUICK}`);
  await page.getByTestId("next-chip").getByText("While offline").waitFor();
  await context.setOffline(false);
  await untilAnswered(page, 2);
  const tree = await server.json("GET", `/api/v1/chats/${unseen.id}/tree`);
  assert.equal(tree.nodes.length, 4);
  assert.equal((await server.chat(unseen.id)).messages.length, 4, "one branch holds all of it");
});

story(running, "what was sent to a chat that is not there comes back into the field", async ({ open }) => {
  const { page } = await open();
  let arrive = () => undefined;
  const slow = new Promise((resolve) => { arrive = resolve; });
  await page.route("**/api/v1/chats/01890000-0000-7000-8000-000000000000", async (route) => {
    await slow;
    await route.continue();
  });
  await page.goto("/c/01890000-0000-7000-8000-000000000000");
  await composer(page).waitFor();
  await send(page, "For a chat that is gone");
  await page.getByTestId("next-chip").waitFor();
  arrive();
  await page.getByTestId("not-sent-bar").waitFor();
  assert.equal(new URL(page.url()).pathname, "/");
  assert.equal(await composer(page).inputValue(), "For a chat that is gone");
  assert.equal(await page.getByTestId("next-chip").count(), 0);
});

story(running, "a part that cannot be loaded now comes later, and nothing else is lost by it", async ({ open, test }) => {
  const server = await Server.start();
  test.after(() => server.remove());
  const { page, context } = await open({ server });
  let killed = false;
  await page.route("**/assets/Bell-*.js", async (route) => {
    // Between the app and the bell.
    if (!killed) await server.kill();
    killed = true;
    await route.continue();
  });
  await page.goto("/");
  await until("the server is away", 10_000, () => killed);
  await composer(page).fill("Still being written");
  await pause(1_500);
  assert.equal(await page.getByTestId("bell").count(), 0);
  await server.run();
  await page.getByTestId("bell").waitFor();
  await page.waitForLoadState("networkidle");
  await context.setOffline(true);
  await page.getByTestId("profile").click();
  await page.getByTestId("open-settings").click();
  await pause(1_000);
  assert.equal(await composer(page).inputValue(), "Still being written");
  assert.equal(await page.getByTestId("mishap").count(), 0);
  await context.setOffline(false);
  await page.getByTestId("settings").waitFor();
  assert.equal(await page.getByTestId("gone").count(), 0);
});

story(running, "a part that an update took away is asked for a few times; the page says so and goes on", async ({ server, open }) => {
  const { page } = await open();
  let tries = 0;
  await page.route("**/assets/replyStream-*.js", (route) => {
    tries += 1;
    return route.fulfill({ status: 404, json: { code: "not_found", detail: "No such file.", status: 404 } });
  });
  await openNew(page);
  await send(page, `Read by nobody\n${script({ tokens: 100, delay_ms: 40 })}`);
  const id = await chatId(page);
  await page.getByTestId("gone").getByText("The server may have been updated").waitFor();
  // The feed tells of the end.
  await untilAnswered(page, 1);
  const before = tries;
  await pause(3_000);
  assert.equal(tries, before, "it is not asked for any more");
  await page.unroute("**/assets/replyStream-*.js");
  await page.getByTestId("gone").getByRole("button", { name: "Load the page again" }).click();
  await page.getByTestId("gone").waitFor({ state: "detached" });
  await send(page, `Read again\n${QUICK}`);
  await untilAnswered(page, 2);
  assert.equal((await server.chat(id)).messages.length, 4);
});

story(running, "two tabs of one browser see each other's messages without a load", async ({ server, open }) => {
  const { page, context } = await open();
  const { chat } = await server.ask(`Two tabs\n${QUICK}`);
  await page.goto(`/c/${chat.id}`);
  const tab = await context.newPage();
  await tab.goto(`/c/${chat.id}`);
  await untilAnswered(tab, 1);
  await untilAnswered(page, 1);
  await send(page, `From the first tab\n${QUICK}`);
  await untilAnswered(tab, 2);
  await send(tab, `From the second tab\n${QUICK}`);
  await untilAnswered(page, 3);
  assert.equal((await server.chat(chat.id)).messages.length, 6);
});

story(running, "where WebSockets are blocked, server-sent events tell of what others do", async ({ server, open }) => {
  const { page } = await open();
  let sockets = 0;
  await page.routeWebSocket(/\/api\/v1\/live/, (socket) => {
    sockets += 1;
    socket.close();
  });
  const listening = page.waitForResponse((answer) => new URL(answer.url()).pathname === "/api/v1/live" && answer.ok());
  const { chat } = await server.ask(`Told by events\n${QUICK}`);
  await page.goto(`/c/${chat.id}`);
  assert.match((await listening).headers()["content-type"], /^text\/event-stream/);
  assert.ok(sockets > 0);
  await untilAnswered(page, 1);
  const other = await open({ cookie: await server.signIn() });
  await openNew(other.page);
  await send(other.page, `Begun elsewhere\n${script({ tokens: 60, delay_ms: 30 })}`);
  const id = await chatId(other.page);
  const row = page.locator(`[data-testid=chat-row][data-chat-id="${id}"]`);
  await row.waitFor();
  // An answer that is being written is followed over its own stream.
  await row.getByRole("link").click();
  await untilText(page, 20);
  await untilState(page, "complete");
  const changed = (await server.chat(chat.id)).chat;
  await server.json("PATCH", `/api/v1/chats/${chat.id}`, { title: "Another name", version: changed.version });
  await page.locator(`[data-testid=chat-row][data-chat-id="${chat.id}"]`).getByText("Another name").waitFor();
});
