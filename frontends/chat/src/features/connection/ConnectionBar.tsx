// Says that the server cannot be reached, what waits meanwhile, and for a moment that it was sent.
import { CircleCheck, Unplug, WifiOff } from "lucide-react";
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { useStore } from "zustand";
import { connection } from "../../stores/connection";
import { t } from "../../texts/t";

const SENT_MS = 2_000;

/** `waiting`: messages that have not arrived; while nothing can be reached, those under way wait as well. */
export function ConnectionBar({ waiting }: { waiting: number }) {
  const { online, lost } = useStore(connection);
  const away = !online || lost;
  const sent = useSentNotice(away, waiting);
  const kind = away ? "away" : sent ? "sent" : null;
  const ref = useKeepThreadStill(kind !== null);
  return (
    <div role="status" ref={ref}>
      {kind === "away" && (
        <div className="top-bar" data-testid="connection-bar" data-state={online ? "lost" : "offline"}>
          {online ? <Unplug className="i" /> : <WifiOff className="i" />}
          <span>
            {t(online ? "connection.lost" : "connection.offline")}
            {waiting > 0 && ` ${t("connection.waiting", { count: waiting })}`}
          </span>
        </div>
      )}
      {kind === "sent" && (
        <div className="top-bar ok" data-testid="connection-bar" data-state="sent">
          <CircleCheck className="i" />
          <span>{t("connection.sent")}</span>
        </div>
      )}
    </div>
  );
}

/** True for two seconds after messages that waited for the connection have gone. */
function useSentNotice(away: boolean, waiting: number): boolean {
  const [sent, setSent] = useState(false);
  const hadWaiting = useRef(false);
  useEffect(() => {
    if (away) {
      hadWaiting.current = hadWaiting.current || waiting > 0;
      setSent(false);
      return;
    }
    if (!hadWaiting.current || waiting > 0) return;
    hadWaiting.current = false;
    setSent(true);
    const timer = setTimeout(() => setSent(false), SENT_MS);
    return () => clearTimeout(timer);
  }, [away, waiting]);
  return sent;
}

/** The bar takes its height from the thread; scrolling by the same amount keeps the words where they are. */
function useKeepThreadStill(shown: boolean) {
  const ref = useRef<HTMLDivElement>(null);
  const height = useRef(0);
  useLayoutEffect(() => {
    const now = ref.current?.offsetHeight ?? 0;
    const delta = now - height.current;
    height.current = now;
    const scroller = ref.current?.parentElement?.querySelector<HTMLElement>("[data-thread-scroller]");
    if (delta === 0 || !scroller) return;
    const top = scroller.scrollTop + delta;
    // The room below a fresh question follows the height of the view; without this it would shrink with it.
    scroller.style.setProperty("--taken", `${now}px`);
    scroller.scrollTop = top;
  }, [shown]);
  return ref;
}
