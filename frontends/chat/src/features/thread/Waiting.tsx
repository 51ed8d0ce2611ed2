// Before an answer's first word. Models that rested are loaded first and nobody tells when that is done, so after a
// while the page says no more than it knows.
import { useEffect, useState } from "react";
import { t } from "../../texts/t";

const LONG_MS = 6_000;

export function Waiting() {
  const [long, setLong] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLong(true), LONG_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div className="wait">
      <span role="img" aria-label={t("reply.thinking")}><i /><i /></span>
      <span role="status" className="long">{long ? t("reply.slow") : ""}</span>
    </div>
  );
}
