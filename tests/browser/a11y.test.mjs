// axe finds nothing to object to in any state of any page, light and dark, wide and narrow (WCAG 2.2 AA).
import assert from "node:assert/strict";
import { clean, LOOKS, objections } from "./harness/axe.mjs";
import { chatId, composer, openNew, replies, script, send, untilState, untilText, withoutFeed } from "./harness/chat.mjs";
import { ANA, Server } from "./harness/server.mjs";
import { story, suite } from "./harness/suite.mjs";

const QUICK = script({ tokens: 12, delay_ms: 0 });
const RICH = script({ tokens: 500, style: "markdown", seed: 7, delay_ms: 0 });

const running = suite();

story(running, "the check itself finds what is wrong", async ({ open }) => {
  const { page } = await open();
  await page.goto("/");
  await page.getByTestId("model-button").getByText("Guide").waitFor();
  await page.evaluate(() => {
    const button = document.createElement("button");
    const pale = document.createElement("p");
    pale.textContent = "Pale words";
    pale.style.color = "rgb(220, 220, 220)";
    document.querySelector("main")?.append(button, pale);
  });
  const found = await objections(page);
  assert.ok(found.some((line) => line.startsWith("button-name")) && found.some((line) => line.startsWith("color-contrast")), found.join("\n"));
});

for (const look of LOOKS) {
  const name = `${look.theme} ${look.width}`;

  story(running, `${name}: set-up and sign-in`, async ({ open, test }) => {
    const server = await Server.start({ account: false });
    test.after(() => server.remove());
    const { page } = await open({ ...look, server, signedIn: false });
    await page.goto("/");
    await page.getByTestId("setup-no-token").waitFor();
    await clean(page, "set-up without the link");
    await page.goto(server.setupLink);
    await page.getByTestId("setup-form").waitFor();
    await clean(page, "set-up");
    await page.getByRole("button", { name: "Make the account" }).click();
    await page.getByText("Enter a name.").waitFor();
    await clean(page, "set-up with an error");
    await server.setUp();
    const other = await open({ ...look, server, signedIn: false });
    await other.page.goto("/");
    await other.page.getByTestId("sign-in-form").waitFor();
    await clean(other.page, "sign-in");
    await other.page.getByLabel("E-mail", { exact: true }).fill(ANA.email);
    await other.page.getByLabel("Password", { exact: true }).fill("not the password");
    await other.page.getByRole("button", { name: "Sign in" }).click();
    await other.page.getByText("tries left").waitFor();
    await clean(other.page, "sign-in with an error");
  });

  story(running, `${name}: empty page, menus, drawer, toast`, async ({ server, open }) => {
    const { chat } = await server.ask(`A chat in the list\n${QUICK}`);
    const { page } = await open(look);
    await page.goto("/");
    await page.getByTestId("model-button").getByText("Guide").waitFor();
    await clean(page, "the empty page");
    await page.getByTestId("model-button").click();
    await page.getByRole("menu").waitFor();
    await clean(page, "the model list");
    await page.keyboard.press("Escape");
    if (look.width < 768) {
      await page.getByTestId("drawer-open").click();
      await page.getByTestId("scrim").waitFor();
      await clean(page, "the drawer");
    }
    await page.getByTestId("profile").click();
    await page.getByRole("menu").waitFor();
    await clean(page, "the profile menu");
    await page.keyboard.press("Escape");
    const row = page.locator(`[data-chat-id="${chat.id}"]`);
    await row.hover();
    await row.getByTestId("chat-menu").click();
    await page.getByRole("menu").waitFor();
    await clean(page, "the menu of a chat");
    await page.getByTestId("chat-delete").click();
    await page.getByText("Chat deleted").waitFor();
    await clean(page, "a toast");
    await page.getByTestId("toast-undo").click();
    await page.goto(`/c/${chat.id.replace(/.{12}$/, "000000000000")}`);
    await page.getByText("This chat is not here").waitFor();
    await clean(page, "a chat that is not there");
  });

  story(running, `${name}: an answer waiting, streaming, stopped, finished`, async ({ server, open }) => {
    const { page } = await open(look);
    await openNew(page);
    await send(page, script({ tokens: 2_000, style: "markdown", seed: 9, delay_ms: 15, first_delay_ms: 2_500 }));
    await chatId(page);
    await page.locator(".wait").first().waitFor();
    await clean(page, "waiting for the first word");
    await untilText(page, 300);
    await composer(page).fill("Next one");
    await composer(page).press("Enter");
    await page.getByTestId("next-chip").waitFor();
    await clean(page, "a streaming answer with a waiting message");
    await page.getByTestId("next-chip").getByRole("button", { name: "Take back into the text field" }).click();
    await page.getByTestId("stop").click();
    await untilState(page, "stopped");
    await clean(page, "a stopped answer");
    const { chat } = await server.ask(`Everything Markdown has\n${RICH}`);
    await page.goto(`/c/${chat.id}`);
    await untilState(page, "complete");
    await replies(page).locator("table, pre").first().waitFor();
    await clean(page, "a finished answer");
  });

  story(running, `${name}: cut, failed, not sent, newer turns, offline`, async ({ server, open }) => {
    const { page, context } = await open(look);
    // With the feed the desk would have seen what the phone wrote before it could write beside it.
    await withoutFeed(page);
    await openNew(page, "scripted/cannot");
    await send(page, script({ tokens: 40, delay_ms: 0, cut_after: 20 }));
    await chatId(page);
    await untilState(page, "interrupted");
    await clean(page, "an interrupted answer");
    await openNew(page);
    await send(page, script({ tokens: 10, delay_ms: 0, error_after: 0, error: "refused_key" }));
    await chatId(page);
    await untilState(page, "failed");
    await clean(page, "a failed answer");
    const { chat, messages } = await server.ask(`Shared\n${QUICK}`);
    await page.goto(`/c/${chat.id}`);
    await untilState(page, "complete");
    await server.ask(`From the phone\n${QUICK}`, { chatId: chat.id, parentId: messages.at(-1).id });
    await send(page, "From the desk");
    await page.getByTestId("newer-bar").waitFor();
    await clean(page, "newer turns");
    await page.getByTestId("continue-there").click();
    await context.setOffline(true);
    await page.getByTestId("connection-bar").waitFor();
    await composer(page).press("Enter");
    await page.getByText("1 message waits").waitFor();
    await clean(page, "offline with a waiting message");
    await context.setOffline(false);
  });
}
