// Ctrl/⌘K: finds chats by title and by what was said in them, and opens them at the match.
import { createChatApi } from "@taifas/api-client/chatClient";
import type { Chat } from "@taifas/api-client/types";
import { Dialog } from "@taifas/ui-components/Dialog";
import { IconButton } from "@taifas/ui-components/IconButton";
import { useQuery } from "@tanstack/react-query";
import { MessageCircle, Search, SquarePen, X } from "lucide-react";
import { useDeferredValue, useEffect, useId, useRef, useState, type KeyboardEvent } from "react";
import { call } from "../../api/api";
import { chatsOf, useChats } from "../../api/lists";
import { SHIFT_COMMAND } from "../../stores/keyboard";
import { ago, t } from "../../texts/t";
import { clipped, groupOf } from "./hits";

const api = createChatApi(call);
const MOST_HITS = 30;
const RECENT = 12;
const ASK_AFTER_MS = 60;

interface Row {
  chat: Chat;
  messageId: string | null;
  snippet: { text: string; match: boolean }[];
  at: string;
}

interface Props {
  onClose: () => void;
  /** A new chat that begins with this text. */
  onNew: (text: string) => void;
  onOpen: (chatId: string, messageId: string | null) => void;
}

export function Palette({ onClose, onNew, onOpen }: Props) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const query = useSettled(useDeferredValue(text.trim()));
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const recent = useChats();
  const found = useQuery({
    queryKey: ["search", query], queryFn: () => api.search(query, MOST_HITS), enabled: query !== "", staleTime: 0, gcTime: 30_000,
    placeholderData: (old) => old,
  });
  const rows: Row[] = text.trim() === "" || !found.data
    ? chatsOf(recent.data).slice(0, RECENT).map((chat) => ({ chat, messageId: null, snippet: [], at: chat.updated_at }))
    : found.data.results.map((hit) => ({ chat: hit.chat, messageId: hit.message_id ?? null, snippet: hit.snippet, at: hit.at }));
  const searching = text.trim() !== "" && found.data !== undefined;
  const last = rows.length;
  const chosen = Math.min(at, last);

  useEffect(() => {
    list.current?.querySelector(`[id="${id}-${chosen}"]`)?.scrollIntoView({ block: "nearest" });
  }, [chosen, id]);

  const open = (row: number): void => {
    onClose();
    const hit = rows[row - 1];
    if (row === 0) onNew(text.trim());
    else if (hit) onOpen(hit.chat.id, hit.messageId);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.nativeEvent.isComposing) return;
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      setAt((chosen + step + last + 1) % (last + 1));
    } else if (event.key === "Enter") {
      event.preventDefault();
      open(chosen);
    }
  };

  let group = "";
  return (
    <Dialog label={t("palette.label")} size="palette" onClose={onClose} data-testid="palette">
      <div className="pal-q">
        <Search className="i" />
        <input
          type="text" value={text} placeholder={t("palette.placeholder")} aria-label={t("palette.placeholder")} data-autofocus=""
          role="combobox" aria-expanded="true" aria-controls={`${id}-list`} aria-activedescendant={`${id}-${chosen}`} autoComplete="off"
          data-testid="palette-input"
          // The best hit is chosen while something is looked for; Enter opens it.
          onChange={(event) => { setText(event.target.value); setAt(event.target.value.trim() === "" ? 0 : 1); }}
          onKeyDown={onKeyDown}
        />
        <IconButton label={t("composer.dismiss")} onClick={onClose}><X className="i" /></IconButton>
      </div>
      <div className="pal-list" ref={list} role="listbox" id={`${id}-list`} aria-label={t("palette.results")}>
        <Option id={`${id}-0`} on={chosen === 0} onPick={() => open(0)} onPoint={() => setAt(0)} testid="palette-new">
          <SquarePen className="i" />
          <span className="grow"><b>{text.trim() === "" ? t("sidebar.newChat") : t("palette.new", { text: text.trim() })}</b></span>
          <kbd aria-hidden="true">{SHIFT_COMMAND}O</kbd>
        </Option>
        {rows.map((row, index) => {
          const heading = groupOf(row.at);
          const first = heading !== group;
          group = heading;
          return (
            <div key={`${row.chat.id}-${row.messageId ?? ""}`} role="presentation">
              {first && <div className="lbl" role="presentation">{t(heading)}</div>}
              <Option id={`${id}-${index + 1}`} on={chosen === index + 1} onPick={() => open(index + 1)} onPoint={() => setAt(index + 1)} testid="palette-hit">
                <MessageCircle className="i" />
                <span className="grow">
                  <b>{row.chat.title || t("sidebar.untitled")}{row.chat.archived && <span className="tag">{t("palette.archived")}</span>}</b>
                  {row.snippet.length > 0 && <small>{clipped(row.snippet).map((piece, n) => (piece.match ? <mark key={n}>{piece.text}</mark> : piece.text))}</small>}
                </span>
                <time>{ago(row.at)}</time>
              </Option>
            </div>
          );
        })}
        {searching && rows.length === 0 && <p className="side-note">{t("palette.none", { text: query })}</p>}
        {found.isError && <p className="side-note">{t("palette.failed")}</p>}
      </div>
      <footer className="pal-foot">
        <span><kbd className="key">↑</kbd><kbd className="key">↓</kbd>{t("palette.choose")}</span>
        <span><kbd className="key">↵</kbd>{t("palette.open")}</span>
        <span><kbd className="key">esc</kbd>{t("palette.close")}</span>
        <span className="end num" role="status">{searching && found.data ? t("palette.took", { count: found.data.results.length, ms: Math.round(found.data.took_ms) }) : ""}</span>
      </footer>
    </Dialog>
  );
}

interface OptionProps {
  id: string;
  on: boolean;
  onPick: () => void;
  onPoint: () => void;
  testid: string;
  children: React.ReactNode;
}

function Option({ id, on, onPick, onPoint, testid, children }: OptionProps) {
  return (
    <div
      id={id} role="option" aria-selected={on} className={on ? "hit on" : "hit"} data-testid={testid}
      // Pointing chooses only when the pointer moves: rows that come under it by themselves do not.
      onPointerMove={() => !on && onPoint()}
      onClick={onPick}
    >
      {children}
    </div>
  );
}

/** `value` once it has stood still for a moment. */
function useSettled(value: string): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ASK_AFTER_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}
