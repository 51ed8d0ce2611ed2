// A labelled input with its hint and its error below, tied together for readers.
import { useId, type InputHTMLAttributes, type ReactNode, type Ref } from "react";

interface Props extends InputHTMLAttributes<HTMLInputElement> {
  label: string;
  hint?: ReactNode;
  /** Replaces the hint; the icon comes from the caller so that this package needs no icon set. */
  error?: ReactNode;
  ref?: Ref<HTMLInputElement>;
  /** Lies inside the input at its right end. */
  inside?: ReactNode;
}

export function Field({ label, hint, error, inside, ...input }: Props) {
  const id = useId();
  const about = error || hint ? `${id}-about` : undefined;
  return (
    <div className="fld">
      <label htmlFor={id}>{label}</label>
      <div className={inside ? "peek" : undefined}>
        <input {...input} id={id} aria-invalid={error ? true : undefined} aria-describedby={about} />
        {inside}
      </div>
      {error ? <div className="hint err" id={about} role="alert">{error}</div>
        : hint ? <div className="hint" id={about}>{hint}</div> : null}
    </div>
  );
}
