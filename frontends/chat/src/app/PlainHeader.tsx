// The line above pages that have no model.
import { IconButton } from "@taifas/ui-components/IconButton";
import { Menu as MenuIcon } from "lucide-react";
import { ToastHost } from "../features/toasts/ToastHost";
import { toggleSidebar } from "../stores/frame";
import { t } from "../texts/t";

export function PlainHeader() {
  return (
    <header className="head">
      <IconButton className="only-m" label={t("sidebar.open")} data-testid="drawer-open" onClick={toggleSidebar}><MenuIcon className="i lg" /></IconButton>
      <span className="sp" />
      <ToastHost />
    </header>
  );
}
