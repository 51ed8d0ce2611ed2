// One of several, on the browser's own list.
import { useId, type ReactNode } from "react";

interface Props<T extends string> {
  label: string;
  /** `field`: with its label above, as in forms; `quiet`: bare, at the end of a row that names it. */
  look?: "field" | "quiet";
  options: readonly { value: T; label: string; disabled?: boolean }[];
  value: T;
  onChange: (value: T) => void;
  hint?: ReactNode;
  disabled?: boolean;
  "data-testid"?: string;
}

export function Select<T extends string>({ label, look = "field", options, value, onChange, hint, disabled, ...rest }: Props<T>) {
  const id = useId();
  const list = (
    <span className={look === "quiet" ? "sel" : "sel box"}>
      <select
        id={id}
        aria-label={look === "quiet" ? label : undefined}
        value={value}
        disabled={disabled}
        data-testid={rest["data-testid"]}
        onChange={(event) => {
          const chosen = options.find((option) => option.value === event.target.value);
          if (chosen) onChange(chosen.value);
        }}
      >
        {options.map((option) => <option key={option.value} value={option.value} disabled={option.disabled}>{option.label}</option>)}
      </select>
      <svg className="i sm" viewBox="0 0 24 24" aria-hidden="true"><path d="m7 15 5 5 5-5M7 9l5-5 5 5" /></svg>
    </span>
  );
  if (look === "quiet") return list;
  return (
    <div className="fld">
      <label htmlFor={id}>{label}</label>
      {list}
      {hint ? <div className="hint">{hint}</div> : null}
    </div>
  );
}
