// Which settings were saved a moment ago: kept outside of the components, so that the tick survives a change of language.
import { createStore } from "zustand/vanilla";
import { useStore } from "zustand";
import { errorText } from "../../api/useWork";

const SHOWN_MS = 2_000;

export const saved = createStore<{ ids: ReadonlySet<string>; errors: ReadonlyMap<string, string> }>(() => ({ ids: new Set(), errors: new Map() }));

/** Does `work` and shows the tick, or what went wrong, beside the setting `id`. */
export async function save(id: string, work: () => Promise<unknown>): Promise<boolean> {
  const errors = new Map(saved.getState().errors);
  errors.delete(id);
  try {
    await work();
  } catch (error) {
    saved.setState({ errors: errors.set(id, errorText(error)) });
    return false;
  }
  saved.setState({ errors, ids: new Set([...saved.getState().ids, id]) });
  setTimeout(() => saved.setState(({ ids }) => ({ ids: new Set([...ids].filter((other) => other !== id)) })), SHOWN_MS);
  return true;
}

export function useSaved(id: string): { saved: boolean; error: string | null } {
  const isSaved = useStore(saved, ({ ids }) => ids.has(id));
  const error = useStore(saved, ({ errors }) => errors.get(id) ?? null);
  return { saved: isSaved, error };
}
