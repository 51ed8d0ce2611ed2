// Screens that are opened more seldom than a chat.
import { part } from "@taifas/ui-components/part";
import { withTexts } from "../texts/locale";

const wait = <main className="main" aria-busy="true" />;

export const ProjectScreen = part(async () => (await withTexts("chat", import("./ProjectScreen"))).ProjectScreen, wait);
export const TemporaryScreen = part(async () => (await withTexts("chat", import("./TemporaryScreen"))).TemporaryScreen, wait);
export const ShelfScreen = part(async () => (await withTexts("chat", import("./ShelfScreen"))).ShelfScreen, wait);
