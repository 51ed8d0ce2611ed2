// What the pages are made of: a title with its tools, panels, and the states of a list.
import { Button } from "@taifas/ui-components/Button";
import { Dialog } from "@taifas/ui-components/Dialog";
import { ErrorLine } from "@taifas/ui-components/ErrorLine";
import { IconButton } from "@taifas/ui-components/IconButton";
import { Menu, useMenu } from "@taifas/ui-components/Menu";
import { Ellipsis } from "lucide-react";
import type { ReactNode } from "react";
import { errorText, useWork } from "../../api/useWork";
import { t } from "../../texts/t";

export function Head({ title, lead, children }: { title: string; lead?: ReactNode; children?: ReactNode }) {
  return (
    <>
      <div className="tools"><h1>{title}</h1>{children}</div>
      {lead && <p className="lead">{lead}</p>}
    </>
  );
}

interface LoadProps<T> {
  query: { data: T | undefined; error: unknown; refetch: () => unknown };
  children: (data: T) => ReactNode;
}

/** The data, or why it is not there. */
export function Loaded<T>({ query, children }: LoadProps<T>) {
  if (query.data !== undefined) return children(query.data);
  if (!query.error) return null;
  return (
    <div className="panel">
      <ErrorLine text={errorText(query.error)} />
      <Button size="sm" onClick={() => void query.refetch()}>{t("retry")}</Button>
    </div>
  );
}

interface AskProps {
  title: string;
  text: string;
  yes: string;
  work: () => Promise<unknown>;
  onClose: () => void;
}

/** Asks before something that cannot be taken back with one press. */
export function Ask({ title, text, yes, work, onClose }: AskProps) {
  const { working, error, run } = useWork();
  const doIt = async (): Promise<void> => {
    if (await run(work)) onClose();
  };
  return (
    <Dialog label={title} onClose={onClose} data-testid="ask">
      <h2>{title}</h2>
      <p className="lead">{text}</p>
      <ErrorLine text={error} />
      <div className="buttons">
        <Button autoFocus onClick={onClose}>{t("cancel")}</Button>
        <Button look="danger" disabledReason={working ? t("working") : null} onClick={() => void doIt()}>{yes}</Button>
      </div>
    </Dialog>
  );
}

/** The menu at the end of a row. `children` gets what closes it. */
export function RowMenu({ label, children }: { label: string; children: (close: () => void) => ReactNode }) {
  const menu = useMenu();
  return (
    <>
      <IconButton ref={menu.anchor} size="sm" label={label} aria-haspopup="menu" aria-expanded={menu.open} data-testid="row-menu" onClick={menu.toggle}>
        <Ellipsis className="i" />
      </IconButton>
      <Menu anchor={menu.anchor} open={menu.open} onClose={menu.close} label={label} place="below-end">{children(menu.close)}</Menu>
    </>
  );
}

const BUILTIN = ["admin", "user", "guest"];

/** Roles that come with the program have a name in the person's language; others the one they were given. */
export function roleLabel(name: string, label?: string): string {
  if (name === "admin") return t("role.admin");
  if (name === "user") return t("role.user");
  if (name === "guest") return t("role.guest");
  return label || name;
}

export function isBuiltin(name: string): boolean {
  return BUILTIN.includes(name);
}
