// Accepting an invitation, or setting the password of an account an administrator made.
import { ApiError } from "@taifas/api-client/apiError";
import type { InvitationLook } from "@taifas/api-client/shapes";
import type { User } from "@taifas/api-client/types";
import { Button } from "@taifas/ui-components/Button";
import { Note } from "@taifas/ui-components/Note";
import { CircleAlert, KeyRound } from "lucide-react";
import { useCallback, useEffect, useState, type ReactNode } from "react";
import { Link } from "wouter";
import { account } from "../../api/account";
import { t } from "../../texts/t";
import { AccountForm } from "./AccountForm";
import { AccountPage } from "./AccountPage";
import { tokenInAddress } from "./fields";

interface Props {
  tools: ReactNode;
  onSignedIn: (user: User) => void;
}

type State = { kind: "asking" } | { kind: "good"; look: InvitationLook } | { kind: "bad" } | { kind: "silent" };

export function JoinPage({ tools, onSignedIn }: Props) {
  const [token, setToken] = useState(tokenInAddress);
  const [state, setState] = useState<State>({ kind: "asking" });
  useEffect(() => {
    const onHash = (): void => setToken(tokenInAddress());
    addEventListener("hashchange", onHash);
    return () => removeEventListener("hashchange", onHash);
  }, []);
  const look = useCallback(async (): Promise<void> => {
    if (token === "") return setState({ kind: "bad" });
    setState({ kind: "asking" });
    try {
      setState({ kind: "good", look: await account.lookAtInvitation(token) });
    } catch (error) {
      setState({ kind: error instanceof ApiError && !error.transient ? "bad" : "silent" });
    }
  }, [token]);
  useEffect(() => void look(), [look]);

  if (state.kind === "good") {
    const { look: found } = state;
    return (
      <AccountPage title={t("join.title", { name: found.instance })} lead={t("join.lead", { host: location.host })} tools={tools}>
        <AccountForm
          name={found.name ?? ""}
          email={found.email ?? null}
          submit={async (values) => (await account.acceptInvitation({ token, ...values })).user}
          onSignedIn={onSignedIn}
        />
      </AccountPage>
    );
  }
  return (
    <AccountPage title={t("join.plain")} tools={tools}>
      {state.kind === "bad" && <Note look="warn" icon={<KeyRound className="i" />} title={t("link.bad")} data-testid="bad-link">{t("join.badText")}</Note>}
      {state.kind === "silent" && (
        <Note icon={<CircleAlert className="i" />} title={t("signIn.noAnswer")} actions={<Button size="sm" onClick={() => void look()}>{t("retry")}</Button>} />
      )}
      {state.kind !== "asking" && <p className="below"><Link className="link" href="/sign-in">{t("register.signIn")}</Link></p>}
    </AccountPage>
  );
}
