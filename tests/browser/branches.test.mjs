// Versions of turns: editing, other answers, going from one to another, the tree, and what the search finds in it.
import assert from "node:assert/strict";
import { chatId, composer, openNew, ownMessages, replies, script, send, untilState } from "./harness/chat.mjs";
import { story, suite } from "./harness/suite.mjs";
import { until } from "./harness/until.mjs";

const running = suite();
const QUICK = script({ tokens: 6, delay_ms: 0 });
const focusedId = (page) => page.evaluate(() => document.activeElement?.getAttribute("data-testid") ?? document.activeElement?.tagName);

story(running, "editing: the bubble becomes a field, Esc gives up, Send makes a branch and keeps what was said", async ({ server, open }) => {
  const { page } = await open();
  const { chat } = await server.ask(`The first wording\n${QUICK}`);
  await page.goto(`/c/${chat.id}`);
  await untilState(page, "complete");
  const first = ownMessages(page).first();
  await first.hover();
  await first.getByTestId("edit").click();
  const field = page.getByTestId("edit-field");
  assert.match(await field.inputValue(), /^The first wording/);
  await field.fill("Thrown away");
  await field.press("Escape");
  await field.waitFor({ state: "detached" });
  await until("the focus is on the pencil", 3_000, async () => (await focusedId(page)) === "edit", () => focusedId(page));
  await ownMessages(page).getByText("The first wording").waitFor();

  await page.keyboard.press("Enter");
  await field.fill("");
  await page.getByTestId("edit-send").click({ force: true });
  assert.equal(await field.count(), 1, "nothing is not sent");
  await field.fill(`The second wording\n${QUICK}`);
  await field.press("Enter");
  await ownMessages(page).getByText("The second wording").waitFor();
  await untilState(page, "complete");
  assert.equal(await ownMessages(page).count(), 1);
  await page.getByTestId("pager-figure").getByText("2/2").waitFor();
  const tree = await server.json("GET", `/api/v1/chats/${chat.id}/tree`);
  assert.deepEqual(tree.nodes.map((node) => node.role).sort(), ["assistant", "assistant", "user", "user"]);
});

story(running, "the pager swaps the whole rest by mouse and by arrows; the branch looked at last survives a reload", async ({ server, open }) => {
  const { page } = await open();
  const { chat, messages } = await server.ask(`Left\n${QUICK}`);
  await server.ask(`After the left\n${QUICK}`, { chatId: chat.id, parentId: messages.at(-1).id });
  await page.goto(`/c/${chat.id}`);
  await ownMessages(page).nth(1).waitFor();
  await ownMessages(page).first().hover();
  await ownMessages(page).first().getByTestId("edit").click();
  await page.getByTestId("edit-field").fill(`Right\n${QUICK}`);
  await page.getByTestId("edit-send").click();
  await until("only the new branch is shown", 15_000, async () => (await ownMessages(page).count()) === 1);
  await untilState(page, "complete");
  const pager = page.getByTestId("pager");
  assert.equal(await pager.getByTestId("pager-next").isDisabled(), true);
  await pager.getByTestId("pager-previous").click();
  await ownMessages(page).getByText("After the left").waitFor();
  await until("the focus stays in the pager", 3_000, async () => (await focusedId(page)) === "pager-figure", () => focusedId(page));
  assert.equal(await pager.getByTestId("pager-previous").isDisabled(), true);
  await page.keyboard.press("ArrowRight");
  await ownMessages(page).getByText("Right").waitFor();
  await page.keyboard.press("ArrowLeft");
  await ownMessages(page).getByText("After the left").waitFor();
  await page.reload();
  await ownMessages(page).getByText("After the left").waitFor();
  assert.equal(await ownMessages(page).count(), 2);
});

story(running, "another answer: the same again, with a wish, by another model; each stands beside the others", async ({ server, open }) => {
  const { page } = await open();
  const { chat } = await server.ask(`Answer me\n${QUICK}`);
  await page.goto(`/c/${chat.id}`);
  await untilState(page, "complete");
  await page.getByTestId("again").click();
  await page.getByTestId("again-same").click();
  await page.getByTestId("pager-figure").getByText("2/2").waitFor();
  await untilState(page, "complete");

  await page.getByTestId("again").click();
  await page.getByTestId("again-change").click();
  await page.getByTestId("change-field").fill("In one word");
  await page.getByTestId("change-field").press("Enter");
  await page.getByTestId("pager-figure").getByText("3/3").waitFor();
  await untilState(page, "complete");

  await page.getByTestId("again").click();
  await page.getByTestId("other-model").press("ArrowRight");
  await page.getByTestId("other-model-option").getByText("Scripted: asks").click();
  await page.getByTestId("pager-figure").getByText("4/4").waitFor();
  await untilState(page, "complete");
  const { messages } = await server.chat(chat.id);
  assert.equal(messages.at(-1).model, "scripted/asks");
  assert.equal(messages.at(-1).siblings.length, 4);
  assert.equal(messages.length, 2);
});

story(running, "a cut answer goes on with another model", async ({ server, open }) => {
  const { page } = await open();
  await openNew(page, "scripted/cannot");
  await send(page, `Cut\n${script({ tokens: 40, delay_ms: 0, cut_after: 20 })}`);
  const id = await chatId(page);
  await untilState(page, "interrupted");
  await page.getByTestId("continue-other").click();
  await page.getByTestId("continue-other-option").getByText("Scripted: continues").click();
  await untilState(page, ["complete", "interrupted", "failed"]);
  assert.equal((await server.chat(id)).messages.at(-1).attempt, 2);
});

story(running, "the tree shows every branch and opens the one that is chosen", async ({ server, open }) => {
  const { page } = await open();
  const { chat, messages } = await server.ask(`Root\n${QUICK}`);
  await server.ask(`Deep down\n${QUICK}`, { chatId: chat.id, parentId: messages.at(-1).id });
  await page.goto(`/c/${chat.id}`);
  await ownMessages(page).nth(1).waitFor();
  await ownMessages(page).nth(1).hover();
  await ownMessages(page).nth(1).getByTestId("edit").click();
  await page.getByTestId("edit-field").fill(`Beside it\n${QUICK}`);
  await page.getByTestId("edit-send").click();
  await ownMessages(page).getByText("Beside it").waitFor();
  await untilState(page, "complete");
  await page.getByTestId("header-menu").click();
  await page.getByTestId("chat-tree").click();
  const rows = page.getByTestId("tree-row");
  await rows.getByText("Deep down").waitFor();
  assert.equal(await rows.count(), 6);
  await rows.getByText("Deep down").click();
  await page.getByTestId("tree").waitFor({ state: "detached" });
  await ownMessages(page).getByText("Deep down").waitFor();
  assert.equal((await server.chat(chat.id)).messages.at(2).text.split("\n")[0], "Deep down");
});

story(running, "the search finds titles and words in all branches, and opens at the match by keys alone", async ({ server, open }) => {
  const { page } = await open();
  const { chat } = await server.ask(`Where the zucchini grows\n${QUICK}`);
  // Found by its words alone, not by its title.
  await server.json("PATCH", `/api/v1/chats/${chat.id}`, { title: "Vegetables", version: (await server.chat(chat.id)).chat.version });
  await server.ask(`Something else entirely\n${QUICK}`);
  await page.goto(`/c/${chat.id}`);
  await untilState(page, "complete");
  await ownMessages(page).first().hover();
  await ownMessages(page).first().getByTestId("edit").click();
  await page.getByTestId("edit-field").fill(`Now about pumpkins\n${QUICK}`);
  await page.getByTestId("edit-send").click();
  await ownMessages(page).getByText("Now about pumpkins").waitFor();
  await untilState(page, "complete");

  await page.goto("/");
  await composer(page).waitFor();
  await page.keyboard.press("Control+k");
  const input = page.getByTestId("palette-input");
  await input.waitFor();
  assert.equal(await input.evaluate((field) => field === document.activeElement), true);
  await page.getByTestId("palette-hit").first().waitFor();
  await input.fill("zucch");
  const hit = page.getByTestId("palette-hit").filter({ has: page.locator("mark", { hasText: /zucch/i }) });
  await hit.first().waitFor();
  await page.getByText(/\d+ results? · \d+ ms/).waitFor();
  await page.keyboard.press("Enter");
  await page.waitForURL(`**/c/${chat.id}`);
  await ownMessages(page).getByText("Where the zucchini grows").waitFor();
  await page.locator(".pointed").first().waitFor();

  await page.keyboard.press("Control+k");
  await input.fill("a whole new thing");
  await page.keyboard.press("ArrowUp");
  await page.getByTestId("palette-new").getByText("New chat with “a whole new thing”").waitFor();
  await page.keyboard.press("Enter");
  await page.waitForURL("**/");
  await until("the text is in the field", 3_000, async () => (await composer(page).inputValue()) === "a whole new thing", () => composer(page).inputValue());

  await page.keyboard.press("Control+k");
  await input.waitFor();
  await page.keyboard.press("Escape");
  await input.waitFor({ state: "detached" });
  assert.equal(await composer(page).evaluate((field) => field === document.activeElement), true, "the focus is back where it was");
  assert.ok((await replies(page).count()) === 0);
});
