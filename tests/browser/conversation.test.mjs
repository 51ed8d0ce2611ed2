// Talking: sending, stopping, going on, waiting messages, and what the page shows of an answer.
import assert from "node:assert/strict";
import { chatId, composer, drawn, openNew, ownMessages, replies, script, send, stateShown, textShown, untilState, untilText } from "./harness/chat.mjs";
import { story, suite } from "./harness/suite.mjs";
import { pause, until } from "./harness/until.mjs";

const running = suite();

story(running, "Enter sends, Shift+Enter makes a line, blank text is not sent", async ({ server, open }) => {
  const { page } = await open();
  await openNew(page);
  await composer(page).press("Enter");
  await composer(page).fill("   \n ");
  await composer(page).press("Enter");
  assert.equal(new URL(page.url()).pathname, "/", "nothing was sent");
  assert.equal(await page.getByTestId("send").getAttribute("aria-disabled"), "true");
  await composer(page).fill("");
  await composer(page).pressSequentially("first line");
  await composer(page).press("Shift+Enter");
  await composer(page).pressSequentially("second line");
  await composer(page).press("Enter");
  const id = await chatId(page);
  await untilState(page, "complete");
  assert.equal((await server.chat(id)).messages[0].text, "first line\nsecond line");
  assert.equal(await composer(page).inputValue(), "", "the text field is empty again");
  assert.match(await ownMessages(page).innerText(), /first line\nsecond line/, "the line break is seen");
});

story(running, "the own bubble and the address are there before the server has answered, without a load", async ({ open }) => {
  const { page } = await open();
  await openNew(page);
  // Nobody writes faster than the page becomes idle and has fetched all of its code.
  await page.waitForLoadState("networkidle");
  await page.evaluate(() => { window.__mark = 1; });
  /** @type {() => void} */
  let release = () => {};
  const held = new Promise((resolve) => { release = () => resolve(undefined); });
  await page.route("**/messages", async (route) => { await held; await route.continue(); });
  await composer(page).fill("At once");
  const took = await page.evaluate(async () => {
    const field = document.querySelector("[data-testid=composer-input]");
    const start = performance.now();
    field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
    while (!document.querySelector("[data-testid=user-message]") && performance.now() - start < 3000) await new Promise(requestAnimationFrame);
    return performance.now() - start;
  });
  assert.ok(took < 250, `the bubble took ${took} ms`);
  assert.match(new URL(page.url()).pathname, /^\/c\/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/);
  release();
  await untilState(page, "complete");
  assert.equal(await page.evaluate(() => window.__mark), 1, "the page was not loaded again");
  assert.equal(await ownMessages(page).count(), 1);
});

story(running, "Stop keeps the text and says so; the next message works", async ({ server, open }) => {
  const { page } = await open();
  await openNew(page);
  await send(page, script({ tokens: 2_000, delay_ms: 10, seed: 3 }));
  const id = await chatId(page);
  await untilText(page, 200);
  const start = performance.now();
  await page.getByTestId("stop").click();
  await untilState(page, "stopped", 2_000);
  assert.ok(performance.now() - start < 1_000, "stopping was felt at once");
  await page.getByText("Stopped by you").waitFor();
  const thread = await server.ended(id);
  assert.equal(thread.messages[1].state, "stopped");
  await until("the shown text is the stored one", 5_000, async () => (await textShown(page)) === thread.messages[1].text);
  await pause(300);
  assert.equal(await textShown(page), thread.messages[1].text, "nothing comes after the stop");
  assert.equal(await page.getByTestId("stop").count(), 0, "there is nothing left to stop");
  await send(page, `Another one\n${script({ tokens: 6, delay_ms: 0 })}`);
  await until("the second answer is complete", 15_000, async () => (await replies(page).count()) === 2 && (await stateShown(page)) === "complete");
  assert.equal((await server.chat(id)).messages.length, 4);
});

story(running, "an answer stopped before its first word is stopped too, and can be continued", async ({ server, open }) => {
  const { page } = await open();
  await openNew(page);
  await send(page, script({ tokens: 10, delay_ms: 0, first_delay_ms: 20_000 }));
  const id = await chatId(page);
  await page.getByTestId("stop").click();
  await untilState(page, "stopped", 5_000);
  assert.equal((await server.ended(id, 5_000)).messages[1].state, "stopped");
});

story(running, "Continue brings the rest of a stopped answer", async ({ server, open }) => {
  const { page } = await open();
  const fields = { tokens: 150, style: "markdown", seed: 11 };
  const truth = (await server.ask(script({ ...fields, delay_ms: 0 }))).messages[1].text;
  await openNew(page);
  await send(page, script({ ...fields, delay_ms: 20 }));
  const id = await chatId(page);
  await untilText(page, 80);
  await page.getByTestId("stop").click();
  await untilState(page, "stopped");
  const part = (await server.ended(id)).messages[1];
  assert.ok(part.text.length < truth.length, "it was stopped before its end");
  await page.getByTestId("continue").click();
  await untilState(page, "complete");
  assert.equal(await textShown(page), truth);
  const whole = (await server.chat(id)).messages;
  assert.equal(whole.length, 2);
  assert.equal(whole[1].id, part.id);
  assert.equal(whole[1].text, truth);
});

story(running, "Continue is heard even before the server has confirmed the stop", async ({ server, open }) => {
  const { page } = await open();
  await openNew(page);
  await page.route("**/stop", async (route) => {
    await pause(1_500);
    await route.continue();
  });
  await send(page, script({ tokens: 300, delay_ms: 10 }));
  const id = await chatId(page);
  await untilText(page, 20);
  await page.getByTestId("stop").click();
  await untilState(page, "stopped");
  await page.getByTestId("continue").focus();
  await page.keyboard.press("Enter");
  await untilState(page, "complete");
  assert.equal((await server.chat(id)).messages[1].state, "complete");
});

story(running, "what is written while an answer runs waits for its end and then goes", async ({ server, open }) => {
  const { page } = await open();
  await openNew(page);
  await send(page, script({ tokens: 80, delay_ms: 20 }));
  const id = await chatId(page);
  await untilText(page, 30);
  await composer(page).fill("Meanwhile");
  assert.equal(await page.getByTestId("stop").count(), 1, "stopping stays possible");
  await composer(page).press("Enter");
  await page.getByTestId("next-chip").waitFor();
  assert.equal(await composer(page).inputValue(), "");
  assert.equal((await server.chat(id)).messages.length, 2, "it is not sent yet");
  // A second one stays in the text field, and the reason is told.
  await composer(page).fill("And another");
  await composer(page).press("Enter");
  await page.getByText("One message already waits").waitFor();
  assert.equal(await composer(page).inputValue(), "And another");
  await until("both answers are complete", 20_000, async () => (await replies(page).count()) === 2 && (await stateShown(page)) === "complete");
  const { messages } = await server.chat(id);
  assert.deepEqual(messages.map((m) => m.role), ["user", "assistant", "user", "assistant"]);
  assert.equal(messages[2].text, "Meanwhile");
  assert.equal(messages[2].parent_id, messages[1].id);
  assert.equal(await page.getByTestId("next-chip").count(), 0);
});

story(running, "a waiting message can be taken back into the text field", async ({ open }) => {
  const { page } = await open();
  await openNew(page);
  await send(page, script({ tokens: 300, delay_ms: 20 }));
  await untilText(page, 10);
  await send(page, "Not after all");
  await page.getByTestId("next-chip").getByRole("button", { name: "Take back into the text field" }).click();
  assert.equal(await composer(page).inputValue(), "Not after all");
  assert.equal(await page.getByTestId("next-chip").count(), 0);
  await page.getByTestId("stop").click();
});

story(running, "a waiting message taken back in one tab is not sent by another", async ({ server, open }) => {
  const { page, context } = await open();
  await openNew(page);
  await send(page, script({ tokens: 2_000, delay_ms: 20 }));
  const id = await chatId(page);
  await untilText(page, 10);
  await send(page, "Not after all");
  await page.getByTestId("next-chip").waitFor();
  const tab = await context.newPage();
  await tab.goto(`/c/${id}`);
  await tab.getByTestId("next-chip").getByText("Not after all").waitFor();
  await page.getByTestId("next-chip").getByRole("button", { name: "Take back into the text field" }).click();
  assert.equal(await composer(page).inputValue(), "Not after all");
  await page.getByTestId("stop").click();
  await untilState(tab, "stopped");
  await tab.getByTestId("next-chip").waitFor({ state: "detached" });
  assert.equal((await server.ended(id)).messages.length, 2, "it is not sent");
  assert.equal(await composer(page).inputValue(), "Not after all");
  assert.equal(await ownMessages(tab).count(), 1);
});

story(running, "what waits in a pinned or archived chat goes when the answer ends, wherever one is", async ({ server, open }) => {
  const { page } = await open();
  for (const change of [{ pinned: true }, { archived: true }]) {
    await openNew(page);
    await send(page, `Left ${Object.keys(change)[0]}\n${script({ tokens: 120, delay_ms: 20 })}`);
    const id = await chatId(page);
    await untilText(page, 10);
    const { chat } = await server.chat(id);
    await server.json("PATCH", `/api/v1/chats/${id}`, { version: chat.version, ...change });
    await send(page, `Afterwards\n${script({ tokens: 3, delay_ms: 0 })}`);
    await page.getByTestId("next-chip").waitFor();
    await page.getByTestId("new-chat").click();
    await page.waitForURL("**/");
    assert.equal((await server.chat(id)).messages.length, 2, "the answer still runs");
    const { messages } = await until("what waited is stored and answered", 20_000, async () => {
      const thread = await server.chat(id);
      return thread.messages.length === 4 && thread.messages[3].state === "complete" ? thread : null;
    });
    assert.match(messages[2].text, /^Afterwards/);
    assert.equal(new URL(page.url()).pathname, "/");
  }
});

story(running, "a second chat runs beside the first; coming back shows it going on", async ({ server, open }) => {
  const { page } = await open();
  const fields = { tokens: 200, style: "markdown", seed: 21 };
  const truth = (await server.ask(script({ ...fields, delay_ms: 0 }))).messages[1].text;
  await openNew(page);
  await send(page, `The first chat\n${script({ ...fields, delay_ms: 20 })}`);
  const first = await chatId(page);
  await untilText(page, 60);
  await page.getByTestId("new-chat").click();
  await page.waitForURL("**/");
  assert.equal(await composer(page).evaluate((field) => field === document.activeElement), true, "the text field has the focus");
  await page.locator(`[data-chat-id="${first}"] [data-testid=running]`).waitFor();
  await send(page, `The second chat\n${script({ tokens: 10, delay_ms: 10 })}`);
  await until("another address", 5_000, () => !page.url().endsWith("/") && !page.url().includes(first));
  await untilState(page, "complete");
  await page.locator(`[data-chat-id="${first}"] a`).click();
  await page.waitForURL(`**/c/${first}`);
  await untilState(page, "complete");
  assert.equal(await textShown(page), truth);
  assert.equal(await replies(page).count(), 1);
});

story(running, "an answer that ends elsewhere is marked as new", async ({ open }) => {
  const { page } = await open();
  await openNew(page);
  await send(page, `Ends elsewhere\n${script({ tokens: 60, delay_ms: 20 })}`);
  const first = await chatId(page);
  await untilText(page, 10);
  await page.getByTestId("new-chat").click();
  await page.locator(`[data-chat-id="${first}"]`).getByText("New answer").waitFor({ state: "attached", timeout: 20_000 });
  await page.locator(`[data-chat-id="${first}"] a`).click();
  await untilState(page, "complete");
  assert.equal(await page.locator(`[data-chat-id="${first}"]`).getByText("New answer").count(), 0);
});

story(running, "a reload in the middle of an answer shows the text so far and goes on", async ({ server, open }) => {
  const { page } = await open();
  const fields = { tokens: 200, style: "markdown", seed: 31 };
  const truth = (await server.ask(script({ ...fields, delay_ms: 0 }))).messages[1].text;
  await openNew(page);
  await send(page, script({ ...fields, delay_ms: 20 }));
  await chatId(page);
  await untilText(page, 150);
  const before = await textShown(page);
  await page.reload();
  await untilText(page, 1);
  const after = await textShown(page);
  assert.ok(after.length >= before.length && truth.startsWith(after), "the text so far came first");
  await untilState(page, "complete");
  assert.equal(await textShown(page), truth);
  assert.equal(await replies(page).count(), 1);
});

story(running, "a second tab and another device follow the same answer, and all end equal", async ({ server, open }) => {
  const { page, context } = await open();
  const fields = { tokens: 200, style: "markdown", seed: 41 };
  const truth = (await server.ask(script({ ...fields, delay_ms: 0 }))).messages[1].text;
  await openNew(page);
  await send(page, script({ ...fields, delay_ms: 20 }));
  const id = await chatId(page);
  await untilText(page, 60);
  const tab = await context.newPage();
  await tab.goto(`/c/${id}`);
  const device = await open({ cookie: await server.signIn(), width: 360, height: 740 });
  await device.page.goto(`/c/${id}`);
  for (const each of [tab, device.page]) {
    await untilText(each, 1);
    assert.ok(truth.startsWith(await textShown(each)));
  }
  for (const each of [page, tab, device.page]) {
    await untilState(each, "complete");
    assert.equal(await textShown(each), truth);
    assert.equal(await drawn(each), await drawn(page));
  }
});

story(running, "a stop in one tab is seen in the other", async ({ open }) => {
  const { page, context } = await open();
  await openNew(page);
  await send(page, script({ tokens: 1_000, delay_ms: 20 }));
  const id = await chatId(page);
  await untilText(page, 20);
  const tab = await context.newPage();
  await tab.goto(`/c/${id}`);
  await untilText(tab, 20);
  await page.getByTestId("stop").click();
  await untilState(tab, "stopped", 5_000);
  await until("both show the same text", 5_000, async () => (await textShown(tab)) === (await textShown(page)));
});

story(running, "drafts stay with their chat over navigation and reload", async ({ server, open }) => {
  const { page } = await open();
  const { chat } = await server.ask(`Has a draft\n${script({ tokens: 3, delay_ms: 0 })}`);
  await page.goto(`/c/${chat.id}`);
  await untilState(page, "complete");
  await composer(page).fill("half a thought");
  await page.getByTestId("new-chat").click();
  await page.waitForURL("**/");
  assert.equal(await composer(page).inputValue(), "", "another page, another draft");
  await composer(page).fill("a new beginning");
  await page.reload();
  await until("the draft of the empty page is back", 5_000, async () => (await composer(page).inputValue()) === "a new beginning", () => composer(page).inputValue());
  await page.goto(`/c/${chat.id}`);
  await untilState(page, "complete");
  assert.equal(await composer(page).inputValue(), "half a thought");
});

story(running, "Copy gives the exact source of the answer and of the question", async ({ server, open }) => {
  const { page } = await open({ permissions: ["clipboard-read", "clipboard-write"] });
  const { chat, messages } = await server.ask(`Copy me  exactly\n\n${script({ tokens: 250, style: "markdown", seed: 51, delay_ms: 0 })}`);
  await page.goto(`/c/${chat.id}`);
  await untilState(page, "complete");
  await replies(page).last().locator(".acts [data-testid=copy]").click();
  await replies(page).last().getByRole("button", { name: "Copied" }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), messages[1].text);
  await ownMessages(page).hover();
  await ownMessages(page).getByTestId("copy").click();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), messages[0].text);
});

story(running, "the page's title is the chat's", async ({ server, open }) => {
  const { page } = await open();
  const { chat } = await server.ask("Rivers of the north");
  assert.equal(chat.title, "Rivers of the north");
  await page.goto(`/c/${chat.id}`);
  await until("the title is the chat's", 5_000, async () => (await page.title()) === "Rivers of the north · Taifas", () => page.title());
  await page.getByTestId("new-chat").click();
  await until("the title is the instance's again", 5_000, async () => (await page.title()) === "Taifas", () => page.title());
});

story(running, "Guide quotes the documentation with links to it, and says what it is", async ({ open }) => {
  const { page } = await open();
  await openNew(page, "guide/guide");
  await page.getByText("Guide quotes Taifas’ own documentation. It is not a language model.").waitFor();
  await send(page, "What happens to an answer when the server is killed?");
  await chatId(page);
  await untilState(page, "complete");
  const answer = replies(page).last();
  assert.ok((await answer.locator("blockquote").count()) > 0, `it quotes: ${await textShown(page)}`);
  const links = await answer.locator("a").evaluateAll((all) => all.map((a) => a.getAttribute("href")));
  assert.ok(links.length > 0, "it links what it quotes");
  for (const link of links) {
    const target = await page.request.get(link);
    assert.equal(target.status(), 200, `${link} can be opened`);
  }
});

story(running, "a refusal is told with what is safe, and trying again answers", async ({ server, open }) => {
  const { page } = await open();
  await openNew(page);
  await send(page, script({ tokens: 10, delay_ms: 0, error_after: 0, error: "refused_key" }));
  const id = await chatId(page);
  await untilState(page, "failed");
  const note = await page.getByTestId("reply-note").innerText();
  assert.match(note, /Your message is saved\./);
  assert.match(note, /key is refused/);
  await page.getByTestId("continue").click();
  await untilState(page, "complete");
  const { messages } = await server.chat(id);
  assert.equal(messages.length, 2, "the question is not repeated");
  assert.equal(messages[1].text, await textShown(page));
});

story(running, "a provider that breaks off is gone on with, or the cut is told with its time", async ({ server, open }) => {
  const { page } = await open();
  const fields = { tokens: 40, delay_ms: 5, seed: 61 };
  const truth = (await server.ask(script(fields))).messages[1].text;
  await openNew(page);
  await send(page, script({ ...fields, cut_after: 20 }));
  await chatId(page);
  await untilState(page, ["complete", "interrupted", "failed"]);
  assert.equal(await stateShown(page), "complete");
  assert.equal(await textShown(page), truth);
  await openNew(page, "scripted/cannot");
  await send(page, script({ ...fields, cut_after: 20 }));
  await chatId(page);
  await untilState(page, ["complete", "interrupted", "failed"]);
  assert.equal(await stateShown(page), "interrupted");
  assert.match(await replies(page).innerText(), /Cut at \d\d:\d\d\. The model stopped answering; the text above is saved\./);
});

story(running, "a long message folds and opens", async ({ server, open }) => {
  const { page } = await open();
  const { chat } = await server.ask(Array.from({ length: 30 }, (_, line) => `line ${line}`).join("\n"));
  await page.goto(`/c/${chat.id}`);
  const bubble = ownMessages(page);
  const more = bubble.getByRole("button", { name: "Show more" });
  const folded = (await bubble.boundingBox()).height;
  await more.click();
  assert.equal(await bubble.getByRole("button", { name: "Show less" }).getAttribute("aria-expanded"), "true");
  assert.ok((await bubble.boundingBox()).height > folded * 2);
});
