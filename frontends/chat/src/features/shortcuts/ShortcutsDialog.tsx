// The list of keys.
import { Dialog } from "@taifas/ui-components/Dialog";
import { Button } from "@taifas/ui-components/Button";
import { IS_MAC } from "../../stores/keyboard";
import { t, type TextId } from "../../texts/t";

const C = IS_MAC ? "⌘" : "Ctrl";
const S = IS_MAC ? "⇧" : "Shift";

const KEYS: [TextId, string[]][] = [
  ["keys.search", [C, "K"]],
  ["keys.newChat", [C, S, "O"]],
  ["keys.sidebar", [C, S, "S"]],
  ["keys.focus", [S, "Esc"]],
  ["keys.attach", [C, "U"]],
  ["keys.copyAnswer", [C, S, "C"]],
  ["keys.copyCode", [C, S, ";"]],
  ["keys.delete", [C, S, "⌫"]],
  ["keys.undo", [C, "Z"]],
  ["keys.branches", ["←", "→"]],
  ["keys.send", ["Enter"]],
  ["keys.newline", [S, "Enter"]],
  ["keys.list", [C, "/"]],
];

export function ShortcutsDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog label={t("keys.title")} onClose={onClose} data-testid="shortcuts">
      <h2>{t("keys.title")}</h2>
      <dl className="keys">
        {KEYS.map(([text, keys]) => (
          <div key={text}>
            <dt>{t(text)}</dt>
            <dd>{keys.map((key) => <kbd key={key} className="key">{key}</kbd>)}</dd>
          </div>
        ))}
      </dl>
      <div className="buttons"><Button data-autofocus="" onClick={onClose}>{t("composer.dismiss")}</Button></div>
    </Dialog>
  );
}
