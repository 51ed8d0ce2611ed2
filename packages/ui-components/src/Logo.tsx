// The mark (a question and the reply behind it) and the word mark. Decorative: the surrounding link or heading names it.
// Their outlines stand once in the page, put there by whoever builds it from logoPaths.ts, and are not shipped again as code.
import { MARK_ID, WORD_ID } from "./logoIds";

export function Mark() {
  return <svg className="mark" viewBox="0 0 24 24" aria-hidden="true"><use href={`#${MARK_ID}`} /></svg>;
}

export function Logo() {
  return (
    <>
      <Mark />
      <svg className="word" viewBox="0 0 46.11 20" aria-hidden="true"><use href={`#${WORD_ID}`} /></svg>
    </>
  );
}

/** The faint large mark at the lower right of pages outside the frame. */
export function PageMark() {
  return <svg className="bg" viewBox="0 0 24 24" aria-hidden="true"><use href={`#${MARK_ID}`} /></svg>;
}
