import { describe, expect, it } from "vitest";
import type { LayerRecord } from "../src/kernel/protocol";
import { layersIn, leadOf, stagesOf, summaryOf } from "../src/view/layerStages";
import { type LayerNode, visibleRows } from "../src/view/layerTree";

type Size = number | [number, number];

function layer(path: string, size: Size, type = "Conv2D", aside = ""): LayerRecord {
  const [height, width] = typeof size === "number" ? [size, size] : size;
  return { path, type, shape: [height, width, 8], spatial: [height, width], is_candidate: true, reason: "", aside };
}

function without(path: string, reason: string): LayerRecord {
  return { path, type: "Dense", shape: [8], spatial: null, is_candidate: false, reason, aside: "" };
}

const block = (name: string, size: number) => [
  layer(`${name}_expand`, size, "Conv2D", `comes before its activation, ${name}_expand_relu`),
  layer(`${name}_expand_relu`, size, "ReLU"),
  layer(`${name}_project`, size),
  layer(`${name}_add`, size, "Add"),
];

/** As MobileNetV2 is: three stages, padding between them. */
const MOBILE = [
  layer("Conv1_relu", 56, "ReLU"),
  ...block("block_1", 56),
  layer("block_2_pad", 57, "ZeroPadding2D", "block_1_add with another margin"),
  ...["block_2", "block_3", "block_4"].flatMap((name) => block(name, 28)),
  ...block("block_5", 14),
  without("pool", "no spatial map: its output is 8"),
  without("scores", "no spatial map: its output is 8"),
];

const rows = (nodes: LayerNode[] | null, level = 0): string[] =>
  (nodes ?? []).flatMap(({ name, children }) => [`${"-".repeat(level)}${name}`, ...rows(children, level + 1)]);
const stages = (layers: LayerRecord[], ...pinned: string[]) => stagesOf(layers, new Set(pinned));

describe("the stages of a model", () => {
  it("are runs of one size, with their blocks, without what other layers show as well", () => {
    const nodes = stages(MOBILE);
    expect(rows(nodes?.slice(1) ?? [])).toEqual([
      "28²",
      ...[2, 3, 4].flatMap((i) => [`-block_${i}`, "--expand_relu", "--project", "--add"]),
      "14²",
      ...["-block_5_expand_relu", "-block_5_project", "-block_5_add"],
    ]);
    expect(nodes?.map(summaryOf)).toEqual(["4 layers", "3 blocks · 9 layers", "3 layers"]);
  });

  it("never leave out what is pinned", () => {
    expect(rows(stages(MOBILE, "block_2_pad")?.slice(0, 2) ?? [])).toContain("-block_2_pad");
    expect(rows(stages(MOBILE, "block_5_expand"))).toContain("-block_5_expand");
  });

  it("are represented by the recommended layer, else by the last", () => {
    const [, middle] = stages(MOBILE) ?? [];
    expect(leadOf(middle, null)?.path).toBe("block_4_add");
    expect(leadOf(middle, "block_3_add")?.path).toBe("block_3_add");
  });

  it("are no use for few layers, or where none has a map", () => {
    expect(stages(MOBILE.slice(0, 12))).toBeNull();
    expect(stages(Array.from({ length: 40 }, (_, i) => without(`dense_${i}`, "flat")))).toBeNull();
  });

  it("name a grid that is not square, and keep a way down and up again apart", () => {
    const sizes: Size[] = [[28, 14], [28, 14], 7, 7, [28, 14], [28, 14]];
    const nodes = stages(sizes.flatMap((size, i) => [0, 1, 2].map((j) => layer(`conv_${i}_${j}`, size))));
    expect(nodes?.map(({ name }) => name)).toEqual(["28 × 14", "7²", "28 × 14"]);
    expect(new Set(nodes?.map(({ path }) => path)).size).toBe(3);
  });

  it("hold all layers of a size where branches of several sizes take turns", () => {
    const nodes = stages(Array.from({ length: 20 }, (_, i) => layer(`conv_${i}`, i % 2 ? 28 : 14)));
    expect(nodes?.map(({ name }) => name)).toEqual(["14²", "28²"]);
    expect(nodes?.map((node) => layersIn(node).length)).toEqual([10, 10]);
  });

  it("keep the nesting of a model in parts, but no row for a backbone that holds all", () => {
    const parts = ["mixer", "encoder/block_0", "encoder/block_1"];
    const nested = parts.flatMap((part) => ["a", "b", "c", "d", "e"].map((name) => layer(`net/${part}/${name}`, 14)));
    const nodes = stages(nested);
    expect(rows(nodes).filter((row) => !row.startsWith("---") && !/-[a-e]$/.test(row))).toEqual([
      "14²",
      "-mixer",
      "-encoder",
      "--block_0",
      "--block_1",
    ]);
    expect(layersIn(nodes?.[0] as LayerNode).map(({ path }) => path)).toEqual(nested.map(({ path }) => path));
  });

  it("put what lies alone in a part into one row with it", () => {
    const nested = ["a", "b", "c", "d"].flatMap((part) => [
      layer(`trunk/${part}/conv`, 14, "Conv2D", `comes before its activation, trunk/${part}/relu`),
      layer(`trunk/${part}/norm`, 14, "BatchNormalization", "rescaled"),
      layer(`trunk/${part}/relu`, 14, "ReLU"),
      layer(`trunk/${part}/drop`, 14, "Dropout", `the same as trunk/${part}/relu`),
    ]);
    expect(rows(stages(nested))).toEqual(["14²", "-a/relu", "-b/relu", "-c/relu", "-d/relu"]);
  });

  it("end blocks without a name where branches are merged", () => {
    const inception = [0, 1, 2, 3].flatMap((i) => [
      ...[0, 1, 2].map((j) => layer(`conv2d_${4 * i + j}`, 17)),
      layer(`mixed${i}`, 17, "Concatenate"),
    ]);
    const [stage] = stages(inception) ?? [];
    expect(stage.children.map(({ name }) => name)).toEqual([0, 1, 2, 3].map((i) => `… mixed${i}`));
    expect(stage.children.map(({ children }) => children.length)).toEqual([4, 4, 4, 4]);
  });

  it("show each head of attention below its layer", () => {
    const head = { ...without("block_1/attention/head 1", "shows where this head looks"), type: "AttentionHead" };
    const body = Array.from({ length: 12 }, (_, i) => layer(`block_${i}/attention`, 14, "MultiHeadAttention"));
    const [stage] = stages([...body, head]) ?? [];
    expect(rows([stage])).toContain("--head 1");
    expect(summaryOf(stage)).toBe("1 block · 12 layers");
  });

  it("show a thousand layers as a few rows", () => {
    const many = Array.from({ length: 1000 }, (_, i) => layer(`block_${i >> 3}_conv_${i}`, 7 << ((1000 - i) >> 8)));
    const nodes = stages(many) ?? [];
    expect(visibleRows(nodes, "", () => true).length).toBeGreaterThan(1000);
    expect(visibleRows(nodes, "", () => false)).toHaveLength(nodes.length);
  });
});
