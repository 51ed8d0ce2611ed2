// Parts that are loaded when they are opened, each with its texts; the administration shows figures as the settings do.
import { lazy } from "react";
import { withTexts } from "../texts/locale";

export const Outside = lazy(async () => ({ default: (await withTexts("account", import("./Outside"))).Outside }));
export const SettingsDialog = lazy(async () => ({ default: (await withTexts("settings", import("../features/settings/SettingsDialog"))).SettingsDialog }));
export const Bell = lazy(async () => ({ default: (await withTexts("settings", import("../features/notices/Bell"))).Bell }));
export const AdminApp = lazy(async () => ({ default: (await withTexts("admin", withTexts("settings", import("../features/admin/AdminApp")))).AdminApp }));
