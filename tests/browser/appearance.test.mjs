// What is seen beside the words: themes without a flash, the narrow screen, where the thread stands while it grows.
import assert from "node:assert/strict";
import { chatId, composer, openNew, ownMessages, replies, script, send, textShown, untilState, untilText } from "./harness/chat.mjs";
import { story, suite } from "./harness/suite.mjs";
import { pause, until } from "./harness/until.mjs";

const running = suite();

/** Luminance of the page's ground, 0 to 255. @param {import("playwright-core").Page} page */
async function ground(page) {
  const color = await page.evaluate(() => {
    const canvas = document.createElement("canvas").getContext("2d");
    canvas.fillStyle = getComputedStyle(document.documentElement).backgroundColor;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  });
  return (color[0] + color[1] + color[2]) / 3;
}

story(running, "a theme applies at once, outlives a load, and is there before the first paint", async ({ server, open }) => {
  const { page, context } = await open({ theme: "light" });
  await page.goto("/");
  assert.ok((await ground(page)) > 200, "the system is light");
  await page.getByTestId("profile").click();
  await page.getByRole("menuitemradio", { name: "Dark" }).click();
  await until("the page is dark", 2_000, async () => (await ground(page)) < 60, () => ground(page));
  assert.equal(await page.getByRole("menuitemradio", { name: "Dark" }).getAttribute("aria-checked"), "true");
  await page.addInitScript(() => {
    // Every theme the root ever had, from its first moment on.
    window.__themes = [];
    const note = () => {
      const theme = document.documentElement?.dataset.theme;
      if (theme && theme !== window.__themes.at(-1)) window.__themes.push(theme);
    };
    new MutationObserver(note).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-theme"] });
    note();
  });
  await page.reload();
  await page.getByTestId("profile").waitFor();
  assert.deepEqual(await page.evaluate(() => window.__themes), ["dark"], "no other theme was ever there");
  assert.ok((await ground(page)) < 60);
  const cookie = (await context.cookies()).find((c) => c.name === "theme");
  assert.equal(cookie?.value, "dark");
  const html = await (await server.request("GET", "/", undefined, { Cookie: "theme=dark" })).text();
  assert.match(html.slice(0, 200), /data-theme="dark"/, "the server writes it into the page");
  // Without a script the page is dark already.
  const still = await context.newPage();
  await still.route("**/*.js", (route) => route.abort());
  await still.goto("/");
  assert.ok((await ground(still)) < 60);
});

story(running, "“system” follows the system, also while the page is open", async ({ server, open }) => {
  const { version } = await server.json("GET", "/api/v1/me");
  await server.json("PATCH", "/api/v1/me", { theme: "system", version });
  const { page } = await open({ theme: "dark" });
  await page.goto("/");
  assert.ok((await ground(page)) < 60);
  await page.emulateMedia({ colorScheme: "light" });
  await until("the page is light", 2_000, async () => (await ground(page)) > 200, () => ground(page));
});

story(running, "360 px: a drawer with a scrim, nothing wider than the screen", async ({ server, open }) => {
  const { page } = await open({ width: 360, height: 740 });
  const { chat } = await server.ask(`A narrow screen with a rather long title that cannot fit\n${script({ tokens: 400, style: "markdown", seed: 81, delay_ms: 0 })}`);
  for (const path of ["/", `/c/${chat.id}`]) {
    await page.goto(path);
    await composer(page).waitFor();
    if (path !== "/") await untilState(page, "complete");
    const [wide, tall] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight]);
    assert.ok(wide <= 360, `${path} is ${wide} px wide`);
    assert.ok(tall <= 740, `${path} is ${tall} px high: the page itself must not scroll`);
  }
  assert.equal(await page.getByTestId("sidebar").isVisible(), false);
  await page.getByTestId("drawer-open").click();
  await page.getByTestId("sidebar").waitFor();
  await until("the drawer has slid to the edge", 3_000, async () => (await page.getByTestId("sidebar").boundingBox()).x === 0);
  const { width } = await page.getByTestId("sidebar").boundingBox();
  assert.ok(width <= 310, `the drawer is ${width} px wide`);
  await page.getByTestId("scrim").click({ position: { x: 350, y: 400 } });
  await page.getByTestId("scrim").waitFor({ state: "detached" });
  await page.getByTestId("drawer-open").click();
  await page.getByTestId("chat-row").first().getByRole("link").click();
  await page.getByTestId("scrim").waitFor({ state: "detached" });
  await page.waitForURL(`**/c/${chat.id}`);
});

story(running, "touch targets on a narrow screen are large enough", async ({ server, open }) => {
  const { page } = await open({ width: 360, height: 740, hasTouch: true, isMobile: true });
  const { chat } = await server.ask(`Touch\n${script({ tokens: 5, delay_ms: 0 })}`);
  await page.goto(`/c/${chat.id}`);
  await untilState(page, "complete");
  const small = await page.evaluate(() => [...document.querySelectorAll("button, a, textarea")]
    .filter((element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && !element.closest(".md"))
    .map((element) => ({ name: element.getAttribute("aria-label") ?? element.textContent, box: element.getBoundingClientRect() }))
    .filter(({ box }) => box.width > 0 && (box.width < 36 || box.height < 36))
    .map(({ name, box }) => `${name}: ${Math.round(box.width)} × ${Math.round(box.height)}`));
  assert.deepEqual(small, []);
});

const LONG = { tokens: 900, style: "markdown", seed: 91 };
const scroll = (page) => page.evaluate(() => {
  const box = document.querySelector("[data-thread-scroller]");
  return { top: box.scrollTop, rest: box.scrollHeight - box.scrollTop - box.clientHeight, height: box.scrollHeight };
});

story(running, "a new question stands under the header with room below it", async ({ server, open }) => {
  const { page } = await open();
  const { chat, messages } = await server.ask(script({ ...LONG, delay_ms: 0 }));
  assert.ok(messages[1].text.length > 2_000);
  await page.goto(`/c/${chat.id}`);
  await untilState(page, "complete");
  await until("the thread opens at its end", 3_000, async () => (await scroll(page)).rest < 30, () => scroll(page));
  await send(page, `The new question\n${script({ tokens: 80, delay_ms: 20 })}`);
  await ownMessages(page).nth(1).waitFor();
  // It gets there by smooth scrolling; what is measured below begins after that.
  await until("the question is near the top", 4_000, async () => {
    const box = await ownMessages(page).nth(1).boundingBox();
    return box !== null && box.y > 50 && box.y < 110;
  }, () => ownMessages(page).nth(1).boundingBox());
  await pause(400);
  const before = await ownMessages(page).nth(1).boundingBox();
  await until("the second answer is complete", 15_000, async () => (await replies(page).count()) === 2 && (await replies(page).nth(1).getAttribute("data-state")) === "complete");
  const after = await ownMessages(page).nth(1).boundingBox();
  assert.ok(Math.abs(after.y - before.y) <= 1, `the question moved by ${after.y - before.y} px while its answer grew and ended`);
});

story(running, "who has scrolled up stays there while the answer grows, and ↓ leads back to following", async ({ open }) => {
  const { page } = await open({ height: 600 });
  await openNew(page);
  await send(page, script({ ...LONG, delay_ms: 10 }));
  await chatId(page);
  await until("the answer is longer than the screen", 20_000, async () => (await scroll(page)).rest > 300, () => scroll(page));
  await page.getByTestId("to-end").click();
  await until("the view is at the end", 3_000, async () => (await scroll(page)).rest < 40, () => scroll(page));
  const first = (await scroll(page)).height;
  await until("the answer has grown", 10_000, async () => (await scroll(page)).height > first + 100);
  assert.ok((await scroll(page)).rest < 60, "at the end the view follows");
  await page.mouse.move(640, 300);
  await page.mouse.wheel(0, -250);
  await pause(150);
  const put = await scroll(page);
  assert.ok(put.rest > 100, "the person scrolled up");
  await until("the answer has grown", 10_000, async () => (await scroll(page)).height > put.height + 100);
  assert.ok(Math.abs((await scroll(page)).top - put.top) <= 1, "the view did not move");
  await page.getByTestId("to-end").waitFor();
  await page.getByTestId("to-end").click();
  await until("the view is at the end again", 3_000, async () => (await scroll(page)).rest < 40, () => scroll(page));
  await page.getByTestId("to-end").waitFor({ state: "detached" });
  await page.getByTestId("stop").click();
});

story(running, "nothing jumps while an answer streams", async ({ open }) => {
  const { page } = await open();
  await openNew(page);
  await page.evaluate(() => {
    window.__shift = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.__shift += entry.value;
    }).observe({ type: "layout-shift", buffered: false });
  });
  await send(page, script({ tokens: 250, style: "markdown", seed: 93, delay_ms: 5 }));
  await chatId(page);
  await untilState(page, "complete");
  assert.ok((await textShown(page)).length > 500);
  const shift = await page.evaluate(() => window.__shift);
  assert.ok(shift < 0.02, `the layout shifted by ${shift}`);
});

story(running, "with reduced motion nothing breathes", async ({ open }) => {
  const { page } = await open({ reducedMotion: "reduce" });
  await openNew(page);
  await send(page, script({ tokens: 400, delay_ms: 20, first_delay_ms: 1_000 }));
  await page.locator(".wait").first().waitFor();
  const moving = () => page.evaluate(() => document.getAnimations().filter((a) => a.playState === "running" && a.effect?.getComputedTiming().iterations === Infinity).length);
  assert.equal(await moving(), 0, "while waiting for the first word");
  await untilText(page, 20);
  assert.equal(await moving(), 0, "while the answer streams");
  await page.getByTestId("stop").click();
});
