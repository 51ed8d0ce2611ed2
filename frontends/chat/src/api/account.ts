// The account's part of the API, and its cached state. Only for parts that are loaded when they are opened.
import { accountApi } from "@taifas/api-client/account";
import type { Me, MePatch, Standing } from "@taifas/api-client/shapes";
import { ApiError } from "@taifas/api-client/apiError";
import { useQuery } from "@tanstack/react-query";
import { hold } from "../stores/unsaved";
import { call } from "./api";
import { keys } from "./queries";
import { queryClient } from "./queryClient";

export const account = accountApi(call);

export const accountKeys = {
  me: ["me"] as const,
  instructions: ["instructions"] as const,
  devices: ["sessions"] as const,
  apiKeys: ["api-keys"] as const,
  noticePreferences: ["notice-preferences"] as const,
  usage: (from: string, to: string) => ["usage", from, to] as const,
  limits: ["limits"] as const,
  filed: (filter: string) => ["filed-chats", filter] as const,
  imports: ["imports"] as const,
  notices: ["notices"] as const,
};

export function useMe() {
  return useQuery({ queryKey: accountKeys.me, queryFn: account.me });
}

/** The session with what the app's first pages do not need of it. */
export function standing(): Standing | undefined {
  return queryClient.getQueryData<Standing>(keys.session);
}

/** Changes are sent one after another: of two quick choices the later one is the one that stays. */
let before: Promise<unknown> = Promise.resolve();

/** Changes the profile. Somebody's newer version is no obstacle: this one field is what the person just chose. */
export function saveMe(patch: MePatch): Promise<Me> {
  const release = hold(Object.keys(patch));
  const saving = before.then(() => change(patch));
  before = saving.catch(() => undefined).finally(release);
  return saving;
}

async function change(patch: MePatch): Promise<Me> {
  const known = queryClient.getQueryData<Me>(accountKeys.me) ?? (await account.me());
  let me: Me;
  try {
    me = await account.changeMe(known.version, patch);
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== "stale") throw error;
    const current = error.extras["current"] as Me | undefined;
    me = await account.changeMe((current ?? (await account.me())).version, patch);
  }
  // What was asked for before the change may arrive after it, and knows nothing of it.
  await Promise.all([accountKeys.me, keys.session].map((queryKey) => queryClient.cancelQueries({ queryKey })));
  queryClient.setQueryData<Me>(accountKeys.me, me);
  queryClient.setQueryData<Standing>(keys.session, (old) => (old?.user
    ? { ...old, user: { ...old.user, name: me.name, theme: me.theme, accent: me.accent, language: me.language } }
    : old));
  return me;
}
