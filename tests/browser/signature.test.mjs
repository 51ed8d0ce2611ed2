// The promise of the product: a browser tab outlives the death of the server in the middle of an answer. The tab is never
// loaded again, and its text is at every moment a beginning of the one true answer.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { launch, visit } from "./harness/browser.mjs";
import { chatId, drawn, openNew, ownMessages, replies, script, send, stateShown, textShown, untilState, untilText } from "./harness/chat.mjs";
import { Server } from "./harness/server.mjs";
import { pause } from "./harness/until.mjs";

const TOKENS = 300;
const AWAY_MS = 1_000;
const TEST_MS = 120_000;

/** @type {import("playwright-core").Browser} */
let browser;
/** Never disturbed; says what the answer to a script is. @type {Server} */
let calm;

before(async () => {
  [browser, calm] = await Promise.all([launch(), Server.start()]);
}, { timeout: 60_000 });

after(async () => {
  await browser?.close();
  await calm?.remove();
}, { timeout: 30_000 });

/** Where the answer stands when the server dies. */
const MOMENTS = {
  "before the first word": { fields: { first_delay_ms: 4_000 }, share: 0 },
  "after the first words": { fields: {}, share: 0.04 },
  "in the middle": { fields: {}, share: 0.5 },
  "near the end": { fields: {}, share: 0.9 },
};

describe("a tab finishes the answer after the server was killed", { concurrency: 3 }, () => {
  let seed = 100;
  for (const model of ["continues", "asks"]) {
    for (const [moment, plan] of Object.entries(MOMENTS)) {
      seed += 1;
      survives(model, moment, [plan.share], { seed, ...plan.fields });
    }
  }
  survives("continues", "three times in one answer", [0.15, 0.45, 0.8], { seed: 150 });
  survives("asks", "twice in one answer", [0.25, 0.7], { seed: 151 });
  isKept("after the first words", 0.04, 160);
  isKept("in the middle", 0.5, 161);
  isKept("near the end", 0.9, 162);
});

/** @param {string} model @param {string} moment @param {number[]} shares @param {Record<string, number>} fields */
function survives(model, moment, shares, fields) {
  test(`${model}: killed ${moment}, the text goes on by itself`, { timeout: TEST_MS }, () => witnessed(model, fields, async ({ page, server, truth, id }) => {
    for (const share of shares) {
      await killAt(page, server, truth, share);
      await server.run();
    }
    await untilState(page, ["complete", "interrupted", "failed", "stopped"], 60_000);
    assert.equal(await stateShown(page), "complete", "the answer came to its end by itself");
    const cuts = model === "asks" ? shares.filter((share) => share > 0).length : 0;
    const joined = page.getByText("Continued after a break");
    assert.equal(await joined.count(), cuts > 0 ? 1 : 0, cuts > 0 ? "the page says that the answer was continued" : "nothing is said: no word was asked for twice");
    const { messages } = await server.chat(id);
    assert.equal(messages[1].marks.length, cuts, "the stored answer has a mark for every break the model was asked over");
  }));
}

/** A model that cannot go on: the part is kept and says so, and the person has the rest with one click. @param {string} moment @param {number} share @param {number} seed */
function isKept(moment, share, seed) {
  test(`cannot: killed ${moment}, the part is kept and Continue brings the rest`, { timeout: TEST_MS }, () => witnessed("cannot", { seed }, async ({ page, server, truth, id }) => {
    const before = await killAt(page, server, truth, share);
    await server.run();
    await untilState(page, ["complete", "interrupted", "failed", "stopped"], 60_000);
    assert.equal(await stateShown(page), "interrupted", "the cut is told, not hidden");
    const kept = await textShown(page);
    assert.ok(kept.startsWith(before), "what had been read is still there");
    const stored = (await server.chat(id)).messages;
    assert.equal(stored[1].text, kept, "the kept part is stored");
    assert.equal(stored[1].reason.code, "restart");
    assert.match(await page.getByTestId("reply").innerText(), /Cut at \d\d:\d\d\. The server restarted; the text above is saved\./);

    await page.getByTestId("continue").click();
    await untilState(page, "complete", 60_000);
    const after = (await server.chat(id)).messages;
    assert.equal(after[1].id, stored[1].id, "the same reply went on");
    assert.equal(after[1].attempt, stored[1].attempt + 1, "in a new attempt");
  }));
}

/**
 * Sends a script in a real tab, lets `work` kill and wait, and checks what has to be true in the end whatever happened.
 * @param {string} model @param {Record<string, number>} fields
 * @param {(scene: { page: import("playwright-core").Page, server: Server, truth: string, id: string }) => Promise<void>} work
 */
async function witnessed(model, fields, work) {
  const asked = script({ tokens: TOKENS, delay_ms: 20, style: "markdown", ...fields });
  const truth = await truthOf({ tokens: TOKENS, style: "markdown", ...fields, delay_ms: 0, first_delay_ms: 0 });
  const server = await Server.start();
  try {
    const visitor = await visit(browser, server);
    const { page } = visitor;
    await openNew(page, `scripted/${model}`);
    const document = await markDocument(page);
    await watchText(page);
    await send(page, asked);
    const id = await chatId(page);
    await replies(page).first().waitFor();

    await work({ page, server, truth, id });

    assert.deepEqual(await readDocument(page), document, "the tab was never loaded again");
    const shown = await textShown(page);
    assertSame(shown, truth, "the text on the page is what the provider says");
    assertMoments(await textsSeen(page), truth);
    const { messages } = await server.chat(id);
    assert.deepEqual(messages.map((m) => m.role), ["user", "assistant"], "one message and one reply are stored");
    assert.equal(messages[0].text, asked);
    assert.equal(messages[1].state, "complete");
    assertSame(messages[1].text, truth, "the stored text is what the provider says");
    assert.equal(await ownMessages(page).count(), 1, "one message on the page");
    assert.equal(await replies(page).count(), 1, "one reply on the page");

    const second = await visit(browser, server);
    await second.page.goto(`/c/${id}`);
    await untilState(second.page, "complete");
    assertSame(await drawn(page), await drawn(second.page), "the answer is drawn as a fresh load draws it");
    assert.equal(await replies(page).innerText(), await replies(second.page).innerText(), "and ends with the same words around it");
    await second.leave();
    await visitor.leave();
  } catch (error) {
    error.message += `\nlast lines of the server's log:\n${server.log().split("\n").slice(-6).join("\n")}`;
    throw error;
  } finally {
    await server.remove();
  }
}

/** Kills the server when so much of the answer is on the page; gives the text that stood there, after the time without it. */
async function killAt(page, server, truth, share) {
  if (share > 0) await untilText(page, Math.floor(truth.length * share));
  else await pause(700);
  await server.kill();
  await pause(AWAY_MS);
  const text = await textShown(page);
  assert.ok(truth.startsWith(text), `what stands there without a server is a beginning of the answer, not ${JSON.stringify(text.slice(-80))}`);
  assert.ok(text.length < truth.length, "the server died before the end");
  if (share === 0) assert.equal(text, "", "no word had come yet");
  return text;
}

/** The answer of the undisturbed server. @param {Record<string, unknown>} fields */
async function truthOf(fields) {
  const { messages } = await calm.ask(script(fields));
  assert.equal(messages[1].state, "complete");
  return messages[1].text;
}

/** A mark only this document has. @param {import("playwright-core").Page} page */
async function markDocument(page) {
  await page.evaluate(() => { window.__mark = crypto.getRandomValues(new Uint32Array(2)).join("-"); });
  return readDocument(page);
}

function readDocument(page) {
  return page.evaluate(() => ({ mark: window.__mark, loadedAt: performance.timeOrigin, loads: performance.getEntriesByType("navigation").length }));
}

/** Notes the answer's text in every frame in which it is another one. @param {import("playwright-core").Page} page */
function watchText(page) {
  return page.evaluate(() => {
    const seen = (window.__seen = [""]);
    const look = () => {
      const id = document.querySelector("[data-testid=reply]")?.getAttribute("data-reply-id");
      const text = (id && window.__taifas.replyText(id)) ?? "";
      if (text !== seen.at(-1)) seen.push(text);
      requestAnimationFrame(look);
    };
    look();
  });
}

/** @returns {Promise<string[]>} */
function textsSeen(page) {
  return page.evaluate(() => window.__seen);
}

/** No frame may show a gap, a repetition or less than the frame before. @param {string[]} seen @param {string} truth */
function assertMoments(seen, truth) {
  assert.ok(seen.length > 10, `the text grew in ${seen.length} steps only`);
  seen.forEach((text, at) => {
    assert.ok(truth.startsWith(text), `frame ${at} of ${seen.length} is no beginning of the answer: …${JSON.stringify(text.slice(-60))}`);
    const before = at === 0 ? -1 : seen[at - 1].length;
    assert.ok(text.length > before, `frame ${at} of ${seen.length} shows ${text.length} characters, the one before ${before}`);
  });
}

/** Compares long texts and says where they part. @param {string} actual @param {string} expected @param {string} what */
function assertSame(actual, expected, what) {
  if (actual === expected) return;
  let at = 0;
  while (at < actual.length && actual[at] === expected[at]) at += 1;
  assert.fail(`${what}: they part at ${at} (${actual.length} and ${expected.length} characters): `
    + `${JSON.stringify(actual.slice(Math.max(0, at - 30), at + 50))} instead of ${JSON.stringify(expected.slice(Math.max(0, at - 30), at + 50))}`);
}
