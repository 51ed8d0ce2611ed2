// Tells the other tabs of this browser that a chat changed, so that they show it without waiting for their focus, and
// who is signed in now.

const channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("taifas");

export type TabNews = { kind: "chat"; id: string } | { kind: "session"; user: string | null };

export function tellTabs(news: TabNews): void {
  channel?.postMessage(news);
}

export function onTabNews(listener: (news: TabNews) => void): () => void {
  const handle = (event: MessageEvent<TabNews>): void => listener(event.data);
  channel?.addEventListener("message", handle);
  return () => channel?.removeEventListener("message", handle);
}
