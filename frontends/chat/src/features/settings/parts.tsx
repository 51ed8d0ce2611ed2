// What the tabs are made of: a row with its control, a line for an error, a question in place.
import { Button } from "@taifas/ui-components/Button";
import { ErrorLine } from "@taifas/ui-components/ErrorLine";
import { Note } from "@taifas/ui-components/Note";
import { Check, CircleAlert } from "lucide-react";
import { useState, type ReactNode } from "react";
import { useWork } from "../../api/useWork";
import { t } from "../../texts/t";
import { useSaved } from "./saved";

interface RowProps {
  /** Under this id `save` tells whether it was saved. */
  id?: string;
  label: ReactNode;
  hint?: ReactNode;
  /** The control needs the whole width on a small screen. */
  wide?: boolean;
  children?: ReactNode;
  "data-testid"?: string;
}

export function Row({ id = "", label, hint, wide, children, ...rest }: RowProps) {
  const state = useSaved(id);
  return (
    <div className={wide ? "set-row wide" : "set-row"} data-testid={rest["data-testid"]}>
      <div className="about">
        {label}
        {hint && <small>{hint}</small>}
        {state.error && <ErrorLine text={state.error} />}
      </div>
      <div className="control">
        {id !== "" && <span className="saved" role="status">{state.saved && <><Check className="i" /><span className="sr">{t("settings.saved")}</span></>}</span>}
        {children}
      </div>
    </div>
  );
}

/** Nothing here yet, or the list does not come. */
export function ListState({ error, empty, onRetry }: { error: string | null; empty: string; onRetry: () => void }) {
  if (error === null) return <p className="empty-line">{empty}</p>;
  return <div className="empty-line"><ErrorLine text={error} /><Button size="sm" onClick={onRetry}>{t("retry")}</Button></div>;
}

interface AskProps {
  label: string;
  hint?: string;
  button: string;
  question: string;
  text: string;
  /** The button that does it. */
  yes: string;
  work: () => Promise<unknown>;
  /** What is told afterwards. */
  done: string;
  "data-testid": string;
}

/** A row whose work asks first, in its own place: no dialog over a dialog. */
export function AskRow({ label, hint, button, question, text, yes, work, done, ...rest }: AskProps) {
  const [state, setState] = useState<"rest" | "asked" | "done">("rest");
  const { working, error, run } = useWork();
  const doIt = async (): Promise<void> => {
    if (await run(work)) setState("done");
  };
  return (
    <div className="set-ask" data-testid={rest["data-testid"]}>
      <Row label={label} hint={state === "done" ? <span role="status">{done}</span> : hint}>
        {state !== "asked" && <Button size="sm" onClick={() => setState("asked")}>{button}</Button>}
      </Row>
      {state === "asked" && (
        <Note
          look="warn"
          icon={<CircleAlert className="i" />}
          title={question}
          actions={<>
            <Button size="sm" autoFocus onClick={() => setState("rest")}>{t("cancel")}</Button>
            <Button size="sm" look="danger" disabledReason={working ? t("working") : null} onClick={() => void doIt()}>{yes}</Button>
          </>}
        >
          {text}
          {error && <ErrorLine text={error} />}
        </Note>
      )}
    </div>
  );
}
