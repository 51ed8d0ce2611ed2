// Dates, figures and sizes as the person's language writes them; of two regions of one language, the browser's.
import { i18n } from "@lingui/core";

function region(): string {
  return navigator.languages.find((tag) => tag.split("-")[0] === i18n.locale) ?? i18n.locale;
}

export function number(value: number, most = 0): string {
  return new Intl.NumberFormat(region(), { maximumFractionDigits: most }).format(value);
}

/** 1,2 mil. and the like, for axes. */
export function short(value: number): string {
  return new Intl.NumberFormat(region(), { notation: "compact", maximumFractionDigits: 1 }).format(value);
}

/** Costs are kept in millionths. */
export function cost(millionths: number): string {
  return new Intl.NumberFormat(region(), { minimumFractionDigits: 2, maximumFractionDigits: millionths < 1_000_000 ? 4 : 2 }).format(millionths / 1_000_000);
}

export function date(iso: string): string {
  return new Intl.DateTimeFormat(region(), { dateStyle: "medium" }).format(new Date(iso));
}

export function dateTime(iso: string): string {
  return new Intl.DateTimeFormat(region(), { dateStyle: "medium", timeStyle: "short" }).format(new Date(iso));
}

/** A day of a chart; `day` is 2026-11-26. */
export function dayLabel(day: string): string {
  return new Intl.DateTimeFormat(region(), { day: "numeric", month: "short", timeZone: "UTC" }).format(new Date(`${day}T00:00:00Z`));
}

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];

export function bytes(value: number): string {
  const step = Math.min(UNITS.length - 1, value < 1 ? 0 : Math.floor(Math.log10(value) / 3));
  const unit = UNITS[step] ?? "byte";
  return new Intl.NumberFormat(region(), { style: "unit", unit, maximumFractionDigits: step === 0 ? 0 : 1 }).format(value / 1000 ** step);
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [["day", 86_400], ["hour", 3_600], ["minute", 60]];

/** "2 hours ago"; "now" below a minute. */
export function ago(iso: string, now = Date.now()): string {
  const seconds = (new Date(iso).getTime() - now) / 1000;
  const format = new Intl.RelativeTimeFormat(region(), { numeric: "auto" });
  for (const [unit, size] of STEPS) {
    if (Math.abs(seconds) >= size) return format.format(Math.round(seconds / size), unit);
  }
  return format.format(0, "second");
}

/** A day before today, as the API wants it. */
export function daysAgo(days: number): string {
  return new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);
}
