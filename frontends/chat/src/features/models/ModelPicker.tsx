// The model button in the header and its list, grouped by where the text goes.
import type { Model } from "@taifas/api-client/types";
import { Menu, MenuItem, useMenu } from "@taifas/ui-components/Menu";
import { Check, ChevronDown, Cloud, House } from "lucide-react";
import { t } from "../../texts/t";

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
      <Menu anchor={menu.anchor} open={menu.open && models !== null} onClose={menu.close} label={t("model.choose")} className="models">
        <Group models={models ?? []} place="server" chosen={chosen} onChoose={(id) => { onChoose(id); menu.close(); }} />
        <Group models={models ?? []} place="outside" chosen={chosen} onChoose={(id) => { onChoose(id); menu.close(); }} />
      </Menu>
    </>
  );
}

interface GroupProps {
  models: Model[];
  place: Model["place"];
  chosen: Model | null;
  onChoose: (id: string) => void;
}

function Group({ models, place, chosen, onChoose }: GroupProps) {
  const here = models.filter((model) => model.place === place);
  if (here.length === 0) return null;
  const heading = t(place === "server" ? "model.server" : "model.outside");
  return (
    <div role="group" aria-label={heading}>
      <div className="lbl" aria-hidden="true">
        {place === "server" ? <House className="i sm" /> : <Cloud className="i sm" />}
        {heading}
      </div>
      {here.map((model) => (
        <MenuItem
          key={model.id}
          className="mo"
          checked={model.id === chosen?.id}
          chosenIcon={<Check className="i end" />}
          data-testid="model-option"
          onSelect={() => onChoose(model.id)}
        >
          <b>{model.name}</b>
          <small>{model.description}</small>
        </MenuItem>
      ))}
    </div>
  );
}
