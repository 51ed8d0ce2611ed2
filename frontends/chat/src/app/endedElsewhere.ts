// Messages that wait for the end of an answer in a chat that is not open: sent when that chat has come to rest.
import { listKeys, listedChats } from "../api/lists";
import { loadThread } from "../api/queries";
import { queryClient } from "../api/queryClient";
import { goesOnAfter, outbox, releaseNext } from "../stores/outbox";
import { chatIdOf } from "./routes";

/** A list may know that the answer still runs. Only the thread knows how it ended, and of many chats no list tells. */
async function release(): Promise<void> {
  const waiting = outbox.getState().items.filter((item) => item.state === "next" && item.chatId !== chatIdOf(location.pathname));
  if (waiting.length === 0) return;
  const running = new Set(listedChats("active").filter((chat) => chat.running).map((chat) => chat.id));
  for (const item of waiting) {
    if (running.has(item.chatId)) continue;
    const thread = await loadThread(item.chatId).catch(() => null);
    const leaf = thread?.messages.at(-1);
    if (leaf && goesOnAfter(leaf)) void releaseNext(item, leaf.id, thread?.chat.model ?? "");
  }
}

/** Every end of an answer makes the lists look anew, whether the feed told of it or they asked by themselves. */
export function followEnds(signal: AbortSignal): void {
  const leave = queryClient.getQueryCache().subscribe((event) => {
    if (event.type === "updated" && event.action.type === "success" && event.query.queryKey[0] === listKeys.all[0]) void release();
  });
  signal.addEventListener("abort", leave, { once: true });
  // A chat that is left at the very end of its answer.
  for (const name of ["popstate", "pushState", "replaceState"]) addEventListener(name, () => void release(), { signal });
  void release();
}
