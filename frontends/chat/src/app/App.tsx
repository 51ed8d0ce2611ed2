// Decides which page a person sees: set-up, sign-in or the chats.
import type { User } from "@taifas/api-client/types";
import { lazy, Suspense, useEffect } from "react";
import { useLocation } from "wouter";
import { useStore } from "zustand";
import { keys, useSession } from "../api/queries";
import { queryClient } from "../api/queryClient";
import { claimLocalData } from "../stores/localData";
import { resetModelChoice } from "../stores/modelChoice";
import { forgetDrafts } from "../stores/drafts";
import { forgetOutbox, resumeOutbox } from "../stores/outbox";
import { session as sessionStore, sessionFound } from "../stores/session";
import { onTabNews, tellTabs } from "../stores/tabs";
import { ChatApp } from "./ChatApp";
import type { Session } from "@taifas/api-client/types";

const SignInPage = lazy(async () => ({ default: (await import("../features/sign-in/SignInPage")).SignInPage }));
const SetupPage = lazy(async () => ({ default: (await import("../features/setup/SetupPage")).SetupPage }));

/** What the server wrote into the page; saves waiting for the session before the first frame. */
const HINTS: Record<string, Session["state"]> = { in: "signed_in", out: "signed_out", setup: "setup" };
const hint = HINTS[document.documentElement.dataset["session"] ?? ""] ?? null;

export function App() {
  const { data } = useSession();
  const { lost } = useStore(sessionStore);
  const [path, navigate] = useLocation();
  const state = data?.state ?? hint;
  const user = data?.user ?? null;
  const userId = state === "signed_in" ? user?.id : undefined;

  useEffect(() => onTabNews((news) => {
    if (news.kind === "session") void queryClient.invalidateQueries({ queryKey: keys.session });
  }), []);

  useEffect(() => {
    if (userId === undefined) return;
    void claimLocalData(userId).then((cleared) => {
      if (cleared) forgetEverything();
      return resumeOutbox();
    });
  }, [userId]);

  useEffect(() => {
    if (state === "signed_in" && !lost && (path === "/sign-in" || path === "/setup")) navigate("/", { replace: true });
  }, [state, lost, path, navigate]);

  const signedIn = (who: User): void => {
    const old = queryClient.getQueryData<Session>(keys.session);
    if (old) queryClient.setQueryData<Session>(keys.session, { ...old, state: "signed_in", user: who });
    document.documentElement.dataset["session"] = "in";
    sessionFound();
    tellTabs({ kind: "session" });
    if (location.pathname === "/setup" || location.pathname === "/sign-in") navigate("/", { replace: true });
    void queryClient.invalidateQueries();
    // The same person again: what waited goes now. Another one: the effect above clears first.
    if (old?.user?.id === who.id) void resumeOutbox();
  };

  if (state === null) return null;
  if (state === "setup") {
    return <Suspense fallback={null}><SetupPage onSignedIn={signedIn} /></Suspense>;
  }
  if (state === "signed_out" || lost) {
    return (
      <Suspense fallback={null}>
        <SignInPage instance={data?.instance.name ?? "Taifas"} lost={lost} onSignedIn={signedIn} />
      </Suspense>
    );
  }
  return <ChatApp user={user} />;
}

function forgetEverything(): void {
  forgetDrafts();
  forgetOutbox();
  resetModelChoice();
}
