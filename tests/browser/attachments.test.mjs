// Pictures that go with a message: chosen, pasted, dropped, refused; and how they are shown.
import assert from "node:assert/strict";
import { chatId, composer, openNew, ownMessages, script, send, untilState } from "./harness/chat.mjs";
import { picture as png } from "./harness/picture.mjs";
import { story, suite } from "./harness/suite.mjs";
import { until } from "./harness/until.mjs";

const running = suite();
const QUICK = script({ tokens: 4, delay_ms: 0 });

const tiles = (page) => page.getByTestId("tile");
const ready = (page, count) => until(`${count} pictures are there`, 10_000, async () => (await page.locator("[data-testid=tile][data-state=ready]").count()) === count, async () => tiles(page).allInnerTexts());

story(running, "a chosen picture becomes a tile, goes with the message, stands above the bubble and opens large", async ({ server, open }) => {
  const { page } = await open();
  // The app is told that the test's model sees. The server knows better and says so, which changes nothing about the picture.
  await page.route("**/api/v1/models", async (route) => {
    const answer = await route.fetch();
    const { models } = await answer.json();
    await route.fulfill({ response: answer, json: { models: models.map((model) => ({ ...model, vision: true })) } });
  });
  await openNew(page);
  await page.getByTestId("attach").waitFor();
  await page.getByTestId("attach-input").setInputFiles([png(), png("second.png", 30, 30)]);
  await ready(page, 2);
  await tiles(page).nth(1).getByTestId("tile-remove").click();
  await ready(page, 1);
  await send(page, `What is on it?\n${QUICK}`);
  const id = await chatId(page);
  await untilState(page, ["complete", "failed"]);
  assert.equal(await tiles(page).count(), 0);
  const picture = ownMessages(page).first().getByTestId("picture");
  await until("the picture is drawn", 10_000, () => picture.locator("img").evaluate((image) => image.complete && image.naturalWidth === 64));
  await picture.click();
  await page.getByTestId("lightbox").waitFor();
  await page.keyboard.press("Escape");
  await page.getByTestId("lightbox").waitFor({ state: "detached" });
  assert.equal(await picture.evaluate((button) => button === document.activeElement), true, "the focus is back on the picture");
  const { messages } = await server.chat(id);
  assert.deepEqual(messages[0].attachments.map((file) => [file.name, file.width, file.height]), [["field.png", 64, 48]]);
});

story(running, "pasting and dropping attach as well; the overlay shows while something is carried", async ({ open }) => {
  const { page } = await open();
  await openNew(page);
  await page.getByTestId("attach").waitFor();
  const bytes = [...png().buffer];
  await composer(page).evaluate((field, data) => {
    const carried = new DataTransfer();
    carried.items.add(new File([new Uint8Array(data)], "pasted.png", { type: "image/png" }));
    field.dispatchEvent(new ClipboardEvent("paste", { clipboardData: carried, bubbles: true, cancelable: true }));
  }, bytes);
  await ready(page, 1);
  const drag = (type) => page.evaluate(([name, data]) => {
    const carried = new DataTransfer();
    carried.items.add(new File([new Uint8Array(data)], "dropped.png", { type: "image/png" }));
    document.body.dispatchEvent(new DragEvent(name, { dataTransfer: carried, bubbles: true, cancelable: true }));
  }, [type, bytes]);
  await drag("dragenter");
  await page.getByTestId("drop-over").waitFor();
  await drag("drop");
  await page.getByTestId("drop-over").waitFor({ state: "detached" });
  await ready(page, 2);
});

story(running, "a model that sees no pictures gets none, and the text stays", async ({ open }) => {
  const { page } = await open();
  await openNew(page);
  await page.getByTestId("attach").waitFor();
  await page.getByTestId("attach-input").setInputFiles([png()]);
  await ready(page, 1);
  await send(page, `What is on it?\n${QUICK}`);
  await page.getByText("This model cannot see pictures. Choose another or remove them").waitFor();
  assert.match(await composer(page).inputValue(), /^What is on it/);
});

story(running, "what is no picture, or says so and is none, is refused in words; a failed one can be tried again", async ({ open }) => {
  const { page } = await open();
  await openNew(page);
  await page.getByTestId("attach").waitFor();
  await page.getByTestId("attach-input").setInputFiles([{ name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("hello") }]);
  await page.getByTestId("attach-trouble").getByText("notes.txt is no picture that can be sent: only PNG, JPEG, WebP and GIF.").waitFor();
  assert.equal(await tiles(page).count(), 0);
  await page.getByTestId("attach-input").setInputFiles([{ name: "liar.png", mimeType: "image/png", buffer: Buffer.from("<svg onload=alert(1)>") }]);
  const bad = page.locator("[data-testid=tile][data-state=failed]");
  await bad.waitFor();
  await composer(page).fill(`With a broken one\n${QUICK}`);
  await composer(page).press("Enter");
  await page.getByText("A picture was not sent. Try it again or remove it").waitFor();
  assert.match(await composer(page).inputValue(), /^With a broken one/, "the text is kept");
  await bad.getByTestId("tile-remove").click();

  let first = true;
  await page.route("**/api/v1/files?*", (route) => {
    if (!first) return route.continue();
    first = false;
    return route.abort("connectionreset");
  });
  await page.getByTestId("attach-input").setInputFiles([png()]);
  await bad.waitFor();
  await bad.getByTestId("tile-retry").click();
  await ready(page, 1);
});
