// Which language the app speaks, and the loading of its texts: only the catalogues of one locale, and of those only the
// areas that are open. The page comes with the language in `lang`, so that nothing changes its words after the first paint.
import { i18n, type Messages } from "@lingui/core";
import { createStore } from "zustand/vanilla";
import type { Locale } from "./systemLocale";

/** Texts that are loaded together: `core` with the app, the others with the part that shows them. */
export type Area = "core" | "account" | "chat" | "settings" | "admin";

type Load = () => Promise<{ messages: Messages }>;

const CATALOGUES: Record<Area, Record<Locale, Load>> = {
  core: { en: () => import("../locales/en"), ro: () => import("../locales/ro") },
  chat: { en: () => import("../locales/chat/en"), ro: () => import("../locales/chat/ro") },
  account: { en: () => import("../locales/account/en"), ro: () => import("../locales/account/ro") },
  settings: { en: () => import("../locales/settings/en"), ro: () => import("../locales/settings/ro") },
  admin: { en: () => import("../locales/admin/en"), ro: () => import("../locales/admin/ro") },
};

const open = new Set<Area>();

/** Changes when other words are to be shown; whoever renders the app starts it again then. */
export const locale = createStore<{ locale: Locale }>(() => ({ locale: document.documentElement.lang === "ro" ? "ro" : "en" }));

async function load(area: Area, language: Locale): Promise<void> {
  i18n.load(language, (await CATALOGUES[area][language]()).messages);
  open.add(area);
}

/** The texts of the whole app, before anything is shown. */
export async function startTexts(): Promise<void> {
  const language = locale.getState().locale;
  await load("core", language);
  i18n.activate(language);
}

/** `module`, and with it the texts its parts show. */
export async function withTexts<T>(area: Area, module: Promise<T>): Promise<T> {
  const [loaded] = await Promise.all([module, load(area, locale.getState().locale)]);
  return loaded;
}

/** Speaks another language from now on, everywhere. */
export async function speak(language: Locale): Promise<void> {
  if (language === locale.getState().locale) return;
  await Promise.all([...open].map((area) => load(area, language)));
  i18n.activate(language);
  document.documentElement.lang = language;
  locale.setState({ locale: language });
}
