// Another title for the open chat, from its header.
import type { Chat } from "@taifas/api-client/types";
import { Button } from "@taifas/ui-components/Button";
import { Dialog } from "@taifas/ui-components/Dialog";
import { useId, useState } from "react";
import { t } from "../../texts/t";
import { renameChat } from "./chatActions";

export function RenameDialog({ chat, onClose }: { chat: Chat; onClose: () => void }) {
  const [title, setTitle] = useState(chat.title);
  const id = useId();
  return (
    <Dialog label={t("chat.rename")} onClose={onClose}>
      <h2>{t("chat.rename")}</h2>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onClose();
          const text = title.trim();
          if (text !== "" && text !== chat.title) void renameChat(chat, text);
        }}
      >
        <div className="fld">
          <label htmlFor={id}>{t("chat.renameLabel")}</label>
          <input id={id} value={title} maxLength={200} data-autofocus="" data-testid="rename-field" onFocus={(event) => event.target.select()} onChange={(event) => setTitle(event.target.value)} />
        </div>
        <div className="buttons">
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button type="submit" look="primary">{t("save")}</Button>
        </div>
      </form>
    </Dialog>
  );
}
