// What starts behind the first paint: the live feed, the drafts that follow the person, messages that wait for answers
// elsewhere, and parts worth having at hand.
import { ApiError } from "@taifas/api-client/apiError";
import type { Hint } from "@taifas/api-client/liveFeed";
import { LiveShare } from "@taifas/api-client/liveShare";
import { watchedFetch } from "../api/api";
import { dropChat, listKeys, told } from "../api/lists";
import { cachedThread, keys } from "../api/queries";
import { queryClient } from "../api/queryClient";
import { ChatMenu } from "../features/chats/parts";
import { onBack, reportAnswer, reportSilence } from "../stores/connection";
import { draftChanged, keepDrafts } from "../stores/draftSync";
import { feed } from "../stores/feed";
import { replyStream } from "../stores/liveReplies";
import { resumeOutbox } from "../stores/outbox";
import { titled } from "../stores/titled";
import { ModelList } from "../features/models/ModelPicker";
import { Palette } from "./dialogParts";
import { followEnds } from "./endedElsewhere";
import { Dialogs, Missing } from "./parts";
import { NextChip, ReturnedBar } from "../features/composer/parts";

/** Hints come in crowds (a send is three of them); what they point at is asked for once. */
const GATHER_MS = 60;

const wanted = new Map<string, readonly unknown[]>();
let gathering: ReturnType<typeof setTimeout> | null = null;

function refetch(key: readonly unknown[]): void {
  wanted.set(JSON.stringify(key), key);
  gathering ??= setTimeout(() => {
    gathering = null;
    for (const queryKey of wanted.values()) void queryClient.invalidateQueries({ queryKey });
    wanted.clear();
  }, GATHER_MS);
}

/** Asks anew for what a hint is about, and for nothing else. */
export function heed({ kind, id, version }: Hint): void {
  const [family = ""] = kind.split(".");
  switch (family) {
    case "chat":
      if (kind === "chat.titled") titled.add(id);
      if (kind === "chat.deleted" || kind === "chat.erased" || kind === "chat.purged") dropChat(id);
      refetch(listKeys.all);
      // What this tab did itself is known here already.
      if (version === 0 || version !== cachedThread(id)?.chat.version || kind === "chat.switched") refetch(keys.thread(id));
      return;
    case "message":
    case "reply":
      refetch(listKeys.all);
      refetch(keys.thread(id));
      refetch(["limits"]);
      return;
    case "draft":
      void draftChanged(id);
      return;
    case "project":
      refetch(listKeys.projects);
      refetch(listKeys.all);
      return;
    case "models":
    case "provider":
    case "model":
      refetch(keys.models);
      return;
    case "notice":
      refetch(["notices"]);
      return;
    case "limits":
    case "limit":
      refetch(["limits"]);
      return;
    case "user":
    case "role":
    case "session":
    case "instance":
      refetch(keys.session);
      refetch(["me"]);
      refetch(["sessions"]);
      refetch(["instance"]);
      if (family === "user" || family === "role") refetch(keys.models);
      return;
    default:
      return;
  }
}

/** Sends what other tabs left, whenever this one is looked at and when the network is back. */
function takeOver(signal: AbortSignal): void {
  const look = (): void => {
    if (!document.hidden) void resumeOutbox();
  };
  document.addEventListener("visibilitychange", look, { signal });
  signal.addEventListener("abort", onBack(() => void resumeOutbox()), { once: true });
}

export function startLater(signal: AbortSignal): void {
  void ChatMenu.load();
  for (const later of [Dialogs, Palette, ModelList, Missing, NextChip, ReturnedBar]) void later.load();
  // Who needs it first asks again, and insists.
  void replyStream().catch(() => undefined);
  keepDrafts(signal);
  followEnds(signal);
  takeOver(signal);
  let heard = false;
  const share = new LiveShare({
    signal,
    fetch: watchedFetch,
    onHint: heed,
    onResync: () => void queryClient.invalidateQueries(),
    onOpen: () => {
      told.now = true;
      if (!heard) {
        heard = true;
        // What was asked for before anybody listened may have changed since.
        for (const family of [listKeys.all, listKeys.projects, ["thread"]]) refetch(family);
      }
      reportAnswer();
    },
    onLost: () => {
      if (signal.aborted) return;
      // From here on the lists look by themselves again.
      told.now = false;
      void queryClient.invalidateQueries({ queryKey: listKeys.all });
      reportSilence();
    },
  });
  feed.share = share;
  const done = (): void => {
    told.now = false;
    if (feed.share === share) feed.share = null;
  };
  share.run().then(done, (error: unknown) => {
    done();
    // The session ended: the next request of the page finds out and says so.
    if (error instanceof ApiError && error.status === 401) void queryClient.invalidateQueries({ queryKey: keys.session });
  });
}
