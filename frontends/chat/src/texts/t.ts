// Every text of the app comes through here: typed ids, ICU messages, one compiled catalogue per locale and area.
import { i18n } from "@lingui/core";
import type account from "../locales/account/en.json";
import type admin from "../locales/admin/en.json";
import type core from "../locales/en.json";
import type settings from "../locales/settings/en.json";

export type TextId = keyof typeof core | keyof typeof account | keyof typeof settings | keyof typeof admin;

/** The text of `id` in the active locale. Its area must be loaded: see `withTexts`. */
export function t(id: TextId, values?: Record<string, string | number>): string {
  return i18n._(id, values);
}

/** Hours and minutes of a moment, in the person's time zone and habit. */
export function clock(iso: string | number): string {
  return new Date(iso).toLocaleTimeString(i18n.locale, { hour: "2-digit", minute: "2-digit", hour12: false });
}
