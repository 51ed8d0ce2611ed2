// The model button in the header. Its list comes when it is opened.
import type { Model } from "@taifas/api-client/types";
import { part } from "@taifas/ui-components/part";
import { useMenu } from "@taifas/ui-components/useMenu";
import { ChevronDown } from "lucide-react";
import { t } from "../../texts/t";

export const ModelList = part(async () => (await import("./ModelList")).ModelList);

interface Props {
  /** Null while they are being asked for. */
  models: Model[] | null;
  chosen: Model | null;
  onChoose: (id: string) => void;
}

export function ModelPicker({ models, chosen, onChoose }: Props) {
  const menu = useMenu();
  const name = chosen?.name ?? t(models === null ? "model.loading" : "model.none");
  return (
    <>
      <button
        ref={menu.anchor}
        type="button"
        className="pick"
        aria-haspopup="menu"
        aria-expanded={menu.open}
        aria-label={t("model.button", { name })}
        data-testid="model-button"
        onClick={menu.toggle}
      >
        <span>{name}</span>
        <ChevronDown className="i sm" />
      </button>
      {menu.open && models !== null && (
        <ModelList anchor={menu.anchor} onClose={menu.close} models={models} chosen={chosen} onChoose={(id) => { onChoose(id); menu.close(); }} />
      )}
    </>
  );
}
