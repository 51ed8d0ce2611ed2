// The foot of the sidebar: who is signed in, the theme, signing out.
import type { User } from "@taifas/api-client/types";
import { Menu, MenuItem, MenuSeparator, useMenu } from "@taifas/ui-components/Menu";
import { LogOut, Monitor, Moon, Settings2, ShieldCheck, Sun } from "lucide-react";
import { useLocation } from "wouter";
import { useStore } from "zustand";
import { administers } from "../../api/administers";
import { closeDrawer } from "../../stores/frame";
import { signOut } from "../../stores/signOut";
import { setTheme, theme as themeStore, type Theme } from "../../stores/theme";
import { hold } from "../../stores/unsaved";
import { t, type TextId } from "../../texts/t";

const THEMES: { theme: Theme; text: TextId; Icon: typeof Sun }[] = [
  { theme: "light", text: "theme.light", Icon: Sun },
  { theme: "dark", text: "theme.dark", Icon: Moon },
  { theme: "system", text: "theme.system", Icon: Monitor },
];

/** Here at once, and on the person's other devices. */
async function chooseTheme(next: Theme): Promise<void> {
  const release = hold(["theme"]);
  setTheme(next);
  try {
    const { saveMe } = await import("../../api/account");
    await saveMe({ theme: next });
  } catch {
    // It holds on this device; the next choice is sent anew.
  } finally {
    release();
  }
}

export function ProfileMenu({ user }: { user: User | null }) {
  const menu = useMenu();
  const [, navigate] = useLocation();
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
            <button key={choice} type="button" role="menuitemradio" aria-checked={theme === choice} tabIndex={-1} onClick={() => void chooseTheme(choice)}>
              <Icon className="i sm" />{t(text)}
            </button>
          ))}
        </div>
        <MenuSeparator />
        <MenuItem icon={<Settings2 className="i" />} data-testid="open-settings" onSelect={() => { menu.close(); closeDrawer(); location.hash = "settings/general"; }}>
          {t("profile.settings")}
        </MenuItem>
        {administers(user) && (
          <MenuItem icon={<ShieldCheck className="i" />} data-testid="open-admin" onSelect={() => { menu.close(); navigate("/admin"); }}>{t("profile.administration")}</MenuItem>
        )}
        <MenuSeparator />
        <MenuItem icon={<LogOut className="i" />} data-testid="sign-out" onSelect={() => { menu.close(); void signOut(); }}>
          {t("profile.signOut")}
        </MenuItem>
      </Menu>
    </>
  );
}
