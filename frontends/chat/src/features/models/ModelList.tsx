// The list of models, grouped by where the text goes.
import type { Model } from "@taifas/api-client/types";
import { Menu, MenuItem } from "@taifas/ui-components/Menu";
import { Check, Cloud, House } from "lucide-react";
import type { RefObject } from "react";
import { t } from "../../texts/t";

interface Props {
  anchor: RefObject<HTMLElement | null>;
  onClose: () => void;
  models: Model[];
  chosen: Model | null;
  onChoose: (id: string) => void;
}

export function ModelList({ anchor, onClose, ...group }: Props) {
  return (
    <Menu anchor={anchor} open onClose={onClose} label={t("model.choose")} className="models">
      {group.models.length === 0 && <p className="side-note">{t("model.noneText")}</p>}
      <Group place="server" {...group} />
      <Group place="outside" {...group} />
    </Menu>
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
          <b>{model.name}{model.vision && <span className="tag">{t("model.vision")}</span>}</b>
          <small>{model.description}</small>
        </MenuItem>
      ))}
    </div>
  );
}
