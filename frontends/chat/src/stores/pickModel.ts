// The model that answers, from what was chosen and what exists. Pure.
import type { Model } from "@taifas/api-client/types";

/** The first of `wanted` that exists now; else the instance's default. */
export function pickModel(models: Model[], wanted: (string | null | undefined)[]): Model | null {
  for (const id of wanted) {
    const found = models.find((model) => model.id === id);
    if (found) return found;
  }
  return models.find((model) => model.default) ?? models[0] ?? null;
}
