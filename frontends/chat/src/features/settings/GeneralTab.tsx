// How the app looks on all of a person's devices, and the language it speaks.
import type { Accent } from "@taifas/api-client/shapes";
import { Choice } from "@taifas/ui-components/Choice";
import { Select } from "@taifas/ui-components/Select";
import { Monitor, Moon, Sun } from "lucide-react";
import { useStore } from "zustand";
import { saveMe } from "../../api/account";
import { accent as accentStore, setAccent } from "../../stores/accent";
import { language as languageStore, setLanguage, type Language } from "../../stores/language";
import { setTheme, theme as themeStore, type Theme } from "../../stores/theme";
import { t } from "../../texts/t";
import { Row } from "./parts";
import { save } from "./saved";

const ACCENTS: readonly Accent[] = ["azurite", "moss", "plum", "rust", "graphite"];

export function GeneralTab() {
  const { theme } = useStore(themeStore);
  const { language } = useStore(languageStore);
  const { accent } = useStore(accentStore);

  const chooseTheme = (next: Theme): void => {
    setTheme(next);
    void save("theme", () => saveMe({ theme: next }));
  };
  const chooseAccent = (next: Accent): void => {
    setAccent(next);
    void save("accent", () => saveMe({ accent: next }));
  };
  // Saved first: the words change only after the server knows it, and with them the whole page.
  const chooseLanguage = async (next: Language): Promise<void> => {
    if (await save("language", () => saveMe({ language: next }))) await setLanguage(next);
  };

  return (
    <>
      <Row id="theme" label={t("theme.label")} wide>
        <Choice
          label={t("theme.label")}
          value={theme}
          onChange={chooseTheme}
          options={[
            { value: "system", label: t("theme.system"), icon: <Monitor className="i sm" /> },
            { value: "light", label: t("theme.light"), icon: <Sun className="i sm" /> },
            { value: "dark", label: t("theme.dark"), icon: <Moon className="i sm" /> },
          ]}
        />
      </Row>
      <Row id="accent" label={t("settings.accent")} wide>
        <Choice
          label={t("settings.accent")}
          look="swatches"
          value={accent}
          onChange={chooseAccent}
          options={ACCENTS.map((value) => ({ value, label: t(`accent.${value}`) }))}
        />
      </Row>
      <Row id="language" label={t("settings.language")}>
        <Select
          label={t("settings.language")}
          look="quiet"
          value={language}
          onChange={(next) => void chooseLanguage(next)}
          data-testid="language"
          options={[
            { value: "system", label: t("settings.languageSystem") },
            { value: "en", label: "English" },
            { value: "ro", label: "Română" },
          ]}
        />
      </Row>
    </>
  );
}
