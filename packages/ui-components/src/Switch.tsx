// On or off, in force at once.

interface Props {
  label: string;
  on: boolean;
  onChange: (on: boolean) => void;
  /** Why it cannot be changed. */
  disabledReason?: string | null;
  "data-testid"?: string;
}

export function Switch({ label, on, onChange, disabledReason, ...rest }: Props) {
  return (
    <button
      type="button"
      role="switch"
      className="sw"
      aria-checked={on}
      aria-label={label}
      aria-disabled={disabledReason ? true : undefined}
      title={disabledReason ?? undefined}
      data-testid={rest["data-testid"]}
      onClick={() => !disabledReason && onChange(!on)}
    />
  );
}
