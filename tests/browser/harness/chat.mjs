// What a person does in a chat, and what can be seen there.
import { until } from "./until.mjs";

/** @typedef {import("playwright-core").Page} Page */

/** A message whose answer the scripted provider gives as told. @param {Record<string, unknown>} fields */
export function script(fields) {
  return `script: ${JSON.stringify(fields)}`;
}

/** @param {Page} page */
export function composer(page) {
  return page.getByTestId("composer-input");
}

/** Opens the empty page with a model chosen and the app ready. @param {Page} page */
export async function openNew(page, model = "scripted/continues") {
  await page.goto(`/?model=${encodeURIComponent(model)}`);
  await page.getByTestId("model-button").filter({ hasText: model.startsWith("scripted/") ? `Scripted: ${model.slice(9)}` : /Guide/ }).waitFor();
}

/** Writes and sends with Enter. @param {Page} page @param {string} text */
export async function send(page, text) {
  await composer(page).fill(text);
  await composer(page).press("Enter");
}

/** The id in the address, once there is one. @param {Page} page */
export async function chatId(page) {
  await page.waitForURL(/\/c\/[0-9a-f-]{36}$/);
  return new URL(page.url()).pathname.slice(3);
}

/** Nobody tells this page what others do: it learns of it only by its own requests. @param {Page} page */
export async function withoutFeed(page) {
  await page.routeWebSocket(/\/api\/v1\/live/, (socket) => socket.close());
  await page.route("**/api/v1/live*", (route) => route.abort());
}

/** @param {Page} page */
export function replies(page) {
  return page.getByTestId("reply");
}

/** @param {Page} page */
export function ownMessages(page) {
  return page.getByTestId("user-message");
}

/** The last answer's state as the page shows it. @param {Page} page */
export async function stateShown(page) {
  const last = replies(page).last();
  return (await last.count()) === 0 ? "none" : last.getAttribute("data-state");
}

/**
 * Waits until the last answer is in one of the states. @param {Page} page @param {string | string[]} wanted
 */
export async function untilState(page, wanted, deadline = 30_000) {
  const states = [wanted].flat();
  await until(`the answer is ${states.join(" or ")} on the page`, deadline, async () => states.includes(await stateShown(page)), () => stateShown(page));
}

/** The source text of the last answer, as the page holds it. @param {Page} page @returns {Promise<string>} */
export function textShown(page) {
  return page.evaluate(() => {
    const id = [...document.querySelectorAll("[data-testid=reply]")].at(-1)?.getAttribute("data-reply-id");
    return id ? (window.__taifas?.replyText(id) ?? "") : "";
  });
}

/** Waits until so many characters of the last answer are there. @param {Page} page @param {number} length */
export async function untilText(page, length, deadline = 30_000) {
  await until(`${length} characters of the answer are on the page`, deadline, async () => (await textShown(page)).length >= length, () => textShown(page));
}

/** The last answer as drawn, without the caret. @param {Page} page @returns {Promise<string>} */
export function drawn(page) {
  return page.evaluate(() => {
    const box = [...document.querySelectorAll("[data-testid=reply]")].at(-1)?.querySelector(".md");
    if (!box) return "";
    const copy = /** @type {HTMLElement} */ (box.cloneNode(true));
    for (const caret of copy.querySelectorAll(".md-caret")) caret.remove();
    return copy.outerHTML;
  });
}
