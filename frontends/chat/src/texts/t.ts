// Every text of the app comes through here: typed ids, ICU messages, one compiled catalogue per locale.
import { i18n } from "@lingui/core";
import type catalogue from "../locales/en.json";
import { messages } from "../locales/en";

export type TextId = keyof typeof catalogue;

i18n.loadAndActivate({ locale: "en", messages });

/** The text of `id` in the active locale. */
export function t(id: TextId, values?: Record<string, string | number>): string {
  return i18n._(id, values);
}

/** Hours and minutes of a moment, in the person's time zone and habit. */
export function clock(iso: string | number): string {
  return new Date(iso).toLocaleTimeString(i18n.locale, { hour: "2-digit", minute: "2-digit", hour12: false });
}
