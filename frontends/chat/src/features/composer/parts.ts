// What of the composer comes behind the first paint.
import { part } from "@taifas/ui-components/part";

export const ReturnedBar = part(async () => (await import("./ReturnedBar")).ReturnedBar);
export const NextChip = part(async () => (await import("./NextChip")).NextChip);
