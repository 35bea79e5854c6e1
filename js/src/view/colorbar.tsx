import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Actions } from "../actions";
import { lookupTable } from "../canvas/colormap";
import { limitsOf, lookOf } from "../canvas/overlay";
import { paint } from "../canvas/paint";
import { value } from "../format";
import { heights, histogram } from "../histogram";
import { imageName } from "../naming";
import { applySign } from "../postprocess";
import { focusedImage, LEAST_SPAN, layerName, type Store, type TileMap, tileKey } from "../store";
import { KEYS } from "./field";
import { Limit } from "./limits";

const WIDTH = 160;
const BINS = 48;

/** The map whose numbers the bar shows: the one pointed at, else the first of the image in focus. */
function mapInFocus(store: Store): TileMap | undefined {
  const tiles = store.answer.value?.tiles;
  const { image, column } = store.focus.value ?? { image: focusedImage(store), column: 0 };
  return tiles?.get(tileKey(image, column)) ?? tiles?.values().next().value;
}

function whose(store: Store, map: TileMap): string {
  const { image, target_name, layer } = map.item;
  const name = imageName(store, image);
  const scale = store.traits.scale.value;
  if (scale === "all") return "all maps";
  if (scale === "image") return `all maps of ${name}`;
  const several = store.traits.compare.value === "layers" && layerName(store, layer);
  return [name, target_name, several].filter(Boolean).join(", ");
}

/** The heights of the bars over the values of all maps that share the scale of this one. */
function bars(store: Store, map: TileMap, low: number, high: number): string {
  const scope = store.traits.scale.value;
  const { image } = map.item;
  const tiles = scope === "map" ? [map] : [...(store.answer.value?.tiles.values() ?? [])];
  const shared = tiles.filter((tile) => scope !== "image" || tile.item.image === image);
  const signed = shared.map((tile) => applySign(tile.values, store.signOf(tile)));
  return heights(histogram(signed, low, high, BINS))
    .map((height, bin) => `M${bin} 1v${-height}h1v${height}z`)
    .join("");
}

export function Colorbar({ store, actions }: { store: Store; actions: Actions }) {
  const map = mapInFocus(store);
  if (!map) return null;
  return <Bar store={store} actions={actions} map={map} />;
}

function Bar({ store, actions, map }: { store: Store; actions: Actions; map: TileMap }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { sign, table, diverging, scale, threshold } = lookOf(store, map);
  const [low, high] = limitsOf(store, diverging);
  /** The bar's ends, in parts of the scale. */
  const start = diverging ? -1 : 0;
  const length = 1 - start;
  const at = (limit: number) => (limit - start) / length;
  const scope = store.traits.scale.value;
  const path = useMemo(
    () => bars(store, map, start * scale, scale),
    [store.answer.value, map, scope, sign, start, scale],
  );

  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    const ramp = Float32Array.from({ length: WIDTH }, (_, i) => start + (length * i) / (WIDTH - 1));
    const pixels = new ImageData(WIDTH, 1);
    const style = { table: lookupTable(table), low, high, scale: 1, threshold };
    paint(ramp, style, new Uint32Array(pixels.data.buffer));
    context.putImageData(pixels, 0, 0);
  }, [table, start, low, high, threshold]);

  const text = (part: number) => value(part * scale);
  const about = whose(store, map);
  const changed = store.limits.value.low !== 0 || store.limits.value.high !== 1;
  return (
    <div class="colorbar" role="group" aria-label="Colour bar">
      <span class="number">{text(low)}</span>
      <div class="scale">
        <svg viewBox={`0 0 ${BINS} 1`} preserveAspectRatio="none" aria-hidden="true">
          <path d={path} />
        </svg>
        <canvas
          ref={canvas}
          width={WIDTH}
          height={1}
          role="img"
          aria-label={`Colours from ${text(low)} to ${text(high)}, ${about}`}
        />
        <Limit
          label="Lower limit"
          at={at(low)}
          least={0}
          most={diverging ? 0.5 - LEAST_SPAN / 2 : high - LEAST_SPAN}
          text={text(low)}
          onMove={(to) => actions.setLimits(diverging ? { high: 1 - 2 * to } : { low: to })}
          onReset={actions.resetLimits}
        />
        <Limit
          label="Upper limit"
          at={at(high)}
          least={diverging ? 0.5 + LEAST_SPAN / 2 : low + LEAST_SPAN}
          most={1}
          text={text(high)}
          onMove={(to) => actions.setLimits({ high: diverging ? 2 * to - 1 : to })}
          onReset={actions.resetLimits}
        />
        <div class="whose" title={about}>
          {about}
        </div>
      </div>
      <span class="number">{text(high)}</span>
      {changed && (
        <button
          type="button"
          aria-label="Reset limits"
          title="Reset limits"
          {...KEYS}
          onClick={actions.resetLimits}
        >
          ↺
        </button>
      )}
    </div>
  );
}
