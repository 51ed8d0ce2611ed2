// The foot of the sidebar: who is signed in, the theme, signing out.
import type { User } from "@taifas/api-client/types";
import { Menu, MenuItem, MenuSeparator, useMenu } from "@taifas/ui-components/Menu";
import { LogOut, Monitor, Moon, Sun } from "lucide-react";
import { useStore } from "zustand";
import { api } from "../../api/api";
import { forgetDrafts } from "../../stores/drafts";
import { clearLocalData } from "../../stores/localData";
import { forgetOutbox } from "../../stores/outbox";
import { tellTabs } from "../../stores/tabs";
import { setTheme, theme as themeStore, type Theme } from "../../stores/theme";
import { showToast } from "../../stores/toasts";
import { t, type TextId } from "../../texts/t";

const THEMES: { theme: Theme; text: TextId; Icon: typeof Sun }[] = [
  { theme: "light", text: "theme.light", Icon: Sun },
  { theme: "dark", text: "theme.dark", Icon: Moon },
  { theme: "system", text: "theme.system", Icon: Monitor },
];

/** Leaves nothing of the person in this browser; a full load lets the server decide what to show. */
async function signOut(): Promise<void> {
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

export function ProfileMenu({ user }: { user: User | null }) {
  const menu = useMenu();
  const { theme } = useStore(themeStore);
  if (!user) return <div className="row prof" aria-hidden="true" />;
  return (
    <>
      <button
        ref={menu.anchor}
        type="button"
        className="row prof"
        aria-haspopup="menu"
        aria-expanded={menu.open}
        data-testid="profile"
        onClick={menu.toggle}
      >
        <span className="av" aria-hidden="true">{[...user.name.trim()][0]?.toUpperCase() ?? "?"}</span>
        <span className="grow">{user.name}<small>{t(user.role === "admin" ? "profile.admin" : "profile.user")}</small></span>
      </button>
      <Menu anchor={menu.anchor} open={menu.open} onClose={menu.close} label={t("profile.menu", { name: user.name })} place="above-start" className="profile-menu">
        <div className="who">{user.email}</div>
        <div className="lbl" aria-hidden="true">{t("theme.label")}</div>
        <div className="seg" role="group" aria-label={t("theme.label")}>
          {THEMES.map(({ theme: choice, text, Icon }) => (
            <button key={choice} type="button" role="menuitemradio" aria-checked={theme === choice} tabIndex={-1} onClick={() => setTheme(choice)}>
              <Icon className="i sm" />{t(text)}
            </button>
          ))}
        </div>
        <MenuSeparator />
        <MenuItem icon={<LogOut className="i" />} data-testid="sign-out" onSelect={() => { menu.close(); void signOut(); }}>
          {t("profile.signOut")}
        </MenuItem>
      </Menu>
    </>
  );
}
