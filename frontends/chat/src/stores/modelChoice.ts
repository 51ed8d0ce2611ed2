// Which model answers: new chats have the one that was chosen last in this browser, an open chat the one it has on the
// server. What was chosen in a chat holds here while the server does not know it yet.
import { createStore } from "zustand/vanilla";
import { readLocalJson, writeLocal } from "./localData";

const KEY = "taifas.models";

interface Choices {
  byDefault: string | null;
  /** By chat, until the server has it. */
  chats: Readonly<Record<string, string>>;
}

export const modelChoice = createStore<Choices>(() => ({ byDefault: readLocalJson<Partial<Choices>>(KEY, {}).byDefault ?? null, chats: {} }));

/** `chatId` null chooses for new chats; a choice within a chat is also the next new chat's. */
export function chooseModel(chatId: string | null, model: string): void {
  const { chats } = modelChoice.getState();
  modelChoice.setState({ byDefault: model, chats: chatId === null ? chats : { ...chats, [chatId]: model } });
  writeLocal(KEY, JSON.stringify({ byDefault: model }));
}

/** The server has what was chosen, unless it is something else by now. */
export function choiceKept(chatId: string, model: string): void {
  const { [chatId]: chosen, ...chats } = modelChoice.getState().chats;
  if (chosen === model) modelChoice.setState({ chats });
}
