// Which of the app's languages a browser asks for; the server answers the same for the first page.

export type Locale = "en" | "ro";

/** The language of a tag such as `ro-MD`, when the app speaks it. */
export function localeOf(tag: string | null): Locale | null {
  const primary = tag?.split("-")[0]?.toLowerCase();
  return primary === "ro" || primary === "en" ? primary : null;
}

/** The first of the wanted languages that the app speaks. */
export function systemLocale(wanted: readonly string[]): Locale {
  for (const tag of wanted) {
    const found = localeOf(tag);
    if (found) return found;
  }
  return "en";
}
