// Every state of the settings and the administration that is looked at: by axe in each look, and by people in pictures.

/** @typedef {import("playwright-core").Page} Page */

/** @param {Page} page @param {string} tab */
async function settings(page, tab) {
  await page.goto("/");
  await page.goto(`/#settings/${tab}`);
  await page.getByTestId("settings").waitFor();
  await page.waitForLoadState("networkidle");
}

/** @param {Page} page @param {string} name */
async function admin(page, name) {
  await page.goto(`/admin/${name}`);
  await page.getByRole("heading", { level: 1 }).waitFor();
  await page.waitForLoadState("networkidle");
}

const SETTINGS = ["general", "profile", "instructions", "notifications", "security", "keys", "data", "data/archived", "data/trash", "data/leave", "usage"];
const ADMIN = ["people", "invitations", "roles", "providers", "models", "usage", "limits", "instance", "health"];

/** @type {{ name: string, show: (page: Page) => Promise<void> }[]} */
export const SCREENS = [
  ...SETTINGS.map((tab) => ({ name: `settings-${tab.replace("/", "-")}`, show: (page) => settings(page, tab) })),
  {
    name: "settings-password",
    show: async (page) => {
      await settings(page, "profile");
      await page.getByTestId("change-password").click();
      await page.getByTestId("password-form").getByRole("button").first().click();
    },
  },
  {
    name: "settings-key-form",
    show: async (page) => {
      await settings(page, "keys");
      await page.getByTestId("make-key").click();
    },
  },
  {
    name: "settings-question",
    show: async (page) => {
      await settings(page, "data");
      await page.getByTestId("delete-all").getByRole("button").click();
    },
  },
  ...ADMIN.map((name) => ({ name: `admin-${name}`, show: (page) => admin(page, name) })),
  {
    name: "admin-people-create",
    show: async (page) => {
      await admin(page, "people");
      await page.getByTestId("create-person").click();
    },
  },
  {
    name: "admin-people-menu",
    show: async (page) => {
      await admin(page, "people");
      await page.getByTestId("row-menu").first().click();
    },
  },
  {
    name: "admin-invite",
    show: async (page) => {
      await admin(page, "invitations");
      await page.getByTestId("invite").click();
    },
  },
  {
    name: "admin-provider-form",
    show: async (page) => {
      await admin(page, "providers");
      await page.getByTestId("add-provider").click();
    },
  },
  {
    name: "admin-model-form",
    show: async (page) => {
      await admin(page, "models");
      await page.getByTestId("model").first().getByRole("button").last().click();
    },
  },
  {
    name: "notices",
    show: async (page) => {
      await page.goto("/");
      if ((page.viewportSize()?.width ?? 0) < 768) await page.getByTestId("drawer-open").click();
      await page.getByTestId("bell").click();
      await page.getByRole("menu").waitFor();
    },
  },
];

/** Pages before signing in, by address. */
export const OUTSIDE = ["/sign-in", "/register", "/forgot", "/join#nothing", "/reset#nothing", "/reset"];
