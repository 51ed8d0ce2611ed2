// The heading of the empty page, by the time of day.
import { t } from "../../texts/t";

function partOfDay(hour: number): "morning" | "afternoon" | "evening" {
  if (hour >= 5 && hour < 12) return "morning";
  return hour >= 12 && hour < 18 ? "afternoon" : "evening";
}

/** `name` null while the session is being asked: the line keeps its place. */
export function Greeting({ name }: { name: string | null }) {
  if (name === null) return <h1 aria-hidden="true" />;
  const first = name.trim().split(/\s+/)[0] ?? "";
  return <h1>{t(`greeting.${partOfDay(new Date().getHours())}`, { named: first === "" ? "no" : "yes", name: first })}</h1>;
}
