// Off by one here means a lost or a doubled word on somebody's screen.
import { describe, expect, it } from "vitest";
import { formatEventId, judge, parseEventId } from "../src/replyCursor";

describe("event ids", () => {
  it("reads and writes both forms", () => {
    expect(parseEventId("1a-0")).toEqual({ epoch: "1a", seq: 0 });
    expect(parseEventId("1A-none")).toEqual({ epoch: "1a", seq: -1 });
    expect(formatEventId({ epoch: "1a", seq: -1 })).toBe("1a-none");
    expect(formatEventId({ epoch: "1a", seq: 7 })).toBe("1a-7");
  });

  it("refuses what is no id", () => {
    for (const id of [null, "", "7", "-7", "zz-1", "1a-", "1a--1", "1a-1.5", "1a-9999999999999999"]) {
      expect(parseEventId(id), String(id)).toBeNull();
    }
  });
});

describe("judge", () => {
  const last = { epoch: "e", seq: 4 };
  it.each([
    ["e-3", "drop"], ["e-4", "drop"], ["e-5", "apply"], ["e-6", "gap"], ["f-5", "gap"], [null, "gap"],
  ])("%s after e-4 is %s", (id, kind) => {
    expect(judge(last, id).kind).toBe(kind);
  });

  it("takes seq 0 as the first after a snapshot of nothing", () => {
    const empty = parseEventId("e-none");
    expect(judge(empty, "e-0").kind).toBe("apply");
    expect(judge(empty, "e-1").kind).toBe("gap");
  });

  it("calls a first event without snapshot a gap", () => {
    expect(judge(null, "e-0").kind).toBe("gap");
  });
});
