// Under these ids the page holds the outlines of the mark and the word mark.

export const MARK_ID = "taifas-mark";
export const WORD_ID = "taifas-word";
