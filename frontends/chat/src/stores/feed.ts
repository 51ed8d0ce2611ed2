// The live feed, once it is there: loaded behind the first paint, so nobody may count on it.
import type { LiveShare } from "@taifas/api-client/liveShare";

export const feed: { share: LiveShare | null } = { share: null };
