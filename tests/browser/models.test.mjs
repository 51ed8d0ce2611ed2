// Choosing who answers.
import assert from "node:assert/strict";
import { chatId, openNew, script, send, untilState } from "./harness/chat.mjs";
import { story, suite } from "./harness/suite.mjs";
import { until } from "./harness/until.mjs";

const running = suite();
const chosen = (page) => page.getByTestId("model-button").innerText();

async function choose(page, name) {
  await page.getByTestId("model-button").click();
  await page.getByTestId("model-option").filter({ hasText: name }).click();
}

story(running, "the list says where the text goes and what a model is", async ({ open }) => {
  const { page } = await open();
  await page.goto("/");
  await page.getByTestId("model-button").getByText("Guide").waitFor();
  await page.getByTestId("model-button").click();
  const list = await page.getByRole("menu", { name: "Choose a model" }).innerText();
  assert.match(list, /On this server\. Nothing leaves your network/);
  assert.match(list, /Not a language model/i);
  assert.equal(await page.locator("[role=menuitemradio][aria-checked=true]").innerText().then((text) => text.startsWith("Guide")), true);
});

story(running, "a choice is kept for new chats, over a load, and per chat", async ({ server, open }) => {
  const { page } = await open();
  await page.goto("/");
  await page.getByTestId("model-button").getByText("Guide").waitFor();
  await choose(page, "Scripted: continues");
  assert.equal(await chosen(page), "Scripted: continues");
  await send(page, `First\n${script({ tokens: 3, delay_ms: 0 })}`);
  const first = await chatId(page);
  await untilState(page, "complete");
  assert.equal((await server.chat(first)).messages[1].model, "scripted/continues");
  await page.getByTestId("new-chat").click();
  await page.waitForURL("**/");
  await choose(page, "Scripted: asks");
  await page.reload();
  await until("the choice outlived the load", 5_000, async () => (await chosen(page)) === "Scripted: asks", () => chosen(page));
  await page.goto(`/c/${first}`);
  await until("the old chat keeps its model", 5_000, async () => (await chosen(page)) === "Scripted: continues", () => chosen(page));
  await choose(page, "Scripted: cannot");
  await send(page, `Second\n${script({ tokens: 3, delay_ms: 0 })}`);
  await until("the second answer is stored", 10_000, async () => {
    const { messages } = await server.chat(first);
    return messages.length === 4 && messages[3].state === "complete" && messages[3].model === "scripted/cannot";
  });
});

story(running, "?model= chooses for the next chat and leaves the address; an unknown one changes nothing", async ({ open }) => {
  const { page } = await open();
  await openNew(page, "scripted/asks");
  await until("the address is clean", 5_000, () => new URL(page.url()).search === "", () => page.url());
  await page.goto("/?model=nobody/nothing");
  await until("the address is clean", 5_000, () => new URL(page.url()).search === "", () => page.url());
  assert.equal(await chosen(page), "Scripted: asks");
});

story(running, "an answer is gone on with by another model when that one is chosen", async ({ server, open }) => {
  const { page } = await open();
  await openNew(page, "scripted/cannot");
  const fields = { tokens: 40, delay_ms: 5, seed: 5 };
  await send(page, script({ ...fields, cut_after: 15 }));
  const id = await chatId(page);
  await untilState(page, "interrupted");
  await choose(page, "Scripted: continues");
  await page.getByTestId("continue").click();
  await untilState(page, "complete");
  const { messages } = await server.chat(id);
  assert.equal(messages[1].model, "scripted/continues");
  assert.equal(messages[1].text, (await server.ask(script(fields))).messages[1].text);
});

story(running, "a chat's model is the same on every device, and changes there at once", async ({ server, open }) => {
  const { page } = await open();
  const { chat } = await server.ask(`Whose model\n${script({ tokens: 3, delay_ms: 0 })}`);
  const other = await open({ cookie: await server.signIn() });
  for (const each of [page, other.page]) {
    await each.goto(`/c/${chat.id}`);
    await until("it is the one of the chat", 10_000, async () => (await chosen(each)) === "Scripted: continues", () => chosen(each));
  }
  await choose(page, "Scripted: asks");
  await until("the server knows", 5_000, async () => (await server.chat(chat.id)).chat.model === "scripted/asks");
  await until("the other device knows", 10_000, async () => (await chosen(other.page)) === "Scripted: asks", () => chosen(other.page));
  await choose(other.page, "Scripted: cannot");
  await until("and back", 10_000, async () => (await chosen(page)) === "Scripted: cannot", () => chosen(page));
  await page.goto("/");
  await until("new chats have what was chosen here", 5_000, async () => (await chosen(page)) === "Scripted: asks", () => chosen(page));
});

story(running, "a choice that the server could not be told goes with the next message", async ({ server, open }) => {
  const { page } = await open();
  const { chat } = await server.ask(`Offline choice\n${script({ tokens: 3, delay_ms: 0 })}`);
  await page.goto(`/c/${chat.id}`);
  await until("it is the one of the chat", 10_000, async () => (await chosen(page)) === "Scripted: continues", () => chosen(page));
  await page.route(`**/api/v1/chats/${chat.id}`, (route) => (route.request().method() === "PATCH" ? route.abort() : route.continue()));
  await choose(page, "Scripted: asks");
  await send(page, `Again\n${script({ tokens: 3, delay_ms: 0 })}`);
  await until("it answered", 10_000, async () => (await server.chat(chat.id)).messages.at(3)?.model === "scripted/asks");
  assert.equal((await server.chat(chat.id)).chat.model, "scripted/asks");
  assert.equal(await chosen(page), "Scripted: asks");
});

story(running, "a model that takes long to begin is waited for in words", async ({ open }) => {
  const { page } = await open();
  await openNew(page);
  await send(page, `Slow\n${script({ tokens: 3, delay_ms: 0, first_delay_ms: 12_000 })}`);
  await page.getByText("No word yet.").waitFor();
  await untilState(page, "complete");
  assert.equal(await page.getByText("No word yet.").count(), 0);
});
