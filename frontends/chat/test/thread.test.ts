// How threads are joined from what the server says and what is known here.
import type { Message, Thread } from "@taifas/api-client/types";
import { describe, expect, it } from "vitest";
import { mergeThread } from "../src/api/mergeThread";
import { lastSentenceEnd } from "../src/features/thread/sentences";
import { titleAndRest } from "../src/features/thread/failureText";
import { turnsOf } from "../src/features/thread/turns";
import type { Outgoing } from "../src/stores/outbox";

function message(id: string, part: Partial<Message> = {}): Message {
  return {
    id, chat_id: "c", parent_id: null, role: "assistant", text: "", state: "complete", reason: null, model: "m",
    attempt: 1, marks: [], created_at: "2030-01-01T00:00:00Z", finished_at: null, siblings: [id], ...part,
  };
}

function thread(...messages: Message[]): Thread {
  return {
    chat: { id: "c", title: "", version: 1, created_at: "", updated_at: "", running: false } as Thread["chat"], messages,
  };
}

describe("mergeThread", () => {
  const merged = (old: Message, fresh: Message): Message => mergeThread(thread(old), thread(fresh)).messages[0] ?? fresh;

  it("does not let a late answer reopen what ended here", () => {
    const ended = message("a", { text: "whole" });
    expect(merged(ended, message("a", { state: "streaming" }))).toBe(ended);
  });

  it("lets a later attempt reopen it, with the words known so far", () => {
    const cut = message("a", { text: "half", state: "interrupted" });
    expect(merged(cut, message("a", { state: "queued", attempt: 2 }))).toMatchObject({ state: "queued", attempt: 2, text: "half" });
  });

  it("does not fall back to an earlier attempt", () => {
    const second = message("a", { state: "streaming", attempt: 2, text: "half" });
    expect(merged(second, message("a", { state: "interrupted", attempt: 1, text: "ha" }))).toBe(second);
  });

  it("takes the server's final word", () => {
    const final = message("a", { text: "whole", state: "stopped" });
    expect(merged(message("a", { text: "who", state: "streaming" }), final)).toBe(final);
  });

  it("takes the server's list of messages as it is", () => {
    expect(mergeThread(thread(message("gone")), thread(message("a"))).messages.map((m) => m.id)).toEqual(["a"]);
  });
});

describe("turnsOf", () => {
  const going: Outgoing = { id: "u2", chatId: "c", parentId: "a1", text: "next?", model: "m", createdAt: "", state: "waiting" };

  it("groups questions with their answers and adds what is on its way", () => {
    const turns = turnsOf([message("u1", { role: "user", text: "hi" }), message("a1")], [going]);
    expect(turns.map((turn) => [turn.id, turn.question?.text, turn.replies.length])).toEqual([["u1", "hi", 1], ["u2", "next?", 0]]);
    expect(turns[1]?.question?.waiting).toBe(true);
  });

  it("does not show a message twice once the server has it", () => {
    expect(turnsOf([message("u2", { role: "user", text: "next?" })], [going])).toHaveLength(1);
  });
});

describe("lastSentenceEnd", () => {
  it.each([["", 0], ["No end yet", 0], ["One. Two", 4], ["One.", 0], ["3.14 is", 0], ["Line\nnext", 5]])("%j ends at %i", (text, end) => {
    expect(lastSentenceEnd(text)).toBe(end);
  });
});

describe("titleAndRest", () => {
  it.each([
    ["No answer: the provider refused the key.", "No answer: the provider refused the key", ""],
    ["It broke. Ask an administrator.", "It broke", "Ask an administrator."],
    ["Version 1.5 is gone", "Version 1.5 is gone", ""],
    ["", "", ""],
  ])("%j", (detail, title, rest) => {
    expect(titleAndRest(detail)).toEqual({ title, rest });
  });
});
