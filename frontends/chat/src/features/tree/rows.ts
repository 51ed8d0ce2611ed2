// A tree of turns as rows: depth first, oldest branch first. Only where a conversation parts does the depth grow. Pure.
import type { Tree, TreeNode } from "@taifas/api-client/types";

export interface TreeRowOf {
  node: TreeNode;
  depth: number;
  /** The branch's number and how many there are. */
  at: number;
  of: number;
}

export function rowsOf({ nodes }: Tree): TreeRowOf[] {
  const known = new Set(nodes.map((node) => node.id));
  const children = new Map<string, TreeNode[]>();
  for (const node of nodes) {
    // A node whose parent is not told of stands at the top rather than nowhere.
    const parent = node.parent_id && known.has(node.parent_id) ? node.parent_id : "";
    children.set(parent, [...(children.get(parent) ?? []), node]);
  }
  const rows: TreeRowOf[] = [];
  const waiting: TreeRowOf[] = [];
  const push = (of: TreeNode[], depth: number): void => {
    const sorted = [...of].sort((a, b) => (a.created_at < b.created_at ? -1 : 1));
    sorted.map((node, at) => ({ node, depth: depth + (sorted.length > 1 ? 1 : 0), at: at + 1, of: sorted.length })).reverse().forEach((row) => waiting.push(row));
  };
  push(children.get("") ?? [], 0);
  for (let row = waiting.pop(); row; row = waiting.pop()) {
    rows.push(row);
    push(children.get(row.node.id) ?? [], row.depth);
  }
  return rows;
}

/** Ids from the root to the leaf that is shown. */
export function activePath({ nodes, active_leaf: leaf }: Tree): Set<string> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const path = new Set<string>();
  for (let node = leaf ? byId.get(leaf) : undefined; node && !path.has(node.id); node = node.parent_id ? byId.get(node.parent_id) : undefined) {
    path.add(node.id);
  }
  return path;
}
