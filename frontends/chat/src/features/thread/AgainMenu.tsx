// Another answer: the same again, differently, or by another model.
import type { Model } from "@taifas/api-client/types";
import { IconButton } from "@taifas/ui-components/IconButton";
import { Menu, MenuItem, MenuSeparator, SubMenu, useMenu } from "@taifas/ui-components/Menu";
import { ArrowRightLeft, MessageSquarePlus, Minimize2, RefreshCw, SquarePlus } from "lucide-react";
import { useModels } from "../../api/queries";
import type { Wish } from "../../stores/branches";
import { t } from "../../texts/t";

interface Props {
  model: string | null;
  busy: boolean;
  onAgain: (wish: Wish) => void;
  /** The person wants to say in words how it shall differ. */
  onChange: () => void;
}

export function AgainMenu({ model, busy, onAgain, onChange }: Props) {
  const menu = useMenu();
  const models = useModels(menu.open).data ?? [];
  const then = (work: () => void) => () => {
    menu.close();
    work();
  };
  return (
    <>
      <IconButton
        ref={menu.anchor} size="sm" label={t(busy ? "reply.againBusy" : "reply.again")} aria-haspopup="menu" aria-expanded={menu.open}
        aria-disabled={busy} data-testid="again" onClick={() => !busy && menu.toggle()}
      >
        <RefreshCw className="i" />
      </IconButton>
      <Menu anchor={menu.anchor} open={menu.open} onClose={menu.close} label={t("reply.again")} className="chat-menu">
        <MenuItem icon={<RefreshCw className="i" />} data-testid="again-same" onSelect={then(() => onAgain({}))}>
          {t("retry")}
        </MenuItem>
        <MenuItem icon={<MessageSquarePlus className="i" />} data-testid="again-change" onSelect={then(onChange)}>{t("reply.change")}</MenuItem>
        <MenuItem icon={<SquarePlus className="i" />} onSelect={then(() => onAgain({ instruction: t("reply.detailsWish") }))}>{t("reply.details")}</MenuItem>
        <MenuItem icon={<Minimize2 className="i" />} onSelect={then(() => onAgain({ instruction: t("reply.shorterWish") }))}>{t("reply.shorter")}</MenuItem>
        <MenuSeparator />
        <OtherModels models={models} used={model} onChoose={(id) => then(() => onAgain({ model: id }))()} />
      </Menu>
    </>
  );
}

/** The models that did not write this answer. */
export function OtherModels({ models, used, onChoose }: { models: Model[]; used: string | null; onChoose: (id: string) => void }) {
  return (
    <SubMenu icon={<ArrowRightLeft className="i" />} label={t("reply.otherModel")} data-testid="other-model">
      {models.filter((model) => model.id !== used).map((model) => (
        <MenuItem key={model.id} data-testid="other-model-option" onSelect={() => onChoose(model.id)}>{model.name}</MenuItem>
      ))}
      {models.every((model) => model.id === used) && <p className="side-note">{t("reply.noOtherModel")}</p>}
    </SubMenu>
  );
}
