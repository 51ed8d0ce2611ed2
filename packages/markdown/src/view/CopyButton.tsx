// The Copy button of a code block: puts the source on the clipboard and says so for two seconds.
import { useContext, useEffect, useRef, useState } from "react";
import { LabelsContext } from "./labels.ts";

/** Milliseconds the button shows what happened. */
const SHOWN_FOR = 2000;

/** For pages without a secure context (plain http in a private network), where there is no clipboard object. */
function copyBySelection(text: string): boolean {
  const field = document.createElement("textarea");
  field.value = text;
  field.readOnly = true;
  field.className = "md-hidden";
  const focused = document.activeElement;
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  return done;
}

async function copyText(text: string): Promise<boolean> {
  // The type says it is always there; without a secure context it is not.
  const clipboard = navigator.clipboard as Clipboard | undefined;
  try {
    if (!clipboard) return copyBySelection(text);
    await clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

export function CopyButton({ source }: { source: () => string }) {
  const labels = useContext(LabelsContext);
  const [state, setState] = useState<"idle" | "copied" | "failed">("idle");
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const copy = async () => {
    const done = await copyText(source());
    setState(done ? "copied" : "failed");
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setState("idle"), SHOWN_FOR);
  };
  const word = { idle: labels.copy, copied: labels.copied, failed: labels.copyFailed }[state];
  return (
    <>
      <button type="button" className="md-copy" data-state={state} onClick={() => void copy()}>
        <svg viewBox="0 0 24 24" width="16" height="16" aria-hidden="true" focusable="false">
          {state === "copied" ? <path d="M5 12.5l4.5 4.5L19 7.5" /> : <path d="M9 9h11v11H9zM15 9V4H4v11h5" />}
        </svg>
        {word}
      </button>
      <span className="md-hidden" role="status">
        {state === "idle" ? "" : word}
      </span>
    </>
  );
}
