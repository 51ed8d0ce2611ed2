// What one update costs at 5,000, 20,000 and 60,000 characters: characters read and milliseconds, beside a control in the same
// run that lexes the whole text at every update. Ratios between the columns are what counts; the machine decides the rest.
// Run with `npm run bench`.
import { Lexer } from "marked";
import { createDocument } from "../src/document.ts";
import { PIECE, TEXTS } from "./texts.ts";

const LENGTHS = [5000, 20_000, 60_000];
const UPDATES = 150;
const CONTROL_UPDATES = 15;

const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const p95 = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length * 0.95)] ?? 0;

function time(run: () => void): number {
  const start = performance.now();
  run();
  return performance.now() - start;
}

console.log("text | length | chars read per update | ms p50 / p95 | control: whole text, ms p50");
console.log("--- | ---: | ---: | ---: | ---:");
for (const [name, make] of Object.entries(TEXTS)) {
  for (const length of LENGTHS) {
    const text = make(length + UPDATES * PIECE);
    const document = createDocument(text.slice(0, length));
    const before = document.work;
    const times: number[] = [];
    for (let at = length; at < text.length; at += PIECE) times.push(time(() => document.append(text.slice(at, at + PIECE))));
    const read = (document.work.inline + document.work.lines - before.inline - before.lines) / times.length;
    const control: number[] = [];
    for (let i = 1; i <= CONTROL_UPDATES; i++) control.push(time(() => Lexer.lex(text.slice(0, length + i * PIECE))));
    const figures = [median(times).toFixed(3), p95(times).toFixed(3)].join(" / ");
    console.log(`${name} | ${length} | ${Math.round(read)} | ${figures} | ${median(control).toFixed(2)}`);
  }
}
