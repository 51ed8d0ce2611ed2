// Parts of the app that come after the first paint.
import { part } from "@taifas/ui-components/part";

export const Missing = part(async () => (await import("../features/thread/Missing")).Missing);
export const Dialogs = part(async () => (await import("./Dialogs")).Dialogs);
