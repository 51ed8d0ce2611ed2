// What an attacker would try through the browser. That no page breaks its policy or talks to another origin is watched
// in every test of this folder; here is what needs a look of its own.
import assert from "node:assert/strict";
import { EVIL, foreign, PAYLOADS, provoke } from "./harness/attacks.mjs";
import { chatId, composer, openNew, ownMessages, replies, script, send, untilState, withoutFeed } from "./harness/chat.mjs";
import { ANA } from "./harness/server.mjs";
import { story, suite } from "./harness/suite.mjs";
import { until } from "./harness/until.mjs";

const running = suite();
const QUICK = script({ tokens: 3, delay_ms: 0 });

story(running, "what a person writes is text, in the bubble, the title, the list and the field", async ({ server, open }) => {
  const { page } = await open();
  await openNew(page);
  await send(page, EVIL);
  const id = await chatId(page);
  await untilState(page, ["complete", "failed"]);
  await provoke(page);
  assert.deepEqual(await foreign(page), []);
  const stored = (await server.chat(id)).messages[0].text;
  assert.equal(stored, EVIL, "stored as it was written");
  assert.equal((await ownMessages(page).locator(".bub > div").textContent()), EVIL, "shown as it was written");
  const title = "<img src=x onerror=window.__hit=20><script>window.__hit=20</script>";
  await server.json("PATCH", `/api/v1/chats/${id}`, { title, version: (await server.chat(id)).chat.version });
  await page.reload();
  await page.getByTestId("chat-row").getByText(title).waitFor();
  await until("the title of the page is the text", 5_000, async () => (await page.title()) === `${title} · Taifas`, () => page.title());
  await page.locator(`[data-chat-id="${id}"]`).hover();
  await page.locator(`[data-chat-id="${id}"]`).getByTestId("chat-menu").click();
  await page.getByTestId("chat-rename").click();
  assert.equal(await page.getByTestId("rename-input").inputValue(), title);
  assert.deepEqual(await foreign(page), []);
});

story(running, "what a model writes is text, stored or streamed", async ({ server, open }) => {
  const { page } = await open();
  const { chat, messages } = await server.ask(`An answer that attacks\n${QUICK}`);
  // The scripted provider says no such thing, so the answer is changed on its way to the page.
  await page.route(`**/api/v1/chats/${chat.id}`, async (route) => {
    const answer = await route.fetch();
    const thread = await answer.json();
    thread.messages[1].text = EVIL;
    await route.fulfill({ response: answer, json: thread });
  });
  await page.goto(`/c/${chat.id}`);
  await untilState(page, "complete");
  await replies(page).getByText("raw link").first().waitFor();
  await provoke(page);
  assert.deepEqual(await foreign(page), []);
  await page.unroute(`**/api/v1/chats/${chat.id}`);

  const letters = [...EVIL];
  const pieces = Array.from({ length: Math.ceil(letters.length / 7) }, (_, at) => letters.slice(at * 7, at * 7 + 7).join(""));
  const event = (type, id, data) => `event: ${type}\n${id ? `id: ${id}\n` : ""}data: ${JSON.stringify(data)}\n\n`;
  const stream = event("snapshot", "a-none", { text: "", state: "streaming", reason: null, marks: [], attempt: 1 })
    + pieces.map((text, seq) => event("text", `a-${seq}`, { text })).join("")
    + event("done", null, { state: "complete", reason: null, finished_at: new Date().toISOString() });
  await withoutFeed(page);
  await page.route("**/api/v1/replies/*/stream", (route) => route.fulfill({ contentType: "text/event-stream", body: stream }));
  await openNew(page);
  await send(page, script({ tokens: 3, delay_ms: 50, first_delay_ms: 300 }));
  await untilState(page, "complete");
  await replies(page).getByText("raw link").first().waitFor();
  await provoke(page);
  assert.deepEqual(await foreign(page), []);
  assert.equal(messages.length, 2);
});

story(running, "Guide repeats no markup of the question", async ({ open }) => {
  const { page } = await open();
  await openNew(page, "guide/guide");
  await send(page, `server killed answer <img src=x onerror=window.__hit=30> [x](javascript:window.__hit=30) ${PAYLOADS[0]}`);
  await chatId(page);
  await untilState(page, "complete");
  await provoke(page);
  assert.deepEqual(await foreign(page), []);
});

story(running, "the server's sentences are text too", async ({ open }) => {
  const { page } = await open();
  const detail = "<img src=x onerror=window.__hit=40> is refused. <script>window.__hit=40</script>";
  await page.route("**/messages", (route) => route.fulfill({
    status: 422, contentType: "application/problem+json",
    json: { type: "about:blank", title: "Invalid", status: 422, detail, code: "invalid", correlation_id: "x" },
  }));
  await openNew(page);
  await send(page, "Refused");
  await page.getByTestId("not-sent-bar").getByText(detail).waitFor();
  assert.equal(await composer(page).inputValue(), "Refused", "the text is back in the field");
  assert.deepEqual(await foreign(page), []);
});

story(running, "every answer of the server carries its headers; pages carry the full policy", async ({ server, open }) => {
  const { page, responses } = await open();
  await withoutFeed(page);
  await openNew(page);
  await send(page, QUICK);
  const id = await chatId(page);
  await untilState(page, "complete");
  await page.goto("/setup");
  await page.goto("/nowhere/at/all");
  await page.goto(`/c/${id}`);
  await untilState(page, "complete");
  /** @type {[string, Headers][]} */
  const answers = await Promise.all(responses.map(async (response) => /** @type {[string, Headers]} */ ([`${response.request().method()} ${response.url()}`, new Headers(await response.allHeaders())])));
  for (const [method, path] of [["GET", "/api/v1/nothing"], ["GET", "/assets/nothing.js"], ["DELETE", "/"], ["GET", "/api/v1/chats/not-an-id"], ["GET", "/healthz"], ["GET", "/readyz"], ["GET", "/api/v1/openapi.json"], ["GET", "/..%2f..%2fetc/passwd"], ["POST", "/api/v1/auth/sign-in"]]) {
    const answer = await server.request(method, path);
    answers.push([`${method} ${path}`, answer.headers]);
  }
  assert.ok(answers.some(([name]) => name.includes("/assets/")) && answers.some(([name]) => name.includes("/stream")), "assets and streams are among them");
  for (const [name, headers] of answers) {
    const expect = (key, pattern) => assert.match(headers.get(key) ?? "(missing)", pattern, `${name}: ${key}`);
    expect("x-content-type-options", /^nosniff$/);
    expect("referrer-policy", /^no-referrer$/);
    expect("x-frame-options", /^DENY$/);
    expect("cross-origin-opener-policy", /^same-origin$/);
    expect("cross-origin-resource-policy", /^same-origin$/);
    expect("permissions-policy", /camera=\(\)/);
    expect("content-security-policy", /default-src 'none'/);
    expect("content-security-policy", /frame-ancestors 'none'/);
    assert.equal(headers.get("server"), null, `${name} does not say what it runs on`);
    assert.equal(headers.get("access-control-allow-origin"), null, `${name} is for no other origin`);
    if (!(headers.get("content-type") ?? "").startsWith("text/html")) continue;
    expect("content-security-policy", /script-src 'self'( 'sha256-[A-Za-z0-9+/=]+')+;/);
    expect("content-security-policy", /style-src 'self'( 'sha256-[A-Za-z0-9+/=]+')+;/);
    expect("content-security-policy", /require-trusted-types-for 'script'/);
    expect("content-security-policy", /base-uri 'none'/);
    expect("content-security-policy", /form-action 'self'/);
    assert.doesNotMatch(headers.get("content-security-policy") ?? "", /unsafe|\*|https?:/, `${name}: nothing is let through the policy`);
  }
});

story(running, "the policy holds: a script or a style put into the page does not run", async ({ open }) => {
  const { page, trouble } = await open();
  await page.goto("/");
  await composer(page).waitFor();
  const outcome = await page.evaluate(async () => {
    const script = document.createElement("script");
    try {
      script.textContent = "window.__hit = 50";
      document.head.append(script);
    } catch (error) {
      window.__refused = String(error);
    }
    const element = document.createElement("div");
    let html = "taken";
    try {
      element.innerHTML = "<img src=x onerror='window.__hit = 51'>";
    } catch {
      html = "refused";
    }
    element.setAttribute("style", "color: red");
    await new Promise((resolve) => setTimeout(resolve, 200));
    return { hit: window.__hit ?? null, html, style: element.style.color };
  });
  assert.deepEqual(outcome, { hit: null, html: "refused", style: "" });
  assert.ok(trouble.some((line) => /policy|TrustedHTML|trusted/i.test(line)), "the watch of these tests notices a breach");
  trouble.length = 0;
});

story(running, "the page needs no inline style and no handler attribute", async ({ server, open }) => {
  const { page } = await open();
  const { chat } = await server.ask(script({ tokens: 400, style: "markdown", seed: 101, delay_ms: 0 }));
  const html = await (await server.request("GET", "/")).text();
  assert.doesNotMatch(html, /\sstyle=|\son[a-z]+=/);
  await page.goto(`/c/${chat.id}`);
  await untilState(page, "complete");
  assert.deepEqual(await foreign(page), []);
});

story(running, "the session cookie is for the server alone", async ({ server, open }) => {
  const { page, context } = await open({ signedIn: false });
  await page.goto("/");
  await page.getByLabel("E-mail", { exact: true }).fill(ANA.email);
  await page.getByLabel("Password", { exact: true }).fill(ANA.password);
  const answered = page.waitForResponse((response) => response.url().endsWith("/auth/sign-in"));
  await page.getByRole("button", { name: "Sign in" }).click();
  const header = (await (await answered).allHeaders())["set-cookie"];
  assert.match(header, /; Path=\/(;|$)/);
  assert.match(header, /; HttpOnly/);
  assert.match(header, /; SameSite=Lax/);
  assert.doesNotMatch(header, /; Domain=/i);
  await page.getByRole("heading", { level: 1, name: /What shall we work on/ }).waitFor();
  const cookie = (await context.cookies()).find((c) => c.name.endsWith("sid"));
  assert.equal(await page.evaluate(() => document.cookie.includes("sid")), false);
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
  assert.equal(kept.includes(cookie.value), false, "no script holds it");
  assert.equal((await server.request("GET", "/api/v1/me", undefined, { Cookie: "" })).status, 401);
});

story(running, "a page of another site can neither frame ours nor write with our cookie", async ({ server, open }) => {
  const { page, context, trouble } = await open();
  const before = (await server.chats()).length;
  // “localhost” is another site than 127.0.0.1, though the same machine.
  const evil = `http://localhost:${server.port}`;
  await context.route(`${evil}/**`, (route) => route.fulfill({ contentType: "text/html", body: `<iframe src="${server.url}/"></iframe>` }));
  await page.goto(`${evil}/evil`);
  const framed = () => page.frames().map((frame) => frame.url());
  await until("the frame shows the browser's refusal", 5_000, () => framed().some((url) => url.startsWith("chrome-error:")), framed);
  const statuses = await page.evaluate(async (target) => {
    const tries = [
      fetch(`${target}/api/v1/auth/sign-out`, { method: "POST", mode: "no-cors", credentials: "include" }),
      fetch(`${target}/api/v1/chats`, { credentials: "include" }),
      fetch(`${target}/api/v1/auth/sign-out`, { method: "POST", credentials: "include", headers: { "X-CSRF": "1" } }),
    ];
    return (await Promise.allSettled(tries)).map((one) => (one.status === "fulfilled" ? one.value.type : "refused"));
  }, server.url);
  assert.deepEqual(statuses, ["refused", "refused", "refused"], "nothing can be read");
  assert.equal((await server.request("GET", "/api/v1/me")).status, 200, "and nothing was done: the session lives");
  assert.equal((await server.chats()).length, before);
  trouble.length = 0;
});

