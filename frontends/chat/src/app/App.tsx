// Decides which page a person sees: set-up, sign-in or the chats.
import type { Session, User } from "@taifas/api-client/types";
import { useEffect } from "react";
import { useLocation } from "wouter";
import { useStore } from "zustand";
import { keys, useSession } from "../api/queries";
import { queryClient } from "../api/queryClient";
import { adoptAppearance } from "../stores/appearance";
import { useHash } from "../stores/hash";
import { claimLocalData, isForeign } from "../stores/localData";
import { resumeOutbox } from "../stores/outbox";
import { leave, session as sessionStore, sessionFound } from "../stores/session";
import { onTabNews, tellTabs } from "../stores/tabs";
import { locale as localeStore } from "../texts/locale";
import { ChatApp } from "./ChatApp";
import { AdminApp, barePage, Outside, SettingsDialog } from "./lazyParts";
import { isAdmin, isOutside } from "./routes";

/** A cookie was there when the server wrote the page: the chats may be shown before the session is known. */
const hint = document.documentElement.dataset["session"] === "in" ? "signed_in" : null;

/** The app, begun anew when it is to speak another language: what was typed is in the drafts. */
export function Speaking() {
  const { locale } = useStore(localeStore);
  return <App key={locale} />;
}

function App() {
  const { data } = useSession();
  const { lost, left } = useStore(sessionStore);
  const [path, navigate] = useLocation();
  const state = data?.state ?? hint;
  const user = data?.user ?? null;
  const hash = useHash();
  const userId = state === "signed_in" ? user?.id : undefined;

  useEffect(() => onTabNews((news) => {
    if (news.kind !== "session") return;
    if (isForeign(news.user)) return leave();
    void queryClient.invalidateQueries();
    if (news.user === null) return;
    // Whose session ended, and who is in again in another tab, goes on in this one too.
    sessionFound();
    if (claimLocalData(news.user)) void resumeOutbox();
  }), []);

  useEffect(() => {
    if (data) adoptAppearance(data);
  }, [data]);

  useEffect(() => {
    if (userId === undefined) return;
    if (claimLocalData(userId)) void resumeOutbox();
    else leave();
  }, [userId]);

  useEffect(() => {
    if (state === "signed_in" && !lost && /^\/(?:sign-in|setup|register|forgot)$/.test(path)) navigate("/", { replace: true });
  }, [state, lost, path, navigate]);

  const signedIn = (who: User): void => {
    tellTabs({ kind: "session", user: who.id });
    if (isForeign(who.id)) return leave();
    const old = queryClient.getQueryData<Session>(keys.session);
    if (old) queryClient.setQueryData<Session>(keys.session, { ...old, state: "signed_in", user: who });
    document.documentElement.dataset["session"] = "in";
    sessionFound();
    if (isOutside(location.pathname)) navigate("/", { replace: true });
    void queryClient.invalidateQueries();
    // The same person again: what waited goes now.
    if (old?.user?.id === who.id) void resumeOutbox();
  };

  if (left || (userId !== undefined && isForeign(userId))) return barePage;
  // An account that is about to be deleted does nothing but decide; with a link of one's own the link comes first.
  const leaving = user?.deletes_at;
  if (state !== "signed_in" || lost || leaving || path === "/join" || path === "/reset") {
    return data ? <Outside standing={data} lost={lost} onSignedIn={signedIn} /> : barePage;
  }
  return (
    <>
      {isAdmin(path) ? user && <AdminApp user={user} /> : <ChatApp user={user} />}
      {user && hash.startsWith("#settings") && <SettingsDialog hash={hash} />}
    </>
  );
}
