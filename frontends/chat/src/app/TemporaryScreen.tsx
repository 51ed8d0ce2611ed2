// A chat that leaves nothing: not in the list, not on the server, gone with the page.
import { Markdown } from "@taifas/markdown/Markdown";
import { IconButton } from "@taifas/ui-components/IconButton";
import { Menu as MenuIcon, MessageCircleDashed, X } from "lucide-react";
import { useCallback, useEffect, useRef, useState } from "react";
import { useStore } from "zustand";
import { useModels } from "../api/queries";
import { Composer } from "../features/composer/Composer";
import { ConnectionBar } from "../features/connection/ConnectionBar";
import { ModelPicker } from "../features/models/ModelPicker";
import { ToastHost } from "../features/toasts/ToastHost";
import { TemporaryThread } from "../features/temporary/TemporaryThread";
import { ask, type Turn } from "../features/temporary/ask";
import { setDraft, TEMPORARY } from "../stores/drafts";
import { toggleSidebar } from "../stores/frame";
import { chooseModel, modelChoice } from "../stores/modelChoice";
import { pickModel } from "../stores/pickModel";
import { setTemporary } from "../stores/temporary";
import { t } from "../texts/t";
import { useTitle } from "./useTitle";

export function TemporaryScreen() {
  useTitle(t("temporary.title"));
  const [turns, setTurns] = useState<Turn[]>([]);
  const running = useRef<AbortController | null>(null);
  const models = useModels();
  const model = pickModel(models.data ?? [], [useStore(modelChoice).byDefault]);
  const busy = turns.at(-1)?.state === "streaming";

  useEffect(() => () => {
    running.current?.abort();
    setDraft(TEMPORARY, "");
  }, []);

  const send = useCallback((text: string): boolean => {
    if (!model || busy) return false;
    const asked: Turn[] = [...turns, { role: "user", text, state: "complete", detail: "" }];
    const stop = new AbortController();
    running.current = stop;
    setTurns([...asked, { role: "assistant", text: "", state: "streaming", detail: "" }]);
    void ask(model.id, asked, stop.signal, (reply) => setTurns([...asked, reply]));
    return true;
  }, [model, busy, turns]);

  const empty = turns.length === 0;
  return (
    <main className={empty ? "main empty" : "main"} data-testid="temporary">
      <ConnectionBar waiting={0} />
      <header className="head">
        <IconButton className="only-m" label={t("sidebar.open")} data-testid="drawer-open" onClick={toggleSidebar}><MenuIcon className="i lg" /></IconButton>
        <ModelPicker models={models.data ?? null} chosen={model} onChoose={(id) => chooseModel(null, id)} />
        <span className="sp" />
        <span className="temp-name"><MessageCircleDashed className="i sm" />{t("temporary.title")}</span>
        <IconButton label={t("temporary.end")} data-testid="temporary-end" onClick={() => setTemporary(false)}><X className="i" /></IconButton>
        <ToastHost />
      </header>
      {empty ? (
        <div className="scroll"><div className="hero"><div className="col">
          <h1>{t("temporary.title")}</h1>
          <p className="temp-lead">{t("temporary.explain")}</p>
        </div></div></div>
      ) : (
        <TemporaryThread turns={turns} Markdown={Markdown} />
      )}
      <div className="dock">
        <div className="col">
          <Composer place={TEMPORARY} temporary busy={false} canStop={busy} model={model} modelsKnown={models.data !== undefined} next={null} nextStuck={false} onSend={send} onStop={() => running.current?.abort()} onReleaseNext={() => undefined} />
          <div className="fine">{t("composer.disclaimer")}</div>
        </div>
      </div>
    </main>
  );
}
