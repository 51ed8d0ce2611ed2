// Which model answers: per chat, and for new chats the one chosen last.
import { createStore } from "zustand/vanilla";
import { readLocalJson, writeLocal } from "./localData";
import type { Choices } from "./pickModel";

const KEY = "taifas.models";
/** Choices of this many chats are kept; older chats fall back to the model of their last answer. */
const MOST_CHATS = 200;

export const modelChoice = createStore<Choices>(() => readLocalJson<Choices>(KEY, { byDefault: null, chats: {} }));

/** `chatId` null chooses for new chats; a choice within a chat is also the next new chat's. */
export function chooseModel(chatId: string | null, model: string): void {
  const { chats } = modelChoice.getState();
  const others = Object.entries(chats).filter(([id]) => id !== chatId).slice(1 - MOST_CHATS);
  modelChoice.setState({
    byDefault: model,
    chats: Object.fromEntries(chatId === null ? others : [...others, [chatId, model]]),
  });
  writeLocal(KEY, JSON.stringify(modelChoice.getState()));
}

export function resetModelChoice(): void {
  modelChoice.setState({ byDefault: null, chats: {} }, true);
}
