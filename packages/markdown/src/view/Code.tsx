// Code blocks. Every line is an element of its own and lines come in pages: one huge text node is slow to lay out, and while code
// arrives only its last page is rendered again. A highlighter can later replace what `Page` puts into a line; nothing else
// knows how code looks.
import { memo, useContext } from "react";
import type { CodeBlock } from "../tree.ts";
import { CopyButton } from "./CopyButton.tsx";
import { Caret } from "./Inline.tsx";
import { LabelsContext } from "./labels.ts";
import { shown } from "./Shown.tsx";

const Page = memo(function Page({ lines, caret }: { lines: readonly string[]; caret: boolean }) {
  return (
    <span className="md-page">
      {lines.map((line, i) => (
        <span className="md-line" key={i}>
          {shown(line, true)}
          {caret && i === lines.length - 1 && <Caret />}
          {"\n"}
        </span>
      ))}
    </span>
  );
});

const NO_LINE: readonly string[] = [""];

export function Code({ block, caret }: { block: CodeBlock; caret: boolean }) {
  const labels = useContext(LabelsContext);
  const language = /^[^\s,{]+/.exec(block.info)?.[0] ?? "";
  const pages = block.pages.length > 0 ? block.pages : [NO_LINE];
  return (
    <figure className="md-code" dir="ltr">
      <figcaption className="md-code-head">
        <span className="md-code-name">{language === "" ? labels.code : shown(language, true)}</span>
        <CopyButton source={() => block.pages.flat().map((line) => `${line}\n`).join("")} />
      </figcaption>
      <pre className="md-pre" tabIndex={0} role="group" aria-label={language === "" ? labels.code : `${labels.code}: ${language}`}>
        <code>
          {pages.map((lines, i) => (
            <Page key={i} lines={lines} caret={caret && i === pages.length - 1} />
          ))}
        </code>
      </pre>
    </figure>
  );
}
