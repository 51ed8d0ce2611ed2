// The mark (a question and the reply behind it) and the word mark. Decorative: the surrounding link or heading names it.
import { MARK_BACK, MARK_FRONT, WORD, WORD_DOT } from "./logoPaths";

export function Mark() {
  return (
    <svg className="mark" viewBox="0 0 24 24" aria-hidden="true">
      <path className="a" d={MARK_FRONT} />
      <path className="b" d={MARK_BACK} />
    </svg>
  );
}

export function Logo() {
  return (
    <>
      <Mark />
      <svg className="word" viewBox="0 0 46.11 20" aria-hidden="true">
        <path fill="currentColor" d={WORD} />
        <path className="b" d={WORD_DOT} />
      </svg>
    </>
  );
}

/** The faint large mark at the lower right of pages outside the frame. */
export function PageMark() {
  return (
    <svg className="bg" viewBox="0 0 24 24" aria-hidden="true">
      <path d={MARK_FRONT} />
      <path d={MARK_BACK} />
    </svg>
  );
}
