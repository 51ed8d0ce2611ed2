// The models people choose from: their order, names, who may use them, which one new chats begin with, and what they cost.
import type { AdminModel } from "@taifas/api-client/shapes";
import { ErrorLine } from "@taifas/ui-components/ErrorLine";
import { IconButton } from "@taifas/ui-components/IconButton";
import { Switch } from "@taifas/ui-components/Switch";
import { Table } from "@taifas/ui-components/Table";
import { Tag } from "@taifas/ui-components/Tag";
import { useQuery } from "@tanstack/react-query";
import { GripVertical, Pencil } from "lucide-react";
import { useState, type DragEvent, type KeyboardEvent } from "react";
import { admin, adminKeys, refreshAdmin } from "../../api/admin";
import { queryClient } from "../../api/queryClient";
import { useWork } from "../../api/useWork";
import { cost } from "../../texts/format";
import { t } from "../../texts/t";
import { ModelForm } from "./ModelForm";
import { Head, Loaded, roleLabel } from "./parts";

export function ModelsPage() {
  const query = useQuery({ queryKey: adminKeys.models, queryFn: admin.models });
  const [open, setOpen] = useState<AdminModel | null>(null);
  return (
    <>
      <Head title={t("admin.models")} lead={t("models.lead")} />
      <Loaded query={query}>{(models) => <Models models={models} onEdit={setOpen} />}</Loaded>
      {open && <ModelForm model={open} onClose={() => setOpen(null)} />}
    </>
  );
}

function Models({ models, onEdit }: { models: AdminModel[]; onEdit: (model: AdminModel) => void }) {
  const [dragged, setDragged] = useState<string | null>(null);
  const [moved, setMoved] = useState("");
  const { error, run } = useWork();

  const show = (from: number, to: number): AdminModel[] | null => {
    const next = [...models];
    const [one] = next.splice(from, 1);
    if (!one || to < 0 || to >= models.length) return null;
    next.splice(to, 0, one);
    const placed = next.map((model, position) => ({ ...model, position }));
    queryClient.setQueryData<AdminModel[]>(adminKeys.models, placed);
    return placed;
  };
  const keep = (order: AdminModel[]): void => void run(async () => {
    try {
      await admin.orderModels(order.map((model) => model.id));
    } finally {
      await refreshAdmin("models");
    }
  });
  const byKey = (event: KeyboardEvent<HTMLButtonElement>, at: number): void => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const order = show(at, at + step);
    if (!order) return;
    setMoved(t("models.moved", { name: models[at]?.name ?? "", place: at + step + 1, count: models.length }));
    keep(order);
  };
  const over = (event: DragEvent, at: number): void => {
    event.preventDefault();
    const from = models.findIndex((model) => model.id === dragged);
    if (from !== -1 && from !== at) show(from, at);
  };
  if (models.length === 0) return <div className="panel"><p className="empty-line">{t("models.none")}</p></div>;
  return (
    <div className="panel">
      <ErrorLine text={error} />
      <p className="sr" role="status">{moved}</p>
      <Table
        label={t("admin.models")}
        columns={[
          { key: "move", head: t("models.order"), quiet: true }, { key: "name", head: t("people.name") }, { key: "who", head: t("models.who") },
          { key: "price", head: t("models.price"), figures: true }, { key: "on", head: t("providers.on") }, { key: "do", head: t("admin.actions"), quiet: true },
        ]}
      >
        {models.map((model, at) => (
          <tr
            key={model.id}
            data-testid="model"
            data-model={model.id}
            className={[model.enabled ? "" : "off", dragged === model.id ? "drag" : ""].join(" ")}
            onDragOver={(event) => over(event, at)}
            onDrop={(event) => { event.preventDefault(); setDragged(null); keep(models); }}
          >
            <td className="narrow">
              <button
                type="button"
                className="ib sm grip"
                draggable
                aria-label={t("models.move", { name: model.display_name ?? model.name })}
                title={t("models.moveHint")}
                onDragStart={(event) => { event.dataTransfer.effectAllowed = "move"; setDragged(model.id); }}
                onDragEnd={() => { setDragged(null); if (dragged) void refreshAdmin("models"); }}
                onKeyDown={(event) => byKey(event, at)}
              >
                <GripVertical className="i" />
              </button>
            </td>
            <td><b>{model.display_name ?? model.name}</b> {model.default && <Tag look="info">{t("models.default")}</Tag>}{model.purpose === "embedding" && <Tag>{t("models.embedding")}</Tag>}<small>{model.id}</small></td>
            <td>{model.roles ? model.roles.map((role) => roleLabel(role)).join(", ") : t("models.everybody")}</td>
            <td className="num">{priceOf(model)}</td>
            <td><ModelSwitch model={model} /></td>
            <td><IconButton size="sm" label={t("models.editNamed", { name: model.display_name ?? model.name })} onClick={() => onEdit(model)}><Pencil className="i" /></IconButton></td>
          </tr>
        ))}
      </Table>
    </div>
  );
}

function priceOf(model: AdminModel): string {
  if (!model.price_input && !model.price_output) return t("models.free");
  return `${cost(model.price_input ?? 0)} / ${cost(model.price_output ?? 0)}`;
}

function ModelSwitch({ model }: { model: AdminModel }) {
  const { error, run } = useWork();
  const set = (enabled: boolean): void => void run(async () => {
    try {
      await admin.changeModel(model, { enabled });
    } finally {
      await refreshAdmin("models");
    }
  });
  return <><Switch label={t("providers.onNamed", { name: model.display_name ?? model.name })} on={model.enabled} onChange={set} /><ErrorLine text={error} /></>;
}
