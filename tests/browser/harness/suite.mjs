// A test file's server and browser, and one visitor per test that is always let go. What a test needs to say is left to it.
import { after, before, test } from "node:test";
import { launch, visit } from "./browser.mjs";
import { Server } from "./server.mjs";

/**
 * Registers the start and end of a server and a browser for the file it is called in.
 * @param {Parameters<typeof Server.start>[0]} [options]
 */
export function suite(options) {
  /** @type {{ server: Server, browser: import("playwright-core").Browser }} */
  const running = {};
  before(async () => {
    [running.server, running.browser] = await Promise.all([Server.start(options), launch()]);
  }, { timeout: 60_000 });
  after(async () => {
    await running.browser?.close();
    await running.server?.remove();
  }, { timeout: 30_000 });
  return running;
}

/** Most one test may take, in ms. */
const TEST_MS = 90_000;

/**
 * A test with visitors: `open` gives one; all are let go at the end, and what they noticed fails the test.
 * @param {ReturnType<typeof suite>} running
 * @param {string} name
 * @param {(tools: { server: Server, open: (options?: object) => ReturnType<typeof visit>, test: import("node:test").TestContext }) => Promise<void>} work
 */
export function story(running, name, work) {
  test(name, { timeout: TEST_MS }, async (context) => {
    const first = await told(running, work, context);
    if (first === null) return;
    // A busy machine delays a key or a frame now and then: once more, and said aloud. Twice is a failure.
    context.diagnostic(`RETRIED after: ${first.message ?? first}`);
    const second = await told(running, work, context);
    if (second !== null) throw second;
  });
}

/** Tells a story once; what failed, or null. */
async function told(running, work, context) {
  /** @type {Awaited<ReturnType<typeof visit>>[]} */
  const visitors = [];
  const server = running.server;
  const open = async (options = {}) => {
    const visitor = await visit(running.browser, options.server ?? server, options);
    visitors.push(visitor);
    return visitor;
  };
  let failure = null;
  try {
    await work({ server, open, test: context });
  } catch (error) {
    failure = error;
    context.diagnostic(`last lines of the server's log:\n${server.log().split("\n").slice(-8).join("\n")}`);
  }
  for (const visitor of visitors) {
    await visitor.leave().catch((error) => {
      if (failure) context.diagnostic(String(error));
      else failure = error;
    });
  }
  return failure;
}
