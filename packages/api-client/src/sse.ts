// A parser for text/event-stream that takes bytes in any split: within a character, a line end or a field.
// Written for fetch bodies because EventSource can neither send our header nor tell why it lost the connection.

export interface SseEvent {
  /** The event's name; "message" when the stream gave none. */
  type: string;
  data: string;
  /** The id given with this very event; null when it had none. */
  id: string | null;
}

/** Longest unfinished event that is kept, in characters; more is a broken stream, not a message. */
export const MAX_EVENT_CHARS = 8_000_000;

export class SseParser {
  #decoder = new TextDecoder("utf-8");
  #line = "";
  #sawCr = false;
  #type = "";
  #data: string[] = [];
  #size = 0;
  #id: string | null = null;

  /** Takes the next bytes and gives the events they complete. Throws RangeError when an event exceeds the limit. */
  push(bytes: Uint8Array): SseEvent[] {
    // The decoder drops a byte order mark by itself and keeps half characters for the next call.
    return this.#take(this.#decoder.decode(bytes, { stream: true }));
  }

  #take(chunk: string): SseEvent[] {
    const events: SseEvent[] = [];
    let from = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const char = chunk.charCodeAt(at);
      if (char !== 10 && char !== 13) {
        this.#sawCr = false;
        continue;
      }
      const secondHalfOfCrLf = char === 10 && this.#sawCr;
      this.#sawCr = char === 13;
      if (!secondHalfOfCrLf) {
        const event = this.#endLine(this.#line + chunk.slice(from, at));
        if (event) events.push(event);
        this.#line = "";
      }
      from = at + 1;
    }
    this.#line += chunk.slice(from);
    this.#guard(this.#line.length);
    return events;
  }

  #endLine(line: string): SseEvent | null {
    if (line === "") return this.#dispatch();
    if (line.startsWith(":")) return null;
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (field === "data") {
      this.#data.push(value);
      this.#size += value.length;
      this.#guard(0);
    } else if (field === "event") {
      this.#type = value;
    } else if (field === "id" && !value.includes("\0")) {
      this.#id = value;
    }
    return null;
  }

  #dispatch(): SseEvent | null {
    const event = this.#data.length === 0
      ? null
      : { type: this.#type || "message", data: this.#data.join("\n"), id: this.#id };
    this.#type = "";
    this.#data = [];
    this.#size = 0;
    this.#id = null;
    return event;
  }

  #guard(pending: number): void {
    if (this.#size + pending > MAX_EVENT_CHARS) throw new RangeError("an event exceeds the limit");
  }
}
