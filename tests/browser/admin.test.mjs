// The administration: people, roles, invitations, providers, models, limits, the instance, its health.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { story, suite } from "./harness/suite.mjs";
import { pause, until } from "./harness/until.mjs";

const running = suite();

/** @param {import("playwright-core").Page} page */
async function openPage(page, name, title) {
  await page.goto(`/admin/${name}`);
  await page.getByRole("heading", { level: 1, name: title }).waitFor();
}

/** A server that speaks enough of OpenAI's API to be a provider. */
async function provider(key) {
  const server = createServer((request, response) => {
    const known = request.headers.authorization === `Bearer ${key}`;
    response.writeHead(known ? 200 : 401, { "Content-Type": "application/json" });
    response.end(JSON.stringify(known ? { object: "list", data: [{ id: "small", object: "model" }, { id: "large", object: "model" }] } : { error: { message: "Incorrect API key provided" } }));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  return { url: `http://127.0.0.1:${server.address().port}/v1`, close: () => server.close() };
}

story(running, "people: created with a link, found, given another role, locked out, let in, deleted and kept", async ({ server, open }) => {
  const { page } = await open();
  await page.goto("/");
  await page.getByTestId("profile").click();
  await page.getByTestId("open-admin").click();
  await page.getByRole("heading", { level: 1, name: "People" }).waitFor();
  await page.getByTestId("create-person").click();
  const form = page.getByTestId("create-person-form");
  await form.getByRole("button", { name: "Create account" }).click();
  await form.getByText("Enter a name and an e-mail address.").waitFor();
  const email = `mihai.${Date.now()}@example.org`;
  await form.getByLabel("Name").fill("Mihai Ionescu");
  await form.getByLabel("E-mail").fill(email);
  await form.getByRole("button", { name: "Create account" }).click();
  await form.getByText("The account is there").waitFor();
  assert.match(await form.getByTestId("copy-value").innerText(), /\/(join|reset)#\S{20,}$/);
  await form.getByRole("button", { name: "Close" }).click();

  await page.getByTestId("find-people").fill(email);
  const row = page.getByTestId("person").filter({ hasText: email });
  await row.waitFor();
  await until("only he is found", 10_000, async () => (await page.getByTestId("person").count()) === 1);
  await row.getByLabel("Role of Mihai Ionescu").selectOption("guest");
  const stored = async () => (await server.json("GET", `/api/v1/admin/people?q=${encodeURIComponent(email)}`)).people[0];
  await until("the role is stored", 10_000, async () => (await stored()).role === "guest");
  const choose = async (item, button = item) => {
    await row.getByTestId("row-menu").click();
    await page.getByRole("menuitem", { name: item }).click();
    await page.getByTestId("ask").getByRole("button", { name: button }).click();
    await page.getByTestId("ask").waitFor({ state: "detached" });
  };
  await choose("Lock out");
  await row.getByText("locked out").waitFor();
  await choose("Let in again");
  await row.getByText("active").waitFor();
  await row.getByTestId("row-menu").click();
  await page.getByRole("menuitem", { name: "Link for a new password" }).click();
  await page.getByTestId("reset-link").getByTestId("copy-value").waitFor();
  await page.keyboard.press("Escape");
  await page.getByTestId("reset-link").waitFor({ state: "detached" });
  // Two presses within a quarter of a second count as one: faster than a person.
  await pause(300);
  await choose("Sign out everywhere");
  await choose("Delete account");
  await row.getByText("leaving").waitFor();
  await choose("Keep account");
  await until("he stays", 10_000, async () => (await stored()).state !== "leaving");
});

story(running, "nobody takes their own role away; another administrator's can be taken", async ({ server, open }) => {
  await server.json("POST", "/api/v1/admin/people", { name: "Second Admin", email: "second@example.org", role: "admin" });
  const { page } = await open();
  await openPage(page, "people", "People");
  await page.getByTestId("person").filter({ hasText: "Ana Pop" }).getByText("you").waitFor();
  assert.equal(await page.getByLabel("Role of Ana Pop").count(), 0);
  await page.getByLabel("Role of Second Admin").selectOption("user");
  await until("it is stored", 10_000, async () => (await server.json("GET", "/api/v1/admin/people?q=second")).people[0].role === "user");
});

story(running, "invitations: made, shown once, taken back", async ({ open }) => {
  const { page } = await open();
  await openPage(page, "invitations", "Invitations");
  await page.getByTestId("invite").click();
  const form = page.getByTestId("invite-form");
  await form.getByLabel("Role").selectOption("guest");
  await form.getByRole("button", { name: "Invite" }).click();
  const link = new URL(await form.getByTestId("copy-value").innerText());
  assert.equal(link.pathname, "/join");
  await form.getByRole("button", { name: "Close" }).click();
  const row = page.getByTestId("invitation").first();
  await row.getByText("whoever has the link").waitFor();
  await row.getByRole("button", { name: "Take back" }).click();
  await row.getByText("taken back").waitFor();
  const guest = await open({ signedIn: false });
  await guest.page.goto(link.pathname + link.hash);
  await guest.page.getByTestId("bad-link").waitFor();
});

story(running, "roles: an own one is made, changed box by box, and deleted", async ({ server, open }) => {
  const { page } = await open();
  await openPage(page, "roles", "Roles");
  await page.getByTestId("create-role").click();
  await page.getByRole("dialog").getByLabel("Name").fill("Redactori și editori");
  await page.getByRole("dialog").getByRole("button", { name: "Create role" }).click();
  const table = page.getByTestId("roles");
  const box = table.getByLabel("Redactori și editori: Make own API keys");
  await box.waitFor();
  assert.equal(await box.isChecked(), false);
  await box.click();
  const stored = async () => (await server.json("GET", "/api/v1/admin/roles")).roles.find((role) => role.name === "redactori-si-editori");
  await until("the right is stored", 10_000, async () => (await stored())?.permissions.includes("keys:manage"));
  assert.equal(await table.getByLabel("Administrator: Manage roles").isDisabled(), true, "the administrator's role stays");
  await page.getByRole("button", { name: "Delete role Redactori și editori" }).click();
  await page.getByTestId("ask").getByRole("button", { name: "Delete role" }).click();
  await until("the role is gone", 10_000, async () => (await stored()) === undefined);
});

story(running, "providers: tested before saving, stored with a hint of the key, tested again, removed", async ({ open, test }) => {
  const upstream = await provider("sk-right-key-0123456789-1234");
  test.after(() => upstream.close());
  const { page } = await open();
  await openPage(page, "providers", "Providers");
  await page.getByTestId("add-provider").click();
  const form = page.getByTestId("provider-form");
  await form.getByRole("radio", { name: /^OpenAI-compatible/ }).check();
  await form.getByLabel("Name").fill("house");
  await form.getByLabel("Address").fill(upstream.url);
  await form.getByLabel("Key", { exact: true }).fill("wrong-key");
  await form.getByTestId("test-provider").click();
  await form.getByText("It does not answer as it should").waitFor();
  await form.getByLabel("Key", { exact: true }).fill("sk-right-key-0123456789-1234");
  await form.getByTestId("test-provider").click();
  await form.getByText(/It answers: 2 models/).waitFor();
  await form.getByRole("button", { name: "Save" }).click();
  await form.waitFor({ state: "detached" });
  const row = page.getByTestId("provider").filter({ hasText: "house" });
  await row.getByText("1234").waitFor();
  assert.equal((await page.content()).includes("sk-right-key-0123"), false, "the key itself is nowhere in the page");
  await row.getByTestId("row-menu").click();
  await page.getByRole("menuitem", { name: "Test" }).click();
  await row.getByText(/It answers: 2 models/).waitFor();

  await openPage(page, "models", "Models");
  await page.getByTestId("model").filter({ hasText: "house/large" }).waitFor();
  await openPage(page, "providers", "Providers");
  await row.getByTestId("row-menu").click();
  await page.getByRole("menuitem", { name: "Remove" }).click();
  await page.getByTestId("ask").getByRole("button", { name: "Remove" }).click();
  await row.waitFor({ state: "detached" });
});

story(running, "models: ordered by keys and by dragging, renamed, made the default, switched off", async ({ server, open }) => {
  const { page } = await open();
  await openPage(page, "models", "Models");
  const order = () => page.getByTestId("model").evaluateAll((rows) => rows.map((row) => row.dataset.model));
  await page.getByTestId("model").first().waitFor();
  const before = await order();
  const stored = async () => (await server.json("GET", "/api/v1/admin/models")).models;
  await page.getByRole("button", { name: /^Move / }).nth(1).focus();
  await page.keyboard.press("ArrowUp");
  await until("the order is stored", 10_000, async () => (await stored())[0].id === before[1]);
  await page.getByRole("button", { name: /^Move / }).nth(0).dragTo(page.getByTestId("model").nth(2));
  await until("dragging stores it too", 10_000, async () => (await stored())[0].id !== before[1]);

  const [first] = await order();
  await page.getByTestId("model").first().getByRole("button", { name: /^Edit / }).click();
  const form = page.getByTestId("model-form");
  await form.getByLabel("Name people see").fill("House model");
  await form.getByLabel(/^Default/).check();
  await form.getByLabel("Price in, per million").fill("1,25");
  await form.getByRole("button", { name: "Save" }).click();
  await form.waitFor({ state: "detached" });
  const model = (await stored()).find((one) => one.id === first);
  assert.deepEqual([model.display_name, model.default, model.price_input], ["House model", true, 1_250_000]);
  await page.getByTestId("model").nth(1).getByRole("switch").click();
  await until("it is off", 10_000, async () => (await stored())[1].enabled === false);
  const { models } = await server.json("GET", "/api/v1/models");
  assert.equal(models.some((one) => one.name === "House model" && one.default), true);
  await page.getByTestId("model").nth(1).getByRole("switch").click();
  await until("it is on again", 10_000, async () => (await stored())[1].enabled === true);
});

story(running, "limits: figures are checked, stored and can be taken away", async ({ server, open }) => {
  const { page } = await open();
  await openPage(page, "limits", "Limits");
  const form = page.getByTestId("limits-form");
  await form.getByLabel("Tokens per day").first().fill("many");
  await form.getByRole("button", { name: "Save" }).click();
  await form.getByText("Enter figures, or leave the fields empty.").waitFor();
  await form.getByLabel("Tokens per day").first().fill("100.000");
  await form.getByLabel("Cost per day").last().fill("2,50");
  await form.getByRole("button", { name: "Save" }).click();
  await until("they are stored", 10_000, async () => {
    const limits = await server.json("GET", "/api/v1/admin/limits");
    return limits.person_tokens === 100_000 && limits.instance_cost === 2_500_000;
  });
  await form.getByLabel("Tokens per day").first().fill("");
  await form.getByLabel("Cost per day").last().fill("");
  await form.getByRole("button", { name: "Save" }).click();
  await until("they are gone", 10_000, async () => ((await server.json("GET", "/api/v1/admin/limits")).person_tokens ?? null) === null);
});

story(running, "usage: figures, chart, table by model and person, and a file", async ({ server, open }) => {
  await server.ask("Used by the house");
  const { page } = await open();
  await until("it is counted", 20_000, async () => {
    await openPage(page, "usage", "Usage");
    await page.getByTestId("figures").waitFor();
    return /Answers\s*[1-9]/.test(await page.getByTestId("figures").innerText());
  });
  await page.getByRole("radio", { name: "Person" }).click();
  await page.getByRole("region", { name: "Table" }).getByText("Ana Pop").waitFor();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByTestId("csv").click()]);
  assert.match(download.suggestedFilename(), /\.csv$/);
});

story(running, "the instance's name and colour are seen by those who sign in", async ({ server, open }) => {
  const { page } = await open();
  await openPage(page, "instance", "Instance");
  const form = page.getByTestId("instance-form");
  await form.getByLabel("Name").fill("Town archive");
  await form.getByLabel("Greeting").fill("Questions to the second floor.");
  await form.getByRole("radio", { name: "Plum" }).click();
  await form.getByRole("button", { name: "Save" }).click();
  await until("it is stored", 10_000, async () => (await server.json("GET", "/api/v1/admin/instance")).name === "Town archive");
  const guest = await open({ signedIn: false });
  await guest.page.goto("/sign-in");
  await guest.page.getByText(/Sign in to Town archive at/).waitFor();
  await guest.page.getByText("Questions to the second floor.").waitFor();
  assert.equal(await guest.page.evaluate(() => document.documentElement.dataset.accent), "plum");
  await page.getByTestId("mail").getByText("not set up").waitFor();
});

story(running, "health shows the services and the database", async ({ open }) => {
  const { page } = await open();
  await openPage(page, "health", "Health");
  await page.getByTestId("health").getByText("Database").waitFor();
  const services = page.getByRole("region", { name: "Services" });
  for (const name of ["auth", "chat", "ai"]) await services.getByText(name, { exact: true }).waitFor();
});
