// Leaving, in all tabs of this browser.
import { api } from "../api/api";
import { t } from "../texts/t";
import { leave } from "./session";
import { tellTabs } from "./tabs";
import { showToast } from "./toasts";

export async function signOut(): Promise<void> {
  try {
    await api.signOut();
  } catch {
    showToast(t("profile.signOutFailed"));
    return;
  }
  tellTabs({ kind: "session", user: null });
  leave();
}
