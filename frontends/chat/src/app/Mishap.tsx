// Says what must not happen: a part that fails, and code that is gone because the server was updated while the page was
// open. The words of the person are in the browser's storage already, so loading again loses nothing.
import { Component, useSyncExternalStore, type ReactNode } from "react";
import { Button } from "@taifas/ui-components/Button";
import { whenGone } from "@taifas/ui-components/part";
import { t } from "../texts/t";

interface Props {
  children: ReactNode;
}

export class Mishap extends Component<Props, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override render(): ReactNode {
    if (!this.state.failed) return this.props.children;
    return (
      <div className="card text-center" role="alert" data-testid="mishap">
        <h1>{t("mishap.title")}</h1>
        <p className="lead">{t("mishap.text")}</p>
        <Reload />
      </div>
    );
  }
}

function Reload() {
  return <Button look="primary" onClick={() => location.reload()}>{t("mishap.reload")}</Button>;
}

let gone = false;

function subscribe(listener: () => void): () => void {
  whenGone(() => {
    gone = true;
    listener();
  });
  return () => undefined;
}

/** Stands over the page, which goes on without the part that is gone. */
export function Gone() {
  return useSyncExternalStore(subscribe, () => gone) && (
    <div className="toast gone" role="alert" data-testid="gone">
      <span>{t("mishap.title")}. {t("mishap.text")}</span>
      <Reload />
    </div>
  );
}
