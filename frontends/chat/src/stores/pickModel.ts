// The model that answers, from what was chosen and what exists. Pure.
import type { Message, Model } from "@taifas/api-client/types";

export interface Choices {
  byDefault: string | null;
  chats: Readonly<Record<string, string>>;
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
