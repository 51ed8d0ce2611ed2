// What a notice says and where it leads. Notices carry ids and names, never texts of chats.
import type { Notice } from "@taifas/api-client/shapes";
import { clock, t } from "../../texts/t";

function word(notice: Notice, name: string): string {
  const value = notice.data[name];
  return typeof value === "string" ? value : "";
}

export function titleOf(notice: Notice): string {
  switch (notice.kind) {
    case "reply_finished": return t(word(notice, "state") === "complete" || word(notice, "state") === "" ? "notices.reply_finished" : "notices.reply_failed");
    case "new_device": return t("notices.new_device");
    case "cap_reached": return t("notices.cap_reached");
    case "invitation_accepted": return t("notices.invitation_accepted");
    case "export_ready": return t("notices.export_ready");
    default: return t("notices.other");
  }
}

export function textOf(notice: Notice): string {
  switch (notice.kind) {
    case "reply_finished": return t("notices.reply_text");
    case "new_device": return t("notices.new_device_text", { device: word(notice, "device") });
    case "cap_reached": return t("notices.cap_reached_text", { when: word(notice, "resets_at") ? clock(word(notice, "resets_at")) : "" });
    case "invitation_accepted": return t("notices.invitation_text", { name: word(notice, "name") });
    case "export_ready": return t("notices.export_text");
    default: return "";
  }
}

/** An address, or the tab of the settings where something can be done. */
export function targetOf(notice: Notice): string | null {
  switch (notice.kind) {
    case "reply_finished": return word(notice, "chat_id") ? `/c/${word(notice, "chat_id")}` : null;
    case "new_device": return "#settings/security";
    case "cap_reached": return "#settings/usage";
    case "invitation_accepted": return "/admin/people";
    case "export_ready": return "#settings/data";
    default: return null;
  }
}
