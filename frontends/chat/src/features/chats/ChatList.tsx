// The list of chats: newest first, more as the person scrolls.
import { useEffect, useRef } from "react";
import { Button } from "@taifas/ui-components/Button";
import { useChats } from "../../api/queries";
import { t } from "../../texts/t";
import { ChatRow } from "./ChatRow";

export function ChatList({ openId }: { openId: string | null }) {
  const { data, isError, isFetchNextPageError, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } = useChats();
  const chats = data?.pages.flatMap((page) => page.chats) ?? [];
  const end = useRef<HTMLDivElement>(null);

  useEffect(() => {
    const sentinel = end.current;
    if (!sentinel || !hasNextPage || isFetchingNextPage || isFetchNextPageError) return;
    const watch = new IntersectionObserver(
      (entries) => entries.some((entry) => entry.isIntersecting) && void fetchNextPage(),
      { root: sentinel.closest(".side-scroll"), rootMargin: "300px" },
    );
    watch.observe(sentinel);
    return () => watch.disconnect();
  }, [hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage]);

  if (!data) {
    return isError
      ? <div className="side-note"><p>{t("sidebar.loadFailed")}</p><Button size="sm" onClick={() => void refetch()}>{t("retry")}</Button></div>
      : <Skeleton />;
  }
  return (
    <>
      <h2 className="grp">{t("sidebar.chats")}</h2>
      {chats.length === 0 && <p className="side-note">{t("sidebar.empty")}</p>}
      <ul className="list">
        {chats.map((chat) => <ChatRow key={chat.id} chat={chat} open={chat.id === openId} />)}
      </ul>
      <div ref={end} />
    </>
  );
}

const WIDTHS = ["w-40", "w-48", "w-32", "w-44", "w-36", "w-48"];

/** Appears by its style only after 300 ms: a quick answer shows no skeleton at all. */
function Skeleton() {
  return (
    <div className="late" aria-hidden="true">
      <div className="grp" />
      {WIDTHS.map((width, at) => <div key={at} className="row"><div className={`sk ${width}`} /></div>)}
    </div>
  );
}
