/** The layers of a model by stage, which is where maps have one size, with its blocks; what says nothing new is left out. */

import type { LayerRecord } from "../kernel/protocol";
import { buildTree, HEAD, type LayerNode } from "./layerTree";

/** Models of no more layers are listed whole. */
const FEW = 12;
/** Stages of no more layers need no blocks. */
const FEW_IN_STAGE = 6;

/** What a name holds up to the number of its block: `block_3`, `conv2_block1`, `stage_0_block_2`, `block2a`. */
const BLOCK = /^(.*(?:block|stage|stack|layer|cell|unit|group|mixed|expanded_conv|res)_?\d+[a-z]?)_./i;
const MERGES: readonly string[] = ["Add", "Concatenate", "Average"];
const AFTER_MERGE: readonly string[] = ["Activation", "BatchNormalization", "LeakyReLU", "ReLU"];

const isHead = (layer: LayerRecord) => layer.type === HEAD;
const sizeOf = ({ spatial }: LayerRecord) => spatial?.join("×") ?? "";

/** A stage's or a block's rows: what is chosen by a click on it is its last layer. */
const group = (path: string, name: string, children: LayerNode[]): LayerNode => ({ path, name, layer: null, children });

/**
 * One node a stage, or null where all layers are better listed as they are.
 *
 * `pinned` are layers that are never left out.
 */
export function stagesOf(layers: readonly LayerRecord[], pinned: ReadonlySet<string>): LayerNode[] | null {
  // What an earlier version saved has no `aside`.
  const shown = layers.filter(
    (layer) => isHead(layer) || (layer.is_candidate && (!layer.aside || pinned.has(layer.path))),
  );
  if (layers.length <= FEW || !shown.some((layer) => !isHead(layer))) return null;
  const ends = blockEnds(layers);
  return runsOf(shown).map(([path, records]) => {
    const parts = withoutCommon(buildTree(records));
    const children = records.length > FEW_IN_STAGE ? withBlocks(parts, path, ends) : parts;
    return group(path, stageName(records[0]), children.map(shortened));
  });
}

/** "28²", or "28 × 14". */
function stageName({ spatial }: LayerRecord): string {
  const [height, width] = spatial ?? [0, 0];
  return height === width ? `${height}²` : `${height} × ${width}`;
}

/** Layers of one size after one another, under a path that no layer has. */
function runsOf(layers: readonly LayerRecord[]): [path: string, LayerRecord[]][] {
  const body = layers.filter((layer) => !isHead(layer));
  const begins = body.filter((layer, i) => i === 0 || sizeOf(layer) !== sizeOf(body[i - 1]));
  const sizes = new Set(begins.map(sizeOf));
  // Down and up again each size comes twice; where branches of several sizes take turns, each is one stage.
  const takeTurns = begins.length > 2 * sizes.size;
  const runs = new Map<string, LayerRecord[]>();
  const pathOf = new Map<string, string>();
  let path = "";
  let before = "";
  for (const layer of body) {
    const size = sizeOf(layer);
    if (takeTurns) path = `/${size}`;
    else if (size !== before) path = runs.has(`/${size}`) ? `/${size} #${runs.size}` : `/${size}`;
    before = size;
    pathOf.set(layer.path, path);
    runs.set(path, [...(runs.get(path) ?? []), layer]);
  }
  for (const head of layers.filter(isHead)) {
    const parent = head.path.slice(0, head.path.lastIndexOf("/"));
    (runs.get(pathOf.get(parent) ?? path) ?? []).push(head);
  }
  return [...runs];
}

/** The parts of the tree where it branches first: a backbone that holds all needs no row. */
function withoutCommon(nodes: LayerNode[]): LayerNode[] {
  const [only] = nodes;
  return nodes.length === 1 && !only.layer && only.children.length > 0 ? withoutCommon(only.children) : nodes;
}

/** The number of the block that each layer lies in, if blocks end where branches are merged. */
function blockEnds(layers: readonly LayerRecord[]): ReadonlyMap<string, number> {
  let block = 0;
  let merged = false;
  return new Map(
    layers.map(({ path, type }) => {
      if (merged && !AFTER_MERGE.includes(type)) block += 1;
      merged = MERGES.includes(type) || (merged && AFTER_MERGE.includes(type));
      return [path, block];
    }),
  );
}

/** The same nodes, those of one block that come after one another under a node of their own. */
function withBlocks(nodes: LayerNode[], path: string, ends: ReadonlyMap<string, number>): LayerNode[] {
  const isPart = (node: LayerNode) => node.children.length > 0;
  // Of a few layers beside others such a name says little.
  const byName = nodes.filter(({ name }) => BLOCK.test(name)).length > nodes.length / 2;
  const keyOf = (node: LayerNode) => {
    if (isPart(node)) return node.path;
    if (byName) return BLOCK.exec(node.name)?.[1] ?? node.path;
    return nodes.length > FEW ? `block ${ends.get(node.path)}` : node.path;
  };
  const blocks: [key: string, LayerNode[]][] = [];
  for (const node of nodes) {
    const key = keyOf(node);
    if (blocks.at(-1)?.[0] === key) blocks.at(-1)?.[1].push(node);
    else blocks.push([key, [node]]);
  }
  return blocks.flatMap(([key, members]) => {
    const [first] = members;
    if (isPart(first)) return { ...first, children: withBlocks(first.children, first.path, ends) };
    if (members.length === 1 || blocks.length === 1) return members;
    if (!byName) return group(`${path}/${first.path}`, `… ${members[members.length - 1].name}`, members);
    const children = members.map((member) => ({ ...member, name: member.name.slice(key.length + 1) }));
    return group(`${path}/${first.path}`, key, children);
  });
}

/** A part that holds one other alone is one row with it. */
function shortened(node: LayerNode): LayerNode {
  const children = node.children.map(shortened);
  const [only] = children;
  if (node.layer || children.length !== 1 || only.layer?.type === HEAD) return { ...node, children };
  return { ...only, name: `${node.name}/${only.name}` };
}

/** The layers below a node. */
export function layersIn(node: LayerNode): LayerRecord[] {
  const below = node.children.flatMap(layersIn);
  return node.layer && !isHead(node.layer) ? [node.layer, ...below] : below;
}

/** The layer that stands for a group: the recommended one, else the last that can be chosen. */
export function leadOf(node: LayerNode, recommended: string | null): LayerRecord | undefined {
  const candidates = layersIn(node).filter((layer) => layer.is_candidate);
  return candidates.find(({ path }) => path === recommended) ?? candidates.at(-1);
}

/** What a stage is: "3 blocks · 24 layers". */
export function summaryOf(node: LayerNode): string {
  const count = layersIn(node).length;
  const blocks = node.children.filter(({ children }) => children.length > 0).length;
  return [blocks > 0 && plural(blocks, "block"), plural(count, "layer")].filter(Boolean).join(" · ");
}

const plural = (count: number, noun: string) => `${count} ${noun}${count === 1 ? "" : "s"}`;
