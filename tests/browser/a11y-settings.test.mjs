// axe finds nothing to object to in the settings, the administration and the pages before signing in: light and dark, wide
// and narrow; and nothing is wider than the screen, in either language.
import assert from "node:assert/strict";
import { clean, LOOKS } from "./harness/axe.mjs";
import { script } from "./harness/chat.mjs";
import { OUTSIDE, SCREENS } from "./harness/screens.mjs";
import { story, suite } from "./harness/suite.mjs";

const running = suite();

/** @param {import("playwright-core").Page} page @param {string} state */
async function fits(page, state) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  assert.equal(wide, false, `${state} is wider than the screen`);
}

/** People, an invitation and a chat in each place, so that the lists have rows. */
async function furnish(server) {
  if ((await server.json("GET", "/api/v1/admin/people")).people.length > 1) return;
  await server.json("POST", "/api/v1/admin/people", { name: "Ștefania Dumitrescu-Văcărescu", email: "stefania@example.org", role: "user" });
  await server.json("POST", "/api/v1/admin/invitations", { role: "guest" });
  for (const place of ["archived", "trash"]) {
    const { chat } = await server.ask(`Kept\n${script({ tokens: 5, delay_ms: 0 })}`);
    const { version } = (await server.chat(chat.id)).chat;
    if (place === "trash") await server.json("DELETE", `/api/v1/chats/${chat.id}`);
    else await server.json("PATCH", `/api/v1/chats/${chat.id}`, { version, archived: true });
  }
}

for (const look of LOOKS) {
  const name = `${look.theme} ${look.width}`;
  for (const [part, prefix] of [["the settings", "settings"], ["the administration", "admin"], ["the notices", "notices"]]) {
    story(running, `${name}: ${part}`, async ({ server, open }) => {
      await furnish(server);
      const { page } = await open({ ...look, locale: look.theme === "dark" ? "ro-RO" : "en-GB" });
      for (const screen of SCREENS.filter((one) => one.name.startsWith(prefix))) {
        await screen.show(page);
        await clean(page, screen.name);
        await fits(page, screen.name);
        await page.keyboard.press("Escape");
      }
    });
  }

  story(running, `${name}: pages before signing in`, async ({ open }) => {
    const { page } = await open({ ...look, signedIn: false, locale: look.theme === "dark" ? "ro-RO" : "en-GB" });
    for (const path of OUTSIDE) {
      await page.goto(path);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await clean(page, path);
      await fits(page, path);
    }
  });
}
