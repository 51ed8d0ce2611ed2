// Shows the one toast. Its time is the animation of its line, so hovering or focusing it stops both.
import { Button } from "@taifas/ui-components/Button";
import { useStore } from "zustand";
import { closeToast, toasts } from "../../stores/toasts";
import { t } from "../../texts/t";

export function ToastHost() {
  const { toast } = useStore(toasts);
  return (
    <div role="status">
      {toast && (
        <div
          key={toast.id}
          className={toast.undo ? "toast" : "toast plain-toast"}
          onAnimationEnd={(event) => event.animationName === "run-out" && closeToast(toast.id)}
        >
          <span>{toast.text}</span>
          {toast.undo && (
            <Button look="ghost" size="sm" data-testid="toast-undo" onClick={toast.undo}>{t("undo")}</Button>
          )}
        </div>
      )}
    </div>
  );
}
