/** The layers of a model as a tree of path segments, and the rows of the tree that are shown. */

import type { LayerRecord } from "../kernel/protocol";

export interface LayerNode {
  path: string;
  name: string;
  /** Null for a segment that only groups others. */
  layer: LayerRecord | null;
  children: LayerNode[];
}

export interface LayerRow {
  node: LayerNode;
  level: number;
  position: number;
  siblings: number;
  expanded: boolean | undefined;
}

export function buildTree(layers: readonly LayerRecord[]): LayerNode[] {
  const roots: LayerNode[] = [];
  const nodes = new Map<string, LayerNode>();
  const nodeAt = (path: string): LayerNode => {
    const existing = nodes.get(path);
    if (existing) return existing;
    const cut = path.lastIndexOf("/");
    const node: LayerNode = { path, name: path.slice(cut + 1), layer: null, children: [] };
    nodes.set(path, node);
    (cut < 0 ? roots : nodeAt(path.slice(0, cut)).children).push(node);
    return node;
  };
  for (const layer of layers) nodeAt(layer.path).layer = layer;
  return roots;
}

/** Paths of the nodes that hold nothing but layers to look at, which are closed at first. */
export function detailed(nodes: readonly LayerNode[], type: string): string[] {
  return nodes.flatMap((node) =>
    node.children.some((child) => child.layer?.type === type) ? [node.path] : detailed(node.children, type),
  );
}

function matching(nodes: readonly LayerNode[], words: readonly string[]): LayerNode[] {
  const matches: LayerNode[] = [];
  for (const node of nodes) {
    const path = `${node.path} ${node.layer?.type ?? ""}`.toLowerCase();
    const children = matching(node.children, words);
    if (children.length > 0) matches.push({ ...node, children });
    else if (words.every((word) => path.includes(word))) matches.push({ ...node, children: [] });
  }
  return matches;
}

/** Depth first; while searching, everything that matches is open. */
export function visibleRows(tree: readonly LayerNode[], query: string, closed: ReadonlySet<string>): LayerRow[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const searching = words.length > 0;
  const rows: LayerRow[] = [];
  const walk = (nodes: readonly LayerNode[], level: number) => {
    nodes.forEach((node, index) => {
      const isBranch = node.children.length > 0;
      const expanded = isBranch ? searching || !closed.has(node.path) : undefined;
      rows.push({ node, level, position: index + 1, siblings: nodes.length, expanded });
      if (expanded) walk(node.children, level + 1);
    });
  };
  walk(searching ? matching(tree, words) : tree, 1);
  return rows;
}

export const canChoose = (node: LayerNode) => node.layer?.is_candidate === true;
