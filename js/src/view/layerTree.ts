/** The layers of a model as a tree of path segments, and the rows of a tree that are shown. */

import type { LayerRecord } from "../kernel/protocol";

/** The type of what shows where one head of attention looks. */
export const HEAD = "AttentionHead";

export interface LayerNode {
  /** Of a stage or block it begins with "/", which no layer's does. */
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

/** Whether a node holds layers to look at alone, which are closed at first. */
export const isDetailed = (node: LayerNode) => node.children.some(({ layer }) => layer?.type === HEAD);

/** The nodes that a path lies under, from the root on. */
export function parentsOf(nodes: readonly LayerNode[], path: string): LayerNode[] {
  for (const node of nodes) {
    if (node.children.some((child) => child.path === path)) return [node];
    const below = parentsOf(node.children, path);
    if (below.length > 0) return [node, ...below];
  }
  return [];
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
export function visibleRows(
  tree: readonly LayerNode[],
  query: string,
  isOpen: (node: LayerNode) => boolean,
): LayerRow[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const searching = words.length > 0;
  const rows: LayerRow[] = [];
  const walk = (nodes: readonly LayerNode[], level: number) => {
    nodes.forEach((node, index) => {
      const isBranch = node.children.length > 0;
      const expanded = isBranch ? searching || isOpen(node) : undefined;
      rows.push({ node, level, position: index + 1, siblings: nodes.length, expanded });
      if (expanded) walk(node.children, level + 1);
    });
  };
  walk(searching ? matching(tree, words) : tree, 1);
  return rows;
}

export const canChoose = (node: LayerNode) => node.layer?.is_candidate === true;
