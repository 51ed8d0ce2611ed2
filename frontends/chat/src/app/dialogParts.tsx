// The dialogs, each loaded when it is opened.
import { part } from "@taifas/ui-components/part";
import { withTexts } from "../texts/locale";

const css = () => import("@taifas/ui-components/dialogs.css");

export const Palette = part(async () => (await withTexts("chat", Promise.all([import("../features/palette/Palette"), css()])))[0].Palette);
export const ShortcutsDialog = part(async () => (await withTexts("chat", Promise.all([import("../features/shortcuts/ShortcutsDialog"), css()])))[0].ShortcutsDialog);
export const TreeDialog = part(async () => (await withTexts("chat", Promise.all([import("../features/tree/TreeDialog"), css()])))[0].TreeDialog);
export const ProjectDialog = part(async () => (await withTexts("chat", Promise.all([import("../features/projects/ProjectDialog"), css()])))[0].ProjectDialog);
export const RenameDialog = part(async () => (await withTexts("chat", Promise.all([import("../features/chats/RenameDialog"), css()])))[0].RenameDialog);
