// The real program, started by a test on a free port with a data folder of its own, killed as a power cut would and
// started again on what it left behind; and its API, as a test speaks to it without a browser.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { uuidv7 } from "./uuid.mjs";
import { until } from "./until.mjs";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const BINARY = process.env.TAIFAS_BIN ?? join(ROOT, "target/debug/taifas");

/** How long a start may take, in ms; the first one also makes the database. */
const START_MS = 20_000;
/** Deadline of one request of a test, in ms. */
const REQUEST_MS = 20_000;
/** Lines of the log kept for the report of a failed test. */
const KEPT_LINES = 60;

export const PASSWORD = "correct horse battery";
export const ANA = { name: "Ana Pop", email: "ana@example.org", password: PASSWORD };

export class Server {
  /** @type {import("node:child_process").ChildProcess | null} */
  #process = null;
  /** @type {string[]} */
  #log = [];
  /** The session cookie of the account made by `setUp`. */
  cookie = "";
  /** The link printed for the first account; empty once the instance is set up. */
  setupLink = "";

  /** @param {string} folder @param {number} port */
  constructor(folder, port) {
    this.folder = folder;
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
  }

  /** Started and ready; with the first account unless `account` is false. */
  static async start({ account = true } = {}) {
    if (!existsSync(BINARY)) throw new Error(`${BINARY} is not there; build it with: cargo build -p taifas`);
    const server = new Server(await mkdtemp(join(tmpdir(), "taifas-browser-")), await freePort());
    try {
      await server.run();
      if (account) await server.setUp();
    } catch (error) {
      await server.remove();
      throw error;
    }
    return server;
  }

  /** Starts the process on its folder and port. */
  async run() {
    const child = spawn(BINARY, ["serve", "--data", this.folder, "--listen", `127.0.0.1:${this.port}`, "--demo", "--log", "json"], {
      cwd: this.folder,
      // No model of this machine may answer: the tests know exactly two providers.
      env: { ...process.env, TAIFAS__AI__OLLAMA_BASE_URL: "", OPENAI_API_KEY: "", OPENAI_BASE_URL: "", OLLAMA_HOST: "" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process = child;
    // whatever ends this process must not leave the server behind
    const abandon = () => child.kill("SIGKILL");
    process.once("exit", abandon);
    child.once("exit", () => process.off("exit", abandon));
    let out = "";
    child.stdout.on("data", (chunk) => { out += chunk; });
    child.stderr.on("data", (chunk) => {
      this.#log.push(...String(chunk).split("\n").filter(Boolean));
      this.#log.splice(0, this.#log.length - KEPT_LINES);
    });
    let ended = false;
    child.once("exit", () => { ended = true; });
    await until("the server says that it is ready", START_MS, () => {
      if (ended) throw new Error(`the server ended at once:\n${this.log()}`);
      return out.includes("is ready at");
    });
    await until("the server answers /readyz", START_MS, async () => {
      const answer = await fetch(`${this.url}/readyz`).catch(() => null);
      return answer?.ok === true;
    });
    this.setupLink = /https?:\/\/\S+\/setup#\S+/.exec(out)?.[0] ?? "";
  }

  /** As when the power fails: no handler runs, nothing is flushed. */
  async kill() {
    await this.#end("SIGKILL");
  }

  /** Away for `ms`, then back on the same data and port. */
  async crash(ms = 1_000) {
    await this.kill();
    await new Promise((resolve) => setTimeout(resolve, ms));
    await this.run();
  }

  /** Ends it for good and removes its folder. */
  async remove() {
    await this.#end("SIGKILL");
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  /** @param {NodeJS.Signals} signal */
  async #end(signal) {
    const child = this.#process;
    this.#process = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await gone;
  }

  /** The last lines of its log. */
  log() {
    return this.#log.join("\n");
  }

  /** Makes the first account and keeps its session. */
  async setUp(account = ANA) {
    const token = this.setupLink.split("#")[1];
    const answer = await this.request("POST", "/api/v1/setup", { token, ...account });
    if (answer.status !== 201) throw new Error(`set-up answered ${answer.status}: ${await answer.text()}`);
    this.cookie = cookieOf(answer);
  }

  /** A new session of the same account, as on another device. */
  async signIn(account = ANA) {
    // Without the first session's cookie: signing in over a session replaces it.
    const answer = await this.request("POST", "/api/v1/auth/sign-in", { email: account.email, password: account.password }, { Cookie: "" });
    if (answer.status !== 200) throw new Error(`sign-in answered ${answer.status}: ${await answer.text()}`);
    return cookieOf(answer);
  }

  /** Another person, by an invitation; gives a session of theirs. @param {{ name: string, email: string, password: string }} who */
  async invite(who) {
    const { link } = await this.json("POST", "/api/v1/admin/invitations", { email: who.email, role: "user" });
    const answer = await this.request("POST", "/api/v1/auth/accept-invitation", { token: link.split("#")[1], ...who }, { Cookie: "" });
    if (answer.status !== 201) throw new Error(`the invitation answered ${answer.status}: ${await answer.text()}`);
    return cookieOf(answer);
  }

  /**
   * @param {string} method @param {string} path @param {unknown} [body] @param {Record<string, string>} [headers]
   * @returns {Promise<Response>}
   */
  request(method, path, body, headers = {}) {
    return fetch(this.url + path, {
      method,
      headers: {
        "X-CSRF": "1",
        ...(this.cookie ? { Cookie: this.cookie } : {}),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(REQUEST_MS),
      redirect: "manual",
    });
  }

  /** The JSON of a request that must succeed. @param {string} method @param {string} path @param {unknown} [body] @param {Record<string, string>} [headers] */
  async json(method, path, body, headers) {
    const answer = await this.request(method, path, body, headers);
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text}`);
    return text === "" ? null : JSON.parse(text);
  }

  /** What is stored of a chat. @param {string} chatId */
  chat(chatId) {
    return this.json("GET", `/api/v1/chats/${chatId}`);
  }

  /** The chats of the account, newest first. */
  async chats() {
    return (await this.json("GET", "/api/v1/chats?limit=28")).chats;
  }

  /** Sends a message as another client would; a new chat unless `chatId` and `parentId` say otherwise. */
  async send(text, { model = "scripted/continues", chatId = uuidv7(), parentId = null, branch = false } = {}) {
    const id = uuidv7();
    return this.json("POST", `/api/v1/chats/${chatId}/messages`, { id, parent_id: parentId, text, model, branch }, { "Idempotency-Key": id });
  }

  /** Sends a message and waits until its answer has ended. Gives the thread. */
  async ask(text, options = {}) {
    const { chat } = await this.send(text, options);
    return this.ended(chat.id);
  }

  /** The thread of a chat once nothing runs in it. @param {string} chatId */
  ended(chatId, deadline = 30_000) {
    return until(`nothing runs in chat ${chatId}`, deadline, async () => {
      const thread = await this.chat(chatId);
      return ["queued", "streaming"].includes(thread.messages.at(-1).state) ? null : thread;
    });
  }
}

/** @param {Response} answer */
function cookieOf(answer) {
  const cookie = answer.headers.getSetCookie().find((line) => /^(__Host-)?sid=/.test(line));
  if (!cookie) throw new Error("the answer sets no session cookie");
  return cookie.split(";")[0];
}

/** Below the range from which the system takes ports for outgoing connections: nobody takes it while the server is away. */
async function freePort() {
  for (let tries = 0; tries < 50; tries += 1) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const free = await new Promise((resolve) => {
      const probe = createServer();
      probe.once("error", () => resolve(false));
      probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
    });
    if (free) return port;
  }
  throw new Error("no free port was found in 50 tries");
}
