// What of the composer comes behind the first paint.
import { part } from "@taifas/ui-components/part";
import { withTexts } from "../../texts/locale";

export const ReturnedBar = part(async () => (await withTexts("chat", import("./ReturnedBar"))).ReturnedBar);
export const NextChip = part(async () => (await withTexts("chat", import("./NextChip"))).NextChip);
export const Attach = part(async () => (await withTexts("chat", import("./Attach"))).Attach);
export const CapBar = part(async () => (await withTexts("chat", import("./CapBar"))).CapBar);
export const OtherDraft = part(async () => (await withTexts("chat", import("./OtherDraft"))).OtherDraft);
