// A project beside the sidebar, with the composer that begins a chat in it.
import "@taifas/ui-components/dialogs.css";
import type { StoredFile } from "@taifas/api-client/types";
import { useCallback } from "react";
import { useLocation } from "wouter";
import { useStore } from "zustand";
import { useProjects } from "../api/lists";
import { useModels } from "../api/queries";
import { Composer } from "../features/composer/Composer";
import { ConnectionBar } from "../features/connection/ConnectionBar";
import { ModelPicker } from "../features/models/ModelPicker";
import { ProjectPage } from "../features/projects/ProjectPage";
import { chooseModel, modelChoice } from "../stores/modelChoice";
import { outbox, sendMessage } from "../stores/outbox";
import { pickModel } from "../stores/pickModel";
import { ToastHost } from "../features/toasts/ToastHost";
import { IconButton } from "@taifas/ui-components/IconButton";
import { Menu as MenuIcon } from "lucide-react";
import { toggleSidebar } from "../stores/frame";
import { t } from "../texts/t";
import { chatPath } from "./routes";
import { useTitle } from "./useTitle";

export function ProjectScreen({ id }: { id: string }) {
  const [, navigate] = useLocation();
  const { items } = useStore(outbox);
  const models = useModels();
  useTitle(useProjects().data?.find((project) => project.id === id)?.name);
  const model = pickModel(models.data ?? [], [useStore(modelChoice).byDefault]);
  const send = useCallback((text: string, attachments: StoredFile[]): boolean => {
    if (!model) return false;
    const chatId = sendMessage({ chatId: null, parentId: null, text, model: model.id, attachments, projectId: id });
    if (chatId === null) return false;
    navigate(chatPath(chatId));
    return true;
  }, [model, id, navigate]);
  return (
    <main className="main">
      <ConnectionBar waiting={items.filter((item) => item.state !== "next").length} />
      <header className="head">
        <IconButton className="only-m" label={t("sidebar.open")} data-testid="drawer-open" onClick={toggleSidebar}><MenuIcon className="i lg" /></IconButton>
        <ModelPicker models={models.data ?? null} chosen={model} onChoose={(chosen) => chooseModel(null, chosen)} />
        <span className="sp" />
        <ToastHost />
      </header>
      <ProjectPage
        id={id}
        composer={<Composer place={id} busy={false} canStop={false} model={model} modelsKnown={models.data !== undefined} next={null} nextStuck={false} onSend={send} onStop={() => undefined} onReleaseNext={() => undefined} />}
      />
    </main>
  );
}
