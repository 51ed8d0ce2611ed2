// Above the composer: that a limit is used up, until when, and what can still be done.
import { createChatApi } from "@taifas/api-client/chatClient";
import type { Limits, Model } from "@taifas/api-client/types";
import { useQuery } from "@tanstack/react-query";
import { Hourglass } from "lucide-react";
import { call } from "../../api/api";
import { clock, day, t } from "../../texts/t";

const api = createChatApi(call);
/** Looked at again this often while the page is used; a finished answer asks as well. */
const STALE_MS = 30_000;

export const LIMITS = ["limits"] as const;

function used({ used: now, cap }: Limits["tokens"]): boolean {
  return cap !== null && cap !== undefined && now >= cap;
}

export function CapBar({ model }: { model: Model | null }) {
  const { data } = useQuery({ queryKey: LIMITS, queryFn: api.limits, staleTime: STALE_MS, retry: false });
  if (!data || model === null || !(used(data.tokens) || used(data.cost))) return null;
  const today = new Date(data.resets_at).toDateString() === new Date().toDateString();
  const when = today ? clock(data.resets_at) : `${day(data.resets_at)}, ${clock(data.resets_at)}`;
  return (
    <div className="bar2 w" role="status" data-testid="cap-bar">
      <Hourglass className="i" />
      <span>{t("cap.reached", { when })}</span>
    </div>
  );
}
