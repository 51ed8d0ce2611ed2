// One of a few, all in sight: a segment with words, or swatches of colour. Arrow keys move and choose, as with radio buttons.
import type { KeyboardEvent, ReactNode } from "react";

interface Option<T extends string> {
  value: T;
  label: string;
  icon?: ReactNode;
}

interface Props<T extends string> {
  label: string;
  look?: "segment" | "swatches";
  options: readonly Option<T>[];
  value: T;
  onChange: (value: T) => void;
}

export function Choice<T extends string>({ label, look = "segment", options, value, onChange }: Props<T>) {
  const move = (event: KeyboardEvent<HTMLElement>): void => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const at = options.findIndex((option) => option.value === value);
    const next = options[(at + step + options.length) % options.length];
    if (!next) return;
    onChange(next.value);
    event.currentTarget.querySelector<HTMLElement>(`[data-value="${next.value}"]`)?.focus();
  };
  const reachable = options.some((option) => option.value === value) ? value : options[0]?.value;
  return (
    <div className={look === "segment" ? "seg" : "sws"} role="radiogroup" aria-label={label} onKeyDown={move}>
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          role="radio"
          aria-checked={option.value === value}
          aria-label={look === "swatches" ? option.label : undefined}
          title={look === "swatches" ? option.label : undefined}
          tabIndex={option.value === reachable ? 0 : -1}
          data-value={option.value}
          onClick={() => onChange(option.value)}
        >
          {look === "swatches" ? <i aria-hidden="true" /> : <>{option.icon}{option.label}</>}
        </button>
      ))}
    </div>
  );
}
