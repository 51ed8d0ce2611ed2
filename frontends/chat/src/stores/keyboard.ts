// How this machine writes its keys.

export const IS_MAC = /Mac|iPhone|iPad/.test(navigator.platform);
export const COMMAND = IS_MAC ? "⌘" : "Ctrl+";
export const SHIFT_COMMAND = IS_MAC ? "⌘⇧" : "Ctrl+Shift+";
