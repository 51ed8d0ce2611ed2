// The parser must not care where the network cuts the bytes.
import { describe, expect, it } from "vitest";
import { MAX_EVENT_CHARS, type SseEvent, SseParser } from "../src/sse";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function parse(parts: Uint8Array[]): SseEvent[] {
  const parser = new SseParser();
  return parts.flatMap((part) => parser.push(part));
}

describe("SseParser", () => {
  const stream = "\uFEFF: hello\r\nid: a-1\r\nevent: text\r\ndata: {\"text\":\"ș😀\"}\r\n\r\ndata:one\ndata: two\n\n:keep-alive\n\rid: a-2\revent: end\rdata\r\r";
  const expected: SseEvent[] = [
    { type: "text", data: '{"text":"ș😀"}', id: "a-1" },
    { type: "message", data: "one\ntwo", id: null },
    { type: "end", data: "", id: "a-2" },
  ];

  it("gives the same events for every split into two", () => {
    const all = bytes(stream);
    for (let at = 0; at <= all.length; at += 1) {
      expect(parse([all.slice(0, at), all.slice(at)]), `split at ${at}`).toEqual(expected);
    }
  });

  it("gives the same events byte by byte", () => {
    expect(parse([...bytes(stream)].map((byte) => Uint8Array.of(byte)))).toEqual(expected);
  });

  it("keeps an id to its own event and forgets an unfinished event", () => {
    expect(parse([bytes("id: x-1\ndata: a\n\ndata: b\n\nid: x-2\ndata: never ended\n")])).toEqual([
      { type: "message", data: "a", id: "x-1" },
      { type: "message", data: "b", id: null },
    ]);
  });

  it("drops events without data and ignores unknown fields and ids with NUL", () => {
    expect(parse([bytes("event: text\n\nretry: 5\nfoo: bar\nid: a\0b\ndata:  two spaces\n\n")])).toEqual([
      { type: "message", data: " two spaces", id: null },
    ]);
  });

  it("refuses an event without end instead of growing for ever", () => {
    const parser = new SseParser();
    const megabyte = bytes("x".repeat(1_000_000));
    expect(() => {
      for (let sent = 0; sent <= MAX_EVENT_CHARS; sent += 1_000_000) parser.push(megabyte);
    }).toThrow(RangeError);
  });
});
