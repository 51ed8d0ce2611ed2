// Before an answer's first word: after a while the page says that there is none yet, and what the server supposes.
import { useEffect, useState } from "react";
import { t } from "../../texts/t";

const LONG_MS = 6_000;

export function Waiting({ loading }: { loading: boolean }) {
  const [long, setLong] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLong(true), LONG_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div className="wait">
      <span role="img" aria-label={t("reply.thinking")}><i /><i /></span>
      <span role="status" className="long">{loading ? t("reply.loading") : long ? t("reply.slow") : ""}</span>
    </div>
  );
}
