// What the static page's text field hands over to the composer; taken once, on its first mount.

export const adopted: { focus: { start: number; end: number } | null; send: boolean } = { focus: null, send: false };
