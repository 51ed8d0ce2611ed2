// Ids made here and the model that is chosen when nobody chose.
import type { Message, Model } from "@taifas/api-client/types";
import { describe, expect, it } from "vitest";
import { pickModel } from "../src/stores/pickModel";
import { uuidv7 } from "../src/stores/uuid";

const model = (id: string, byDefault = false): Model => ({
  id, name: id, description: "", place: "server", continuation: "none", vision: false, default: byDefault,
});
const answer = (id: string | null): Message => ({
  id: "a", chat_id: "c", parent_id: null, role: "assistant", text: "", state: "complete", reason: null, model: id,
  attempt: 1, marks: [], created_at: "", finished_at: null, siblings: ["a"],
});

describe("pickModel", () => {
  const models = [model("x"), model("y", true), model("z")];
  const none = { byDefault: null, chats: {} };
  const name = (...args: Parameters<typeof pickModel>): string | undefined => pickModel(...args)?.id;

  it("prefers the chat's choice, then its last answer, then the person's default, then the server's", () => {
    expect(name(models, { byDefault: "x", chats: { c: "z" } }, "c", [answer("y")])).toBe("z");
    expect(name(models, { byDefault: "x", chats: {} }, "c", [answer("z")])).toBe("z");
    expect(name(models, { byDefault: "x", chats: {} }, "c", [])).toBe("x");
    expect(name(models, none, null, [])).toBe("y");
  });

  it("forgets models that are gone", () => {
    expect(name(models, { byDefault: "gone", chats: { c: "gone" } }, "c", [answer("gone")])).toBe("y");
    expect(pickModel([], none, null, [])).toBeNull();
  });
});

describe("uuidv7", () => {
  it("is a version 7 id whose order is the order of time", () => {
    expect(uuidv7()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const ids = [1, 255, 65_536, 1_700_000_000_000, 1_900_000_000_000].map((now) => uuidv7(now));
    expect([...ids].sort()).toEqual(ids);
    expect(uuidv7(1_700_000_000_000).startsWith("018bcfe5-6800-7")).toBe(true);
  });

  it("does not repeat itself within a moment", () => {
    expect(new Set(Array.from({ length: 1000 }, () => uuidv7(5))).size).toBe(1000);
  });
});
