// Drafts on several devices and tabs: one follows the other, and where two wrote, neither's words are lost.
import assert from "node:assert/strict";
import { composer, script, withoutFeed } from "./harness/chat.mjs";
import { story, suite } from "./harness/suite.mjs";
import { until } from "./harness/until.mjs";

const running = suite();
const QUICK = script({ tokens: 3, delay_ms: 0 });

/** @param {import("playwright-core").Page} page @param {string} text */
async function untilField(page, text) {
  await until(`the field says ${JSON.stringify(text)}`, 10_000, async () => (await composer(page).inputValue()) === text, () => composer(page).inputValue());
}

/** A chat that two devices have open; the second hears of nothing. @param {any} server @param {any} open */
async function twoDevices(server, open) {
  const { chat } = await server.ask(`Two devices\n${QUICK}`);
  const stored = async () => (await server.json("GET", `/api/v1/drafts/${chat.id}`)).text;
  const untilStored = (text) => until(`the server has ${JSON.stringify(text)}`, 10_000, async () => (await stored()) === text, stored);
  const one = (await open()).page;
  const two = (await open({ cookie: await server.signIn() })).page;
  await withoutFeed(two);
  for (const page of [one, two]) {
    const asked = page.waitForResponse((answer) => answer.url().includes(`/drafts/${chat.id}`));
    await page.goto(`/c/${chat.id}`);
    await asked;
  }
  return { chat, one, two, stored, untilStored };
}

story(running, "two devices write the same draft: both texts are there, and both can be kept", async ({ server, open }) => {
  const { one, two, stored, untilStored } = await twoDevices(server, open);
  await composer(one).fill("From the desk");
  await untilStored("From the desk");
  await composer(two).fill("From the train");
  const bar = two.getByTestId("other-draft");
  await bar.getByText("From the desk").waitFor();
  assert.equal(await composer(two).inputValue(), "From the train", "what is being written stays");
  assert.equal(await stored(), "From the desk", "what the other wrote stays");
  await two.reload();
  await bar.getByText("From the desk").waitFor();
  await untilField(two, "From the train");
  await bar.getByTestId("draft-both").click();
  await bar.waitFor({ state: "detached" });
  await untilField(two, "From the train\n\nFrom the desk");
  await untilStored("From the train\n\nFrom the desk");
  await untilField(one, "From the train\n\nFrom the desk");
});

story(running, "of two texts the person can take either", async ({ server, open }) => {
  const { one, two, untilStored } = await twoDevices(server, open);
  await composer(one).fill("The desk's");
  await untilStored("The desk's");
  await composer(two).fill("The train's");
  await two.getByTestId("draft-other").click();
  await untilField(two, "The desk's");
  await composer(two).fill("The train's again");
  await untilStored("The train's again");
  await untilField(one, "The train's again");
  await composer(one).fill("The desk's again");
  await untilStored("The desk's again");
  await composer(two).fill("The train's for ever");
  await two.getByTestId("draft-mine").click();
  await untilStored("The train's for ever");
  await untilField(one, "The train's for ever");
});

story(running, "a message that was sent takes no other device's words along, and does not come back as a draft", async ({ server, open }) => {
  const { chat, one, two, stored, untilStored } = await twoDevices(server, open);
  await composer(one).fill("Still being written");
  await untilStored("Still being written");
  await composer(two).fill(`Sent meanwhile\n${QUICK}`);
  await two.getByTestId("other-draft").getByText("Still being written").waitFor();
  await composer(two).press("Enter");
  await until("it was taken", 5_000, async () => (await composer(two).inputValue()) === "");
  await server.ended(chat.id);
  assert.equal(await stored(), "Still being written");
  assert.equal(await composer(one).inputValue(), "Still being written");
  await two.getByTestId("other-draft").waitFor();
  await two.getByTestId("draft-other").click();
  await untilField(two, "Still being written");
});

story(running, "two tabs of one browser write the same draft while the connection hangs", async ({ server, open }) => {
  const { page, context } = await open();
  const { chat } = await server.ask(`Two tabs\n${QUICK}`);
  const tab = await context.newPage();
  for (const each of [page, tab]) {
    const asked = each.waitForResponse((answer) => answer.url().includes(`/drafts/${chat.id}`));
    await each.goto(`/c/${chat.id}`);
    await asked;
  }
  await tab.route("**/api/v1/drafts/*", (route) => route.abort());
  await composer(tab).fill("In the second tab");
  await composer(page).fill("In the first tab");
  await until("the first tab's is stored", 10_000, async () => (await server.json("GET", `/api/v1/drafts/${chat.id}`)).text === "In the first tab");
  await tab.unroute("**/api/v1/drafts/*");
  await composer(tab).pressSequentially(".");
  await tab.getByTestId("other-draft").getByText("In the first tab").waitFor();
  await untilField(tab, "In the second tab.");
  await untilField(page, "In the first tab");
  await tab.getByTestId("draft-both").click();
  await untilField(page, "In the second tab.\n\nIn the first tab");
});

story(running, "what could not be sent follows when the server is back", async ({ server, open }) => {
  const { chat, two, untilStored } = await twoDevices(server, open);
  await two.context().setOffline(true);
  await composer(two).fill("Written in a tunnel");
  await until("it is kept here", 5_000, () => two.evaluate((id) => (localStorage.getItem("taifas.drafts") ?? "").includes("tunnel") && id.length > 0, chat.id));
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  await two.context().setOffline(false);
  await untilStored("Written in a tunnel");
});
