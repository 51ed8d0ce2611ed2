// Making a project, and changing its name, colour and instructions.
import { createChatApi, type ProjectFields } from "@taifas/api-client/chatClient";
import { ApiError } from "@taifas/api-client/apiError";
import type { Chat, Project, ProjectColor } from "@taifas/api-client/types";
import { Button } from "@taifas/ui-components/Button";
import { Dialog } from "@taifas/ui-components/Dialog";
import { useId, useState, type FormEvent } from "react";
import { useLocation } from "wouter";
import { api, call } from "../../api/api";
import { putChat, putProject, refreshProjects } from "../../api/lists";
import { setOpen } from "../../stores/groups";
import { t } from "../../texts/t";

const more = createChatApi(call);
const COLORS: ProjectColor[] = ["slate", "azurite", "moss", "ochre", "rust", "plum"];

interface Props {
  project: Project | null;
  chat: Chat | null;
  onClose: () => void;
}

export function ProjectDialog({ project, chat, onClose }: Props) {
  const [, navigate] = useLocation();
  const [fields, setFields] = useState<ProjectFields>({
    name: project?.name ?? "", color: (project?.color as ProjectColor | undefined) ?? "azurite", instructions: project?.instructions ?? "",
  });
  const [trouble, setTrouble] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const id = useId();
  const name = fields.name.trim();

  const save = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (name === "") {
      setTrouble(t("project.nameMissing"));
      return;
    }
    setBusy(true);
    try {
      const wanted = { ...fields, name };
      const saved = project ? await more.changeProject(project.id, project.version, wanted) : await more.makeProject(wanted);
      putProject(saved);
      refreshProjects();
      if (chat) putChat(await api.change(chat.id, chat.version, { project_id: saved.id }));
      if (!project) {
        setOpen(saved.id, true);
        if (!chat) navigate(`/p/${saved.id}`);
      }
      onClose();
    } catch (error) {
      setBusy(false);
      refreshProjects();
      setTrouble(error instanceof ApiError && error.detail ? error.detail : t("connection.lost"));
    }
  };

  return (
    <Dialog label={t(project ? "project.edit" : "project.new")} size="form" onClose={onClose} data-testid="project-dialog">
      <h2>{t(project ? "project.edit" : "project.new")}</h2>
      <form onSubmit={(event) => void save(event)}>
        <div className="fld">
          <label htmlFor={`${id}n`}>{t("project.name")}</label>
          <input
            id={`${id}n`} value={fields.name} maxLength={100} data-autofocus="" data-testid="project-name"
            aria-invalid={trouble !== null} aria-describedby={trouble ? `${id}e` : undefined}
            onChange={(event) => { setTrouble(null); setFields({ ...fields, name: event.target.value }); }}
          />
        </div>
        <fieldset className="fld">
          <legend>{t("project.color")}</legend>
          <div className="swatches">
            {COLORS.map((color) => (
              <label key={color} className={`swatch pc-${color}`} title={t(`project.color.${color}`)}>
                <input type="radio" name={`${id}c`} className="sr" checked={fields.color === color} aria-label={t(`project.color.${color}`)} onChange={() => setFields({ ...fields, color })} />
                <span />
              </label>
            ))}
          </div>
        </fieldset>
        <div className="fld">
          <label htmlFor={`${id}i`}>{t("project.instructions")}</label>
          <textarea
            id={`${id}i`} rows={5} value={fields.instructions} maxLength={4000} placeholder={t("project.instructionsHint")}
            data-testid="project-instructions" onChange={(event) => setFields({ ...fields, instructions: event.target.value })}
          />
        </div>
        {trouble && <p className="hint err" id={`${id}e`} role="alert">{trouble}</p>}
        <div className="buttons">
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button type="submit" look="primary" data-testid="project-save" disabledReason={busy ? t("saving") : null}>{t(project ? "save" : "project.make")}</Button>
        </div>
      </form>
    </Dialog>
  );
}
