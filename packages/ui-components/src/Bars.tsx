// A column chart in the page's own SVG. What a column says is told in words above it, by mouse, focus and arrow keys; the
// same figures belong into a table beside it.
import { useState, type KeyboardEvent } from "react";

export interface Bar {
  key: string;
  /** Below the axis. */
  label: string;
  value: number;
  /** All of it in words. */
  title: string;
}

interface Props {
  label: string;
  bars: readonly Bar[];
  /** Writes a value of the axis. */
  format: (value: number) => string;
}

const HEIGHT = 182;
const LINES = 4;
const MOST_LABELS = 5;

export function Bars({ label, bars, format }: Props) {
  const [at, setAt] = useState<number | null>(null);
  const top = niceTop(Math.max(0, ...bars.map((bar) => bar.value)));
  const every = Math.max(1, Math.ceil(bars.length / MOST_LABELS));
  const width = 100 / Math.max(1, bars.length);
  const shown = at === null ? null : bars[at];
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined || bars.length === 0) return;
    event.preventDefault();
    setAt(Math.min(bars.length - 1, Math.max(0, (at ?? (step > 0 ? -1 : bars.length)) + step)));
  };
  return (
    <figure className="bars-chart">
      <figcaption aria-live="polite">{shown ? shown.title : " "}</figcaption>
      <div className="bars-plot" tabIndex={0} role="group" aria-label={label} onKeyDown={onKeyDown} onMouseLeave={() => setAt(null)} onBlur={() => setAt(null)}>
        <svg className="axis" aria-hidden="true">
          {Array.from({ length: LINES + 1 }, (_, line) => {
            const y = 8 + HEIGHT - (HEIGHT * line) / LINES;
            return (
              <g key={line}>
                <text x="40" y={y + 4} textAnchor="end">{format((top * line) / LINES)}</text>
                <line x1="48" x2="100%" y1={y} y2={y} />
              </g>
            );
          })}
        </svg>
        <svg className="columns" aria-hidden="true">
          {bars.map((bar, index) => {
            const height = top === 0 ? 0 : Math.max(bar.value > 0 ? 2 : 0, (bar.value / top) * HEIGHT);
            return (
              <g key={bar.key} onMouseEnter={() => setAt(index)}>
                <rect className={index === at ? "hit on" : "hit"} x={`${index * width}%`} y="8" width={`${width}%`} height={HEIGHT} />
                <rect className="bar" x={`${index * width + width * 0.14}%`} y={8 + HEIGHT - height} width={`${width * 0.72}%`} height={height} rx="2" />
                {index % every === 0 && (
                  <text x={`${(index + 0.5) * width}%`} y={HEIGHT + 26} textAnchor="middle">{bar.label}</text>
                )}
              </g>
            );
          })}
        </svg>
      </div>
    </figure>
  );
}

/** The smallest of 1, 2, 2.5, 4, 5 × 10ⁿ × lines that no value exceeds. */
function niceTop(most: number): number {
  if (most <= 0) return LINES;
  const step = most / LINES;
  // What is counted has no halves.
  const power = 10 ** Math.max(0, Math.floor(Math.log10(step)));
  const nice = [1, 2, ...(power > 1 ? [2.5] : [3, 4]), 5, 10].find((factor) => factor * power >= step) ?? 10;
  return nice * power * LINES;
}
