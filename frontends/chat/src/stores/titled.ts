// Chats whose title was just found for them: it types itself in where it is shown.

export const titled = new Set<string>();
