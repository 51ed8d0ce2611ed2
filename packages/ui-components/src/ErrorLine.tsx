// What went wrong with the control above, in a sentence; nothing when nothing did.

export function ErrorLine({ text }: { text: string | null }) {
  if (text === null) return null;
  return (
    <span className="error-line" role="alert">
      <svg className="i" viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="10" /><path d="M12 8v4M12 16h.01" /></svg>
      {text}
    </span>
  );
}
