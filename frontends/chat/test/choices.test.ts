// Ids made here and the model that is chosen when nobody chose.
import type { Model } from "@taifas/api-client/types";
import { describe, expect, it } from "vitest";
import { pickModel } from "../src/stores/pickModel";
import { uuidv7 } from "../src/stores/uuid";

const model = (id: string, byDefault = false): Model => ({
  id, name: id, description: "", place: "server", continuation: "none", vision: false, default: byDefault,
});
describe("pickModel", () => {
  const models = [model("x"), model("y", true), model("z")];

  it("takes the first that is wanted, else the server's default", () => {
    expect(pickModel(models, ["z", "x"])?.id).toBe("z");
    expect(pickModel(models, [undefined, null, "x"])?.id).toBe("x");
    expect(pickModel(models, [null])?.id).toBe("y");
  });

  it("forgets models that are gone", () => {
    expect(pickModel(models, ["gone", "x"])?.id).toBe("x");
    expect(pickModel([], ["gone"])).toBeNull();
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
