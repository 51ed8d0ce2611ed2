// Temporary chats: answered like others, and gone without a trace.
import assert from "node:assert/strict";
import { composer, openNew, ownMessages, replies, script, send, untilState } from "./harness/chat.mjs";
import { story, suite } from "./harness/suite.mjs";
import { pause } from "./harness/until.mjs";

const running = suite();
const QUICK = script({ tokens: 12, delay_ms: 0 });

/** All that this browser keeps of the page. @param {import("playwright-core").Page} page @returns {Promise<string>} */
function kept(page) {
  return page.evaluate(async () => {
    const found = [{ ...localStorage }, { ...sessionStorage }, history.state, document.cookie, document.title];
    for (const { name } of await indexedDB.databases()) {
      const db = await new Promise((resolve, reject) => {
        const request = indexedDB.open(name);
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
      for (const store of db.objectStoreNames) {
        found.push(await new Promise((resolve, reject) => {
          const request = db.transaction(store).objectStore(store).getAll();
          request.onsuccess = () => resolve(request.result);
          request.onerror = () => reject(request.error);
        }));
      }
      db.close();
    }
    found.push(await Promise.all((await caches.keys()).map(async (name) => (await (await caches.open(name)).keys()).map((request) => request.url))));
    return JSON.stringify(found);
  });
}

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
  assert.doesNotMatch(await kept(page), /secret|half written/, "while it is open");
  await page.getByTestId("temporary-end").click();
  await page.getByTestId("temporary-start").waitFor();
  assert.doesNotMatch(await kept(page), /secret|half written/, "after it was left");
  await page.getByTestId("temporary-start").click();
  await send(page, `A secret\n${QUICK}`);
  await untilState(page, "complete");
  await composer(page).fill("half written");
  await pause(600);
  await page.reload();
  await composer(page).waitFor();
  await page.getByTestId("temporary-start").waitFor();
  assert.equal(await ownMessages(page).count(), 0);
  assert.doesNotMatch(await kept(page), /secret|half written/, "after a reload");
  assert.doesNotMatch(JSON.stringify(await server.json("GET", "/api/v1/drafts/new")), /secret|half written/);
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
