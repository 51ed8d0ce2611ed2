// Getting in: invitations, accounts an administrator made, open registration, forgotten passwords, leaving and coming back.
import assert from "node:assert/strict";
import { ANA, Server } from "./harness/server.mjs";
import { story, suite } from "./harness/suite.mjs";

const running = suite();
const NEW_PASSWORD = "a quiet evening by the lake";

/** The part of a link a browser on this server opens. @param {string} link */
function local(link) {
  const url = new URL(link);
  return url.pathname + url.hash;
}

/** @param {import("playwright-core").Page} page */
async function greeted(page, name) {
  await page.getByRole("heading", { level: 1, name: new RegExp(`, ${name}\\. What shall we work on`) }).waitFor();
}

story(running, "an invitation is looked at, accepted once, and gives the account its role", async ({ server, open }) => {
  const { link } = await server.json("POST", "/api/v1/admin/invitations", { email: "mihai@example.org", role: "user" });
  const { page } = await open({ signedIn: false });
  await page.goto(local(link));
  await page.getByRole("heading", { level: 1, name: /^Welcome to / }).waitFor();
  const form = page.getByTestId("account-form");
  assert.equal(await form.getByLabel("E-mail").inputValue(), "mihai@example.org");
  assert.equal(await form.getByLabel("E-mail").getAttribute("readonly"), "");
  await form.getByLabel("Name").fill("Mihai Ionescu");
  await form.getByLabel("Password", { exact: true }).fill("short");
  await form.getByRole("button", { name: "Make the account" }).click();
  await form.getByText("The password needs at least 12 characters.").waitFor();
  await form.getByLabel("Password", { exact: true }).fill(NEW_PASSWORD);
  await form.getByRole("button", { name: "Make the account" }).click();
  await greeted(page, "Mihai");
  assert.equal(page.url().includes("#"), false, "the token left the address");
  await page.getByTestId("profile").click();
  assert.equal(await page.getByTestId("open-admin").count(), 0, "a member has no administration");
  await page.goto("/admin/people");
  await page.getByText("This page is not yours to see").waitFor();

  const late = await open({ signedIn: false });
  await late.page.goto(local(link));
  await late.page.getByTestId("bad-link").waitFor();
});

story(running, "a link that means nothing says what to do", async ({ open }) => {
  const { page } = await open({ signedIn: false });
  await page.goto("/join#nothing");
  await page.getByText("This link is not valid any more").waitFor();
  await page.goto("/reset#nothing");
  await page.getByTestId("reset-form").getByLabel("New password").fill(NEW_PASSWORD);
  await page.getByRole("button", { name: "Save and sign in" }).click();
  await page.getByTestId("bad-link").waitFor();
  await page.getByText("Ask an administrator for a new one").waitFor();
});

story(running, "registration is offered when it is open, and only then", async ({ server, open }) => {
  const { page } = await open({ signedIn: false });
  await page.goto("/sign-in");
  await page.getByTestId("sign-in-form").waitFor();
  assert.equal(await page.getByRole("link", { name: "Create an account" }).count(), 0);
  const instance = await server.json("GET", "/api/v1/admin/instance");
  await server.json("PATCH", "/api/v1/admin/instance", { version: instance.version, registration: "open" });
  await page.reload();
  await page.getByRole("link", { name: "Create an account" }).click();
  const form = page.getByTestId("account-form");
  await form.getByRole("button", { name: "Make the account" }).click();
  await form.getByText("Enter a name.").waitFor();
  await form.getByLabel("Name").fill("Elena Radu");
  await form.getByLabel("E-mail").fill(ANA.email);
  await form.getByLabel("Password", { exact: true }).fill(NEW_PASSWORD);
  await form.getByRole("button", { name: "Make the account" }).click();
  await form.getByRole("alert").first().waitFor();
  await form.getByLabel("E-mail").fill("elena@example.org");
  await form.getByRole("button", { name: "Make the account" }).click();
  await greeted(page, "Elena");
});

story(running, "a forgotten password: without mail an administrator's link helps, and ends other sessions", async ({ server, open }) => {
  const { account } = await server.json("POST", "/api/v1/admin/people", { name: "Radu Pop", email: "radu@example.org", role: "user" });
  const { page } = await open({ signedIn: false });
  await page.goto("/sign-in");
  await page.getByRole("link", { name: "Forgot your password?" }).click();
  await page.getByText("This server cannot send e-mail").waitFor();
  await page.getByText("Ask an administrator for a link").waitFor();
  const { link } = await server.json("POST", `/api/v1/admin/people/${account.id}/reset-password`);
  await page.goto(local(link));
  await page.getByTestId("reset-form").getByLabel("New password").fill(NEW_PASSWORD);
  await page.getByRole("button", { name: "Save and sign in" }).click();
  await greeted(page, "Radu");
  assert.ok(await server.signIn({ email: "radu@example.org", password: NEW_PASSWORD }));
});

story(running, "leaving takes the password and a word; coming back in time keeps everything", async ({ open, test }) => {
  const own = await Server.start();
  test.after(() => own.remove());
  const made = await own.json("POST", "/api/v1/admin/people", { name: "Ioana Pop", email: "ioana@example.org", role: "user" });
  const { page } = await open({ server: own, signedIn: false });
  await page.goto(local(made.link));
  await page.getByLabel("Password", { exact: true }).or(page.getByLabel("New password")).fill(NEW_PASSWORD);
  await page.getByRole("button", { name: /Make the account|Save and sign in/ }).click();
  await greeted(page, "Ioana");
  await page.goto("/#settings/data/leave");
  const form = page.getByTestId("delete-account");
  await form.getByLabel("Current password").fill("not the password");
  await form.getByLabel("Type DELETE to confirm").fill("delete");
  const button = form.getByRole("button", { name: "Delete my account" });
  assert.equal(await button.getAttribute("aria-disabled"), "true");
  await form.getByLabel("Type DELETE to confirm").fill("DELETE");
  await button.click();
  await form.getByText("This is not your current password.").waitFor();
  await form.getByLabel("Current password").fill(NEW_PASSWORD);
  await button.click();
  await page.getByTestId("sign-in-form").waitFor();
  await page.getByLabel("E-mail", { exact: true }).fill("ioana@example.org");
  await page.getByLabel("Password", { exact: true }).fill(NEW_PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByTestId("grace").waitFor();
  await page.getByRole("button", { name: "Keep my account" }).click();
  await greeted(page, "Ioana");
});
