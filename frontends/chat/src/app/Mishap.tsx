// Catches what must not happen, above all code that is gone because the server was updated while the page was open.
// The words of the person are in the browser's storage already, so loading again loses nothing.
import { Component, type ReactNode } from "react";
import { Button } from "@taifas/ui-components/Button";
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
        <Button look="primary" onClick={() => location.reload()}>{t("mishap.reload")}</Button>
      </div>
    );
  }
}
