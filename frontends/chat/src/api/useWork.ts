// One piece of work a press began: whether it runs, and the sentence when it failed.
import { ApiError } from "@taifas/api-client/apiError";
import { useCallback, useState } from "react";
import { t } from "../texts/t";

/** What to tell a person about a failed request. */
export function errorText(error: unknown): string {
  if (!(error instanceof ApiError)) return t("noAnswer");
  return error.detail === "" ? t("noAnswer") : error.detail;
}

export function useWork() {
  const [working, setWorking] = useState(false);
  const [error, setError] = useState<string | null>(null);
  /** True when it succeeded. */
  const run = useCallback(async (work: () => Promise<unknown>): Promise<boolean> => {
    setWorking(true);
    setError(null);
    try {
      await work();
      return true;
    } catch (failure) {
      setError(errorText(failure));
      return false;
    } finally {
      setWorking(false);
    }
  }, []);
  return { working, error, run, setError };
}
