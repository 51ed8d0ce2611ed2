// In place of a thread the server does not give.
import { ApiError } from "@taifas/api-client/apiError";
import { Button } from "@taifas/ui-components/Button";
import { t } from "../../texts/t";

export function Missing({ error, onNewChat }: { error: Error; onNewChat: () => void }) {
  const gone = error instanceof ApiError && (error.status === 404 || error.status === 403 || error.status === 422 || error.status === 400);
  return (
    <div className="scroll">
      <div className="card text-center">
        <h1>{t(gone ? "chat.missing.title" : "chat.loadFailed.title")}</h1>
        <p className="lead">{t(gone ? "chat.missing.text" : "chat.loadFailed.text")}</p>
        <Button onClick={onNewChat}>{t("sidebar.newChat")}</Button>
      </div>
    </div>
  );
}
