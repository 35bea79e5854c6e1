/** How long the pure parts take on this machine: `npm run bench`. Canvases are not part of it. */

import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const SIDE = 224;
const TILES = 32;
const SOURCE = `
  export { lookupTable } from "./canvas/colormap";
  export { paint } from "./canvas/paint";
  export { applySign, resize } from "./postprocess";
  export { search } from "./view/combobox";
  export { buildTree, visibleRows } from "./view/layerTree";
`;

const bundle = await build({
  stdin: { contents: SOURCE, resolveDir: fileURLToPath(new URL("src", import.meta.url)) },
  bundle: true,
  write: false,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
});
const { applySign, buildTree, lookupTable, paint, resize, search, visibleRows } = await import(
  `data:text/javascript;base64,${Buffer.from(bundle.outputFiles[0].contents).toString("base64")}`
);

function measure(name, work, runs = 60) {
  for (let i = 0; i < 10; i++) work();
  const times = Array.from({ length: runs }, () => {
    const start = performance.now();
    work();
    return performance.now() - start;
  }).sort((a, b) => a - b);
  const at = (part) => `${times[Math.min(Math.floor(part * runs), runs - 1)].toFixed(1)} ms`.padStart(9);
  console.log(`${name.padEnd(52)} median ${at(0.5)}   p95 ${at(0.95)}`);
}

const raw = Float32Array.from({ length: 49 }, (_, i) => Math.sin(i));
const map = resize(raw, 7, 7, SIDE, SIDE);
const out = new Uint32Array(SIDE * SIDE);
const style = { table: lookupTable("viridis"), low: 0, high: 1, scale: 1, threshold: 0.1 };
const everyTile = (work) => () => {
  for (let tile = 0; tile < TILES; tile++) work();
};
const what = `${TILES} tiles of ${SIDE}x${SIDE}`;
measure(
  `${what}: colour, threshold, scale`,
  everyTile(() => paint(map, style, out)),
);
measure(
  `${what}: sign, or a new 7x7 map`,
  everyTile(() => paint(resize(applySign(raw, "positive"), 7, 7, SIDE, SIDE), style, out)),
);

const paths = Array.from({ length: 1000 }, (_, i) => `block${i % 50}/conv_${i}`);
const layers = paths.map((path) => ({ path, type: "Conv2D", shape: [], is_candidate: true, reason: "" }));
const tree = buildTree(layers);
measure("1000 layers: a keystroke in the search", () => visibleRows(tree, "conv_99", new Set()));
const options = paths.map((text) => ({ key: text, text }));
measure("1000 classes: a keystroke in the search", () => search(options, "conv_99"));
