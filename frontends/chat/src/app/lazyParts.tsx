// Parts that are loaded when they are opened, each with its texts; the administration shows figures as the settings do.
import { Logo } from "@taifas/ui-components/Logo";
import { part } from "@taifas/ui-components/part";
import { withTexts } from "../texts/locale";

/** What the static page shows to people who are not signed in; stays until it is known which page is theirs. */
export const barePage = <div className="page"><header><span className="brand"><Logo /></span></header></div>;

export const Outside = part(async () => (await withTexts("account", import("./Outside"))).Outside, barePage);
export const SettingsDialog = part(async () => (await withTexts("settings", import("../features/settings/SettingsDialog"))).SettingsDialog);
export const Bell = part(async () => (await withTexts("settings", import("../features/notices/Bell"))).Bell);
export const AdminApp = part(async () => (await withTexts("admin", withTexts("settings", import("../features/admin/AdminApp")))).AdminApp);
