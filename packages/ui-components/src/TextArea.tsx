// A labelled field for longer text, with its length against the limit.
import { useId, type ReactNode } from "react";

interface Props {
  label: string;
  name?: string;
  value: string;
  onChange: (value: string) => void;
  placeholder?: string;
  rows?: number;
  /** Most characters; more can be typed, so that pasted text is not cut, and is counted as an error. */
  limit?: number;
  /** Says how long it is, such as "120 of 1,500". */
  counter?: ReactNode;
  "data-testid"?: string;
}

export function TextArea({ label, name, value, onChange, placeholder, rows = 3, limit, counter, ...rest }: Props) {
  const id = useId();
  const over = limit !== undefined && [...value].length > limit;
  return (
    <div className="fld">
      <label htmlFor={id}>{label}</label>
      <textarea
        id={id}
        name={name}
        rows={rows}
        value={value}
        placeholder={placeholder}
        aria-invalid={over ? true : undefined}
        aria-describedby={counter ? `${id}-about` : undefined}
        data-testid={rest["data-testid"]}
        onChange={(event) => onChange(event.target.value)}
      />
      {counter ? <div className={over ? "hint err end" : "hint end"} id={`${id}-about`}>{counter}</div> : null}
    </div>
  );
}
