// Something to be taken along exactly as it is: a link, a key. Shown whole, copied with one press.
import { useState } from "react";
import { Button } from "./Button";
import { copyText } from "./copyText";

interface Props {
  label: string;
  value: string;
  copy: string;
  copied: string;
}

export function CopyField({ label, value, copy, copied }: Props) {
  const [done, setDone] = useState(false);
  return (
    <div className="copy-field">
      <code aria-label={label} tabIndex={0} role="textbox" aria-readonly="true" data-testid="copy-value">{value}</code>
      <Button size="sm" look="primary" onClick={() => void copyText(value).then(setDone)}>{done ? copied : copy}</Button>
      <span className="sr" role="status">{done ? copied : ""}</span>
    </div>
  );
}
