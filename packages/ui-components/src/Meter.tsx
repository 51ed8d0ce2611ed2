// How much of a limit is used. Always stands beside its figures.

/** From this share on a limit is near. */
const NEAR = 0.8;

export function Meter({ share, label }: { share: number; label: string }) {
  const look = share >= 1 ? "danger" : share >= NEAR ? "warn" : "";
  return (
    <svg className={`meter ${look}`} role="img" aria-label={label}>
      <rect className="track" width="100%" height="4" rx="2" />
      <rect className="fill" width={`${Math.min(100, Math.max(0, share * 100))}%`} height="4" rx="2" />
    </svg>
  );
}
