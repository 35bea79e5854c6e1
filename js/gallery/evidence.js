/** What a made-up kernel says of how far its maps can be believed. */

import { CATALOGUE } from "./catalogue.js";
import { random } from "./scenes.js";

export const STEPS = 10;
const GRID = 4;
export const SIDE = 96;
const COLOURS = { blur: "rgb(128 128 128 / 0.92)", mean: "#8a8f80", black: "#000" };
/** One image after the other. */
const VERDICTS = [
  {
    state: "weak",
    headline: "No better than chance in SRG.",
    verdict:
      "Not clearly better than random maps as smooth in SRG (0.12, theirs 0.08 ± 0.11); better than random maps as smooth in Single deletion (0.61, theirs 0.02 ± 0.27); not measured: whether the weights matter, whether it is stable.",
  },
  {
    state: "holds",
    headline: "Better than chance in SRG.",
    verdict:
      "Better than random maps as smooth in SRG (0.55, theirs 0.08 ± 0.11); not measured: whether the weights matter, whether it is stable.",
  },
  {
    state: "unknown",
    headline: "Cannot be told. SRG: the score hardly falls when all is covered.",
    verdict: "Cannot be told here: SRG; not measured: whether the weights matter, whether it is stable.",
  },
];
const FREE = [
  metric("Sparseness", "higher", 0.62, null, "Its Gini coefficient is 0.62."),
  metric("Effective area", "lower", 0.08, null, "Half of the evidence lies in 8 % of the picture."),
  metric("Random logit", "lower", 0.21, null, "The maps of other classes are alike by 0.21."),
];

function metric(title, better, value, control, sentence) {
  return { title, better, value, control, sentence };
}

/** What takes no pass. */
export const freeEvidence = (image, column, cover) => ({
  ...{ image, column, state: "unmeasured", headline: "Not measured yet.", cover, metrics: FREE },
  verdict: "Not measured: whether it is faithful to the score, whether the weights matter, whether it is stable.",
  ...{ curves: null, cells: null },
});

/** All of it, of a map of `size` × `size` values for a class of this probability. */
export function wholeEvidence(image, column, cover, { values, size }, probability) {
  const { state, headline, verdict } = VERDICTS[(image + column) % VERDICTS.length];
  const dice = random(image * 7 + column);
  const shares = Array.from({ length: STEPS + 1 }, (_, step) => step / STEPS);
  const p = probability ?? 1;
  const falls = state === "weak" ? 1.2 : 4;
  const deletion = shares.map((share) => p * (1 - share) ** falls);
  const insertion = shares.map((share) => p * (1 - (1 - share) ** falls));
  const random_low = shares.map((share) => p * (1 - share) ** 2);
  const random_high = shares.map((share) => p * (1 - share ** 2));
  const sums = new Array(GRID * GRID).fill(0);
  for (let i = 0; i < values.length; i++) {
    const [row, at] = [Math.floor(i / size), i % size];
    sums[Math.floor((row * GRID) / size) * GRID + Math.floor((at * GRID) / size)] += values[i] || 0;
  }
  const most = Math.max(...sums.map(Math.abs)) || 1;
  const losses = sums.map((sum) => (0.5 * p * sum) / most + 0.1 * (dice() - 0.5));
  return {
    ...{ image, column, state, headline, verdict, cover },
    metrics: [
      ...FREE,
      metric("Single deletion", "higher", 0.61, [0.02, 0.27], "Cells rank as their losses do by ρ 0.61."),
      metric(
        "SRG",
        "higher",
        state === "unknown" ? null : 0.12,
        state === "unknown" ? null : [0.08, 0.11],
        "SRG is 0.12.",
      ),
    ],
    curves: {
      ...{ value: probability === null ? "score" : "probability", covered: shares, shown: shares },
      ...{ deletion, insertion, random_low, random_high, flips_at: 0.4, keeps_at: 0.6 },
      shares: ["Covering 40% takes the prediction.", "Showing 60% keeps it."],
      ends: [],
    },
    cells: { grid: GRID, losses, sums, correlation: 0.61 },
  };
}

async function contextOf(picture, fill) {
  const bitmap = await createImageBitmap(new Blob([picture.data], { type: picture.mime }));
  const context = new OffscreenCanvas(SIDE, SIDE).getContext("2d");
  context.drawImage(bitmap, 0, 0, SIDE, SIDE);
  context.fillStyle = fill;
  return context;
}

const bytesOf = async ({ canvas }) => new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer());

/** The picture at a step of a curve, PNG: what the map marks most is covered, or shown. */
export async function coveredPicture(picture, { values, size }, { curve, step, cover }) {
  const context = await contextOf(picture, COLOURS[cover]);
  const order = [...values.keys()].sort((a, b) => values[b] - values[a]);
  const count = Math.round((step * order.length) / STEPS);
  for (const at of curve === "deletion" ? order.slice(0, count) : order.slice(count)) {
    const cell = SIDE / size;
    context.fillRect((at % size) * cell, Math.floor(at / size) * cell, cell, cell);
  }
  return bytesOf(context);
}

/** The picture with its marked pixels covered, or all but these, PNG, and which part of it is marked. */
export async function paintedPicture(picture, { mask, size: [height, width], keep, cover }) {
  const context = await contextOf(picture, COLOURS[cover]);
  const bits = Uint8Array.from(atob(mask), (letter) => letter.charCodeAt(0));
  let marked = 0;
  for (let at = 0; at < width * height; at++) {
    const isMarked = (bits[at >> 3] >> (7 - (at & 7))) & 1;
    marked += isMarked;
    if (isMarked === Number(keep)) continue;
    const place = [((at % width) * SIDE) / width, (Math.floor(at / width) * SIDE) / height];
    context.fillRect(...place, SIDE / width, SIDE / height);
  }
  return { data: await bytesOf(context), share: marked / (width * height) };
}

/** What can be compared, and what was. */
export const rankings = (gen, items) => ({
  ...{ kind: "rankings", gen, image_seconds: 1, size_seconds: 0.5, items },
  rankable: CATALOGUE.map(({ id, sees }) => ({
    ...{ method: id, layer: "trunk/stage4/block2/relu", seconds: 0.2, size: [8, 8] },
    chosen: sees !== "attention",
    problem: sees === "attention" ? "This model has no attention." : "",
  })),
});

/** Methods beside each other: the first is better than chance. */
export const rankingRecord = (target, { images, methods, cover }) => ({
  ...{ target, images, cover, done: methods.length, total: methods.length },
  sentence: "Blob-CAM is better than random maps as smooth here; the others cannot be told apart from them.",
  metrics: [
    { title: "SRG", better: "higher" },
    { title: "Effective area", better: "lower" },
  ],
  methods: methods.map((method, rank) => ({
    ...{ method, layer: "trunk/stage4/block2/relu", state: rank === 0 ? "holds" : "weak" },
    headline: rank === 0 ? "Better than chance in SRG." : "No better than chance in SRG.",
    relatives: method === "blobs2" ? ["Blob-CAM"] : [],
    problem: "",
    cells: [rankedCell(0.55 - 0.1 * rank, ["best", "tied"][rank] ?? ""), rankedCell(0.08 + 0.02 * rank, "")],
  })),
});

const rankedCell = (value, place) => ({ value, low: null, high: null, images: 1, place, note: "" });
