// Every text of the app comes through here: typed ids, ICU messages, one compiled catalogue per locale and area.
import { i18n } from "@lingui/core";
import type account from "../locales/account/en.json";
import type admin from "../locales/admin/en.json";
import type chat from "../locales/chat/en.json";
import type core from "../locales/en.json";
import type settings from "../locales/settings/en.json";

export type TextId = keyof typeof core | keyof typeof account | keyof typeof chat | keyof typeof settings | keyof typeof admin;

/** The text of `id` in the active locale. Its area must be loaded: see `withTexts`. */
export function t(id: TextId, values?: Record<string, string | number>): string {
  return i18n._(id, values);
}

/** Hours and minutes of a moment, in the person's time zone and habit. */
export function clock(iso: string | number): string {
  return new Date(iso).toLocaleTimeString(i18n.locale, { hour: "2-digit", minute: "2-digit", hour12: false });
}

/** A day as people say it, with the time when it is today's. */
export function day(iso: string, now: Date = new Date()): string {
  const at = new Date(iso);
  if (at.toDateString() === now.toDateString()) return clock(iso);
  const year = at.getFullYear() === now.getFullYear() ? undefined : "numeric";
  return at.toLocaleDateString(i18n.locale === "en" ? "en-GB" : i18n.locale, { day: "numeric", month: "short", year });
}

const MINUTE_S = 60;
const HOUR_S = 3600;
const DAY_S = 24 * HOUR_S;

/** How long ago, in few letters: minutes, hours, then the day. */
export function ago(iso: string, now: Date = new Date()): string {
  const seconds = Math.max(0, (now.getTime() - new Date(iso).getTime()) / 1000);
  const unit = (value: number, name: "minute" | "hour"): string =>
    new Intl.NumberFormat(i18n.locale, { style: "unit", unit: name, unitDisplay: "short" }).format(Math.max(1, Math.floor(value)));
  if (seconds < HOUR_S) return unit(seconds / MINUTE_S, "minute");
  if (seconds < DAY_S) return unit(seconds / HOUR_S, "hour");
  if (seconds < 6 * DAY_S) return new Date(iso).toLocaleDateString(i18n.locale, { weekday: "short" });
  return day(iso, now);
}

/** A number of bytes as people read it. */
export function size(bytes: number): string {
  const [value, unit] = bytes >= 1024 * 1024 ? [bytes / (1024 * 1024), "megabyte"] : [Math.max(1, bytes / 1024), "kilobyte"];
  return new Intl.NumberFormat(i18n.locale, { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: value < 10 ? 1 : 0 }).format(value);
}
