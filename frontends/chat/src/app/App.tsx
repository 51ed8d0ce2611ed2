// Decides which page a person sees: set-up, sign-in or the chats.
import type { Session, User } from "@taifas/api-client/types";
import { Logo } from "@taifas/ui-components/Logo";
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
import { locale as localeStore, withTexts } from "../texts/locale";
import { ChatApp } from "./ChatApp";

const SignInPage = lazy(async () => ({ default: (await withTexts("account", import("../features/sign-in/SignInPage"))).SignInPage }));
const SetupPage = lazy(async () => ({ default: (await withTexts("account", import("../features/setup/SetupPage"))).SetupPage }));

/** A cookie was there when the server wrote the page: the chats may be shown before the session is known. */
const hint = document.documentElement.dataset["session"] === "in" ? "signed_in" : null;

/** The app, begun anew when it is to speak another language: what was typed is in the drafts. */
export function Speaking() {
  const { locale } = useStore(localeStore);
  return <App key={locale} />;
}

function App() {
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

  if (state === null) return <BarePage />;
  if (state === "setup") {
    return <Suspense fallback={<BarePage />}><SetupPage onSignedIn={signedIn} /></Suspense>;
  }
  if (state === "signed_out" || lost) {
    return (
      <Suspense fallback={<BarePage />}>
        <SignInPage instance={data?.instance.name ?? "Taifas"} lost={lost} onSignedIn={signedIn} />
      </Suspense>
    );
  }
  return <ChatApp user={user} />;
}

/** What the static page shows to people who are not signed in; stays until it is known which page is theirs. */
function BarePage() {
  return <div className="page"><header><span className="brand"><Logo /></span></header></div>;
}

function forgetEverything(): void {
  forgetDrafts();
  forgetOutbox();
  resetModelChoice();
}
