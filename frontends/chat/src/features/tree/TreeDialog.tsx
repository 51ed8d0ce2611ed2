// All branches of a chat at once: every turn in the order of the tree, indented where the conversation parted.
import type { Tree, TreeNode } from "@taifas/api-client/types";
import { Dialog } from "@taifas/ui-components/Dialog";
import { IconButton } from "@taifas/ui-components/IconButton";
import { MessageSquare, Sparkles, X } from "lucide-react";
import { useRef, type KeyboardEvent } from "react";
import { useQuery } from "@tanstack/react-query";
import { api } from "../../api/api";
import { switchTo } from "../../stores/branches";
import { day, t } from "../../texts/t";
import { activePath, rowsOf } from "./rows";

interface Props {
  chatId: string;
  onClose: () => void;
  /** The message that was chosen is in the thread now. */
  onShown: (messageId: string) => void;
}

export function TreeDialog({ chatId, onClose, onShown }: Props) {
  const { data, isError } = useQuery({ queryKey: ["tree", chatId], queryFn: () => api.tree(chatId), staleTime: 0, gcTime: 0 });
  const choose = async (node: TreeNode): Promise<void> => {
    if (await switchTo(chatId, node.id)) {
      onClose();
      onShown(node.id);
    }
  };
  return (
    <Dialog label={t("tree.title")} size="tree" onClose={onClose} data-testid="tree">
      <h2>{t("tree.title")}</h2>
      <IconButton className="dlg-x" size="sm" label={t("composer.dismiss")} onClick={onClose}><X className="i" /></IconButton>
      {data ? <Rows tree={data} onChoose={(node) => void choose(node)} /> : <p className="side-note late">{t(isError ? "tree.failed" : "loading")}</p>}
    </Dialog>
  );
}

function Rows({ tree, onChoose }: { tree: Tree; onChoose: (node: TreeNode) => void }) {
  const list = useRef<HTMLOListElement>(null);
  const path = activePath(tree);
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const all = [...(list.current?.querySelectorAll("button") ?? [])];
    all[(all.indexOf(document.activeElement as HTMLButtonElement) + step + all.length) % all.length]?.focus();
  };
  return (
    <ol ref={list} className="list tree-list" onKeyDown={onKeyDown}>
      {rowsOf(tree).map(({ node, depth, of, at }) => {
        const shown = path.has(node.id);
        return (
          <li key={node.id} style={{ "--depth": Math.min(depth, 8) } as React.CSSProperties}>
            <button
              type="button"
              className={shown ? "tree-row on" : "tree-row"}
              aria-current={node.id === tree.active_leaf ? "true" : undefined}
              data-testid="tree-row"
              data-message-id={node.id}
              {...(node.id === tree.active_leaf ? { "data-autofocus": "" } : {})}
              onClick={() => onChoose(node)}
            >
              {node.role === "user" ? <MessageSquare className="i sm" /> : <Sparkles className="i sm" />}
              <span className="sr">{t(node.role === "user" ? "message.yours" : "reply.label")} </span>
              <span className="grow">{node.excerpt || t(`tree.${node.state === "failed" ? "failedNode" : "emptyNode"}`)}</span>
              {of > 1 && <span className="tag num">{at}/{of}</span>}
              <time className="meta">{day(node.created_at)}</time>
            </button>
          </li>
        );
      })}
    </ol>
  );
}
