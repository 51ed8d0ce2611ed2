// Refusals must stay readable whatever stands between us and the server.
import { describe, expect, it } from "vitest";
import { apiErrorFrom, retryAfterSeconds } from "../src/apiError";

describe("apiErrorFrom", () => {
  it("reads a problem document with its extra members", () => {
    const error = apiErrorFrom(new Response(null, { status: 401 }), {
      type: "about:blank", title: "Unauthenticated", status: 401, detail: "Do not match.", code: "unauthenticated",
      correlation_id: "c1", tries_left: 4,
    });
    expect([error.code, error.detail, error.correlationId, error.extras]).toEqual(["unauthenticated", "Do not match.", "c1", { tries_left: 4 }]);
    expect(error.transient).toBe(false);
  });

  it("makes the code from the status when a proxy answered", () => {
    const error = apiErrorFrom(new Response(null, { status: 502 }), "<html>Bad gateway</html>");
    expect([error.code, error.detail, error.transient]).toEqual(["unavailable", "", true]);
  });

  it("reads both forms of Retry-After", () => {
    const now = Date.parse("2030-01-01T00:00:00Z");
    expect(retryAfterSeconds("30", now)).toBe(30);
    expect(retryAfterSeconds("Tue, 01 Jan 2030 00:01:00 GMT", now)).toBe(60);
    expect(retryAfterSeconds("soon", now)).toBeNull();
    expect(retryAfterSeconds(null, now)).toBeNull();
  });
});
