// Figures as people type them: an empty field means none, costs are kept in millionths.

/** Undefined when it is no figure. */
export function parseAmount(text: string): number | null | undefined {
  const plain = text.replace(/[\s.,’']/g, "");
  if (plain === "") return null;
  return /^\d{1,15}$/.test(plain) ? Number(plain) : undefined;
}

/** Takes a comma or a point before the decimals. */
export function parseCost(text: string): number | null | undefined {
  const plain = text.trim().replace(",", ".");
  if (plain === "") return null;
  return /^\d{1,9}(?:\.\d{0,6})?$/.test(plain) ? Math.round(Number(plain) * 1_000_000) : undefined;
}

export function costField(millionths: number | null | undefined): string {
  return millionths === null || millionths === undefined ? "" : String(millionths / 1_000_000);
}
