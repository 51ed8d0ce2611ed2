// Shapes that are not in the generated schema yet.

export interface StoredFile {
  id: string;
  name: string;
  type: string;
  size: number;
  width?: number | null;
  height?: number | null;
}

export interface Limits {
  resets_at: string;
  tokens: { used: number; cap?: number | null };
  cost: { used: number; cap?: number | null };
}
