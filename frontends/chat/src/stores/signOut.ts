// Leaving: nothing of the person stays in this browser.
import { api } from "../api/api";
import { t } from "../texts/t";
import { forgetDrafts } from "./drafts";
import { clearLocalData } from "./localData";
import { forgetOutbox } from "./outbox";
import { tellTabs } from "./tabs";
import { showToast } from "./toasts";

/** A full load afterwards lets the server decide what to show. */
export async function signOut(): Promise<void> {
  try {
    await api.signOut();
  } catch {
    showToast(t("profile.signOutFailed"));
    return;
  }
  forgetDrafts();
  forgetOutbox();
  await clearLocalData();
  tellTabs({ kind: "session" });
  location.assign("/");
}
