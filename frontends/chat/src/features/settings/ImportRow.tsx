// Chats from ChatGPT, Claude, Open WebUI, LibreChat or another Taifas: sent as they came, with a report of what could not be kept.
import type { Import } from "@taifas/api-client/shapes";
import { Button } from "@taifas/ui-components/Button";
import { ErrorLine } from "@taifas/ui-components/ErrorLine";
import { useQuery } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { account, accountKeys } from "../../api/account";
import { queryClient } from "../../api/queryClient";
import { date, number } from "../../texts/format";
import { t } from "../../texts/t";
import { Row } from "./parts";

const POLL_MS = 1_500;
/** What the server calls the places chats come from. */
const SOURCES: Record<string, string> = { chatgpt: "ChatGPT", claude: "Claude", "open-webui": "Open WebUI", librechat: "LibreChat", taifas: "Taifas" };
/** Problems shown one by one. */
const MOST_PROBLEMS = 20;

function runs(one: Import): boolean {
  return one.state === "queued" || one.state === "running";
}

/** Sends the file and tells how much of it is there; fetch cannot tell that. */
function upload(file: File, onProgress: (share: number) => void): Promise<Import> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/api/v1/imports?name=${encodeURIComponent(file.name)}`);
    request.setRequestHeader("X-CSRF", "1");
    request.setRequestHeader("Content-Type", /\.zip$/i.test(file.name) ? "application/zip" : "application/json");
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onerror = () => reject(new Error(t("noAnswer")));
    request.onload = () => {
      let answer: unknown = null;
      try {
        answer = JSON.parse(request.responseText);
      } catch {
        // A proxy's page: told below.
      }
      if (request.status === 202) resolve(answer as Import);
      else reject(new Error((answer as { detail?: string } | null)?.detail || t("noAnswer")));
    };
    request.send(file);
  });
}

export function ImportRow() {
  const input = useRef<HTMLInputElement>(null);
  const [share, setShare] = useState<number | null>(null);
  const [error, setError] = useState<string | null>(null);
  const { data } = useQuery({
    queryKey: accountKeys.imports,
    queryFn: async () => {
      const imports = await account.imports();
      if (imports.some(runs)) return imports;
      void queryClient.invalidateQueries({ predicate: (query) => query.queryKey[0] !== accountKeys.imports[0] });
      return imports;
    },
    refetchInterval: (query) => (query.state.data?.some(runs) ? POLL_MS : false),
  });
  const bring = async (file: File): Promise<void> => {
    setError(null);
    setShare(0);
    try {
      await upload(file, setShare);
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : t("noAnswer"));
    }
    setShare(null);
    await queryClient.invalidateQueries({ queryKey: accountKeys.imports });
  };
  const latest = data?.[0];
  return (
    <>
      <Row
        label={t("settings.import")}
        hint={<><span role="status">{share === null ? t("settings.importHint") : t("settings.importSends", { percent: number(share * 100) })}</span><ErrorLine text={error} /></>}
      >
        <input
          ref={input}
          type="file"
          hidden
          accept=".json,.zip,application/json,application/zip"
          data-testid="import-file"
          onChange={(event) => {
            const file = event.target.files?.[0];
            event.target.value = "";
            if (file) void bring(file);
          }}
        />
        <Button size="sm" disabledReason={share === null ? null : t("working")} onClick={() => input.current?.click()}>{t("settings.importDo")}</Button>
      </Row>
      {latest && <Report one={latest} />}
    </>
  );
}

function Report({ one }: { one: Import }) {
  const source = one.source ? (SOURCES[one.source] ?? one.source) : t("settings.importUnknown");
  const told = runs(one)
    ? t("settings.importRuns")
    : one.state === "failed"
      ? t("settings.importFailed")
      : t("settings.importDone", { source, chats: number(one.chats), messages: number(one.messages), when: date(one.created_at) });
  return (
    <div className="sub report" data-testid="import-report">
      <p role="status">{told}</p>
      {one.problems.length > 0 && (
        <details>
          <summary>{t("settings.importProblems", { count: one.problems.length })}</summary>
          <ul>
            {one.problems.slice(0, MOST_PROBLEMS).map((problem, index) => <li key={index}><b>{problem.what}</b> {problem.why}</li>)}
            {one.problems.length > MOST_PROBLEMS && <li>{t("settings.importMore", { count: one.problems.length - MOST_PROBLEMS })}</li>}
          </ul>
        </details>
      )}
    </div>
  );
}
