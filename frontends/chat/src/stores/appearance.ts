// What a person chose on any device holds on this one too, once it is known who they are; before that, the instance's colour.
import type { Standing } from "@taifas/api-client/shapes";
import { accent as accentStore, setAccent } from "./accent";
import { language, setLanguage } from "./language";
import { setTheme, theme } from "./theme";
import { isHeld } from "./unsaved";

export function adoptAppearance({ instance, user }: Standing): void {
  if (user?.theme && user.theme !== theme.getState().theme && !isHeld("theme")) setTheme(user.theme);
  if (user?.language && user.language !== language.getState().language && !isHeld("language")) void setLanguage(user.language);
  const accent = user?.accent ?? instance.accent;
  if (accent && accent !== accentStore.getState().accent && !isHeld("accent")) setAccent(accent);
}
