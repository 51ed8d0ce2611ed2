// Which model answers: per chat, and for new chats the one chosen last.
import type { Message, Model } from "@taifas/api-client/types";
import { createStore } from "zustand/vanilla";
import { readLocalJson, writeLocal } from "./localData";

const KEY = "taifas.models";
/** Choices of this many chats are kept; older chats fall back to the model of their last answer. */
const MOST_CHATS = 200;

interface Choices {
  byDefault: string | null;
  chats: Readonly<Record<string, string>>;
}

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

/** The model to use, of those that exist now. */
export function pickModel(models: Model[], choices: Choices, chatId: string | null, messages: Message[]): Model | null {
  const last = messages.findLast((message) => message.role === "assistant")?.model ?? null;
  const wanted = chatId === null
    ? [choices.byDefault]
    : [choices.chats[chatId] ?? null, last, choices.byDefault];
  for (const id of wanted) {
    const found = models.find((model) => model.id === id);
    if (found) return found;
  }
  return models.find((model) => model.default) ?? models[0] ?? null;
}
