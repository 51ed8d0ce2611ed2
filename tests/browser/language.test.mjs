// English and Romanian: from the first paint, by choice, on all devices, and only one of them loaded.
import assert from "node:assert/strict";
import { composer } from "./harness/chat.mjs";
import { story, suite } from "./harness/suite.mjs";
import { until } from "./harness/until.mjs";

const running = suite();

/** The catalogues of texts that were loaded. @param {import("playwright-core").Response[]} responses */
function catalogues(responses) {
  return responses.map((response) => /\/assets\/(en|ro)-[\w-]+\.js$/.exec(new URL(response.url()).pathname)?.[1]).filter(Boolean);
}

story(running, "a Romanian browser sees Romanian before any script ran, and loads no English texts", async ({ open }) => {
  const still = await open({ locale: "ro-RO", javaScriptEnabled: false });
  await still.page.goto("/");
  assert.equal(await still.page.locator("html").getAttribute("lang"), "ro");
  assert.equal(await composer(still.page).getAttribute("placeholder"), "Întreabă orice");
  assert.match(await still.page.locator("nav").first().innerText(), /Conversație nouă/);

  const { page, responses } = await open({ locale: "ro-RO" });
  await page.goto("/");
  await page.getByRole("heading", { level: 1, name: /^Bună (dimineața|ziua|seara), Ana\. La ce lucrăm\?$/ }).waitFor();
  assert.deepEqual([...new Set(catalogues(responses))], ["ro"]);
  assert.equal(await page.locator("html").getAttribute("lang"), "ro");
});

story(running, "an English browser loads no Romanian texts", async ({ open }) => {
  const { page, responses } = await open();
  await page.goto("/");
  await page.getByRole("heading", { level: 1, name: /What shall we work on/ }).waitFor();
  assert.deepEqual([...new Set(catalogues(responses))], ["en"]);
});

story(running, "the language is chosen before signing in and stays after a reload", async ({ open }) => {
  const { page } = await open({ signedIn: false });
  await page.goto("/");
  await page.getByTestId("sign-in-form").waitFor();
  await page.getByTestId("language-menu").click();
  await page.getByRole("menuitemradio", { name: "Română" }).click();
  await page.getByRole("heading", { level: 1, name: "Bine ai revenit" }).waitFor();
  assert.equal(await page.locator("html").getAttribute("lang"), "ro");
  assert.equal(await page.title(), "Intră în cont");
  await page.reload();
  await page.getByRole("heading", { level: 1, name: "Bine ai revenit" }).waitFor();
  await page.getByRole("button", { name: "Intră în cont" }).click();
  await page.getByText("Scrie adresa ta de e-mail.").waitFor();
});

story(running, "a change in the settings applies at once and on the person's other devices", async ({ server, open }) => {
  const { page } = await open();
  await page.goto("/#settings/general");
  await page.getByTestId("settings").waitFor();
  await page.getByTestId("language").selectOption("ro");
  await page.getByTestId("settings").getByRole("heading", { name: "General" }).waitFor();
  await page.getByText("Culoare de accent").waitFor();
  await page.getByText("Salvat").waitFor({ state: "attached" });
  await page.keyboard.press("Escape");
  await page.getByText("Modelele pot greși").waitFor({ state: "attached" });
  assert.equal(await composer(page).getAttribute("placeholder"), "Întreabă orice");

  const other = await open({ cookie: await server.signIn() });
  await other.page.goto("/");
  await until("the other device speaks Romanian", 10_000, async () => (await composer(other.page).getAttribute("placeholder")) === "Întreabă orice");
  await other.page.goto("/#settings/general");
  await other.page.getByTestId("language").selectOption("system");
  await until("the browser's language is back", 10_000, async () => (await composer(other.page).getAttribute("placeholder")) === "Ask anything");
});
