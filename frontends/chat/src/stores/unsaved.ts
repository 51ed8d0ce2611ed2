// What was just chosen here and is still on its way to the server: until it is there, the server's older word about it
// must not undo it.

const held = new Map<string, number>();

/** Holds the server's word about `fields` off until the returned function is called. */
export function hold(fields: string[]): () => void {
  for (const field of fields) held.set(field, (held.get(field) ?? 0) + 1);
  return () => {
    for (const field of fields) held.set(field, (held.get(field) ?? 1) - 1);
  };
}

export function isHeld(field: string): boolean {
  return (held.get(field) ?? 0) > 0;
}
