// The language of the pages before anybody is signed in; afterwards it is in the settings.
import { Menu, MenuItem, useMenu } from "@taifas/ui-components/Menu";
import { Check, Globe } from "lucide-react";
import { useStore } from "zustand";
import { setLanguage } from "../../stores/language";
import { locale as localeStore } from "../../texts/locale";
import type { Locale } from "../../texts/systemLocale";
import { t } from "../../texts/t";

const NAMES: Record<Locale, string> = { en: "English", ro: "Română" };

export function LanguageMenu() {
  const menu = useMenu();
  const { locale } = useStore(localeStore);
  return (
    <>
      <button ref={menu.anchor} type="button" className="btn g sm" aria-haspopup="menu" aria-expanded={menu.open} aria-label={t("page.language", { language: NAMES[locale] })} data-testid="language-menu" onClick={menu.toggle}>
        <Globe className="i sm" />{NAMES[locale]}
      </button>
      <Menu anchor={menu.anchor} open={menu.open} onClose={menu.close} label={t("page.languageChoose")} place="below-end">
        {(Object.keys(NAMES) as Locale[]).map((one) => (
          <MenuItem key={one} checked={one === locale} chosenIcon={<Check className="i end" />} onSelect={() => { menu.close(); void setLanguage(one); }}>
            <span lang={one}>{NAMES[one]}</span>
          </MenuItem>
        ))}
      </Menu>
    </>
  );
}
