// The language a person chose, or the browser's. The cookie lets the server write the first page in it.
import { createStore } from "zustand/vanilla";
import { speak } from "../texts/locale";
import { localeOf, systemLocale, type Locale } from "../texts/systemLocale";
import { readCookie, writeCookie } from "./cookie";

export type Language = Locale | "system";

const COOKIE = "lang";

export const language = createStore<{ language: Language }>(() => ({ language: localeOf(readCookie(COOKIE)) ?? "system" }));

export function setLanguage(next: Language): Promise<void> {
  writeCookie(COOKIE, next === "system" ? null : next);
  language.setState({ language: next });
  return speak(next === "system" ? systemLocale(navigator.languages) : next);
}
