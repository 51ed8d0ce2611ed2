// Temporary chats: answered like others, and gone without a trace.
import assert from "node:assert/strict";
import { composer, openNew, ownMessages, replies, script, send, untilState } from "./harness/chat.mjs";
import { story, suite } from "./harness/suite.mjs";
import { pause } from "./harness/until.mjs";

const running = suite();
const QUICK = script({ tokens: 12, delay_ms: 0 });

story(running, "a temporary chat looks different, answers, and leaves nothing behind", async ({ server, open }) => {
  const { page } = await open();
  await openNew(page);
  await page.getByTestId("temporary-start").click();
  await page.getByRole("heading", { name: "Temporary chat" }).waitFor();
  assert.match(await page.locator(".comp").getAttribute("class"), /\btemp\b/);
  await send(page, `A secret\n${QUICK}`);
  await untilState(page, "complete");
  await send(page, `And another\n${QUICK}`);
  await untilState(page, "complete");
  assert.equal(await replies(page).count(), 2);
  await composer(page).fill("half written");
  assert.equal(new URL(page.url()).pathname, "/");
  await pause(1_200);
  assert.deepEqual(await server.chats(), []);
  assert.equal((await server.json("GET", "/api/v1/search?q=secret&limit=5")).results.length, 0);
  await page.reload();
  await composer(page).waitFor();
  await page.getByTestId("temporary-start").waitFor();
  assert.equal(await ownMessages(page).count(), 0);
  const left = await page.evaluate(() => Object.values(localStorage).join(" "));
  assert.doesNotMatch(left, /secret|half written/);
});

story(running, "Stop ends a temporary answer; New chat leaves it", async ({ open }) => {
  const { page } = await open();
  await openNew(page);
  await page.getByTestId("temporary-start").click();
  await send(page, `Long\n${script({ tokens: 2_000, delay_ms: 20 })}`);
  await page.getByTestId("stop").click();
  await page.getByText("Stopped by you").waitFor();
  await page.getByTestId("new-chat").click();
  await page.getByTestId("temporary-start").waitFor();
  assert.equal(await ownMessages(page).count(), 0);
});
