import { useEffect, useMemo, useRef } from "preact/hooks";
import { lookupTable } from "../canvas/colormap";
import { type DrawStyle, rawAt, styleOf } from "../canvas/drawStyle";
import { paint } from "../canvas/paint";
import type { TileMap } from "../kernel/decode";
import { heights, histogram } from "../math/histogram";
import { applySign, magnitude } from "../math/postprocess";
import { value } from "../state/format";
import { columnHeading, explainedText, imageName } from "../state/labels";
import { LEAST_SPAN, mapOf, type Store, tileInFocus } from "../state/store";
import { colourMeaning } from "./colourMeaning";
import { LimitHandle } from "./limitHandle";
import type { ViewProps } from "./props";

const WIDTH = 160;
const BINS = 48;

/** The map whose numbers the bar shows: that of the tile in focus, else the first there is. */
const mapInFocus = (store: Store): TileMap | undefined =>
  mapOf(store, tileInFocus(store)) ?? store.answer.value?.tiles.values().next().value;

const endText = (style: DrawStyle, part: number) => value(rawAt(style, part));

/** Which maps the bar is about. */
function scopeText(store: Store, map: TileMap): string {
  const { image, column, layer } = map.item;
  const name = imageName(store, image);
  const scale = store.traits.scale.value;
  if (scale === "all") return "all maps";
  if (scale === "image") return `all maps of ${name}`;
  const { compare } = store.traits;
  const compared =
    compare.value === "models" ? columnHeading(store, column) : compare.value === "layers" && store.layerName(layer);
  return [name, explainedText(store, map.item), compared].filter(Boolean).join(", ");
}

/** The bars over the values of all maps that share the scale of this one, as the path of a drawing. */
function bars(store: Store, map: TileMap, low: number, high: number): string {
  const scale = store.traits.scale.value;
  const { image } = map.item;
  const tiles = scale === "map" ? [map] : [...(store.answer.value?.tiles.values() ?? [])];
  const shared = tiles.filter((tile) => scale !== "image" || tile.item.image === image);
  const signed = shared.map((tile) => applySign(tile.values, store.signOf(tile)));
  return heights(histogram(signed, low, high, BINS))
    .map((height, bin) => `M${bin} 1v${-height}h1v${height}z`)
    .join("");
}

/** Which of a map's values the colours are for, and why; null where that is all from zero on. */
function clipText(store: Store, map: TileMap) {
  const { clip, origin, sign } = store.displayOf(map);
  const { low, high } = store.endsOf(map);
  const largest = magnitude(map.extent, sign);
  const isBeyond = largest > high;
  if (origin === "zero" && !isBeyond) return null;
  const below = origin === "zero" ? "" : `A quarter of the values lie below ${value(low)}, where the colours begin.`;
  const beyond = isBeyond
    ? `${clip} % lie below ${value(high)}, where they end; the largest is ${value(largest)}.`
    : "";
  return {
    text: `${origin === "zero" ? 0 : 25} … ${isBeyond ? clip : 100} %`,
    reason: [below, beyond, "“Sign” and “Clip” in Display change it."].filter(Boolean).join(" "),
  };
}

export function Colorbar({ store, actions }: ViewProps) {
  const map = mapInFocus(store);
  if (!map) return null;
  const style = styleOf(store, map);
  const [low, high] = store.traits.limits.value;
  const isChanged = low !== 0 || high !== 1;
  return (
    <div class="colorbar" role="group" aria-label="Colour bar">
      <span class="number">{endText(style, style.low)}</span>
      <Bar store={store} actions={actions} map={map} />
      <span class="number">{endText(style, style.high)}</span>
      {isChanged && (
        <button type="button" aria-label="Reset limits" title="Reset limits" onClick={actions.resetLimits}>
          ↺
        </button>
      )}
    </div>
  );
}

function Bar({ store, actions, map }: ViewProps & { map: TileMap }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const style = styleOf(store, map);
  const { sign, table, diverging, base, scale, threshold, low, high } = style;
  /** Where the bar begins, in parts of the scale. */
  const start = diverging ? -1 : 0;
  const path = useMemo(
    () => bars(store, map, base + start * scale, base + scale),
    [store.answer.value, map, store.traits.scale.value, sign, start, base, scale],
  );
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    const ramp = Float32Array.from({ length: WIDTH }, (_, i) => start + ((1 - start) * i) / (WIDTH - 1));
    const pixels = new ImageData(WIDTH, 1);
    const parts = { table: lookupTable(table), low, high, base: 0, scale: 1, threshold };
    paint(ramp, parts, new Uint32Array(pixels.data.buffer));
    context.putImageData(pixels, 0, 0);
  }, [table, start, low, high, threshold]);

  const clipped = clipText(store, map);
  const scope = [clipped?.text, scopeText(store, map)].filter(Boolean).join(" of ");
  const label = `Colours from ${endText(style, low)} to ${endText(style, high)}, ${scope}`;
  return (
    <div class="scale">
      <svg viewBox={`0 0 ${BINS} 1`} preserveAspectRatio="none" aria-hidden="true">
        <path d={path} />
      </svg>
      <canvas ref={canvas} width={WIDTH} height={1} role="img" aria-label={label} />
      <LimitHandles store={store} actions={actions} map={map} />
      <div class="whose" title={[`${colourMeaning(store, map)} ${scope}`, clipped?.reason].filter(Boolean).join(": ")}>
        {scope}
      </div>
    </div>
  );
}

/** The handles of both limits; on a diverging bar they move together, about its middle. */
function LimitHandles({ store, actions, map }: ViewProps & { map: TileMap }) {
  const style = styleOf(store, map);
  const { diverging, low, high } = style;
  const release = () => actions.commit({ limits: store.traits.limits.peek() });
  const at = (limit: number) => (diverging ? (limit + 1) / 2 : limit);
  return (
    <>
      <LimitHandle
        label="Lower limit"
        at={at(low)}
        least={0}
        most={diverging ? 0.5 - LEAST_SPAN / 2 : high - LEAST_SPAN}
        text={endText(style, low)}
        onMove={(to) => actions.moveLimits(diverging ? { high: 1 - 2 * to } : { low: to })}
        onRelease={release}
        onReset={actions.resetLimits}
      />
      <LimitHandle
        label="Upper limit"
        at={at(high)}
        least={diverging ? 0.5 + LEAST_SPAN / 2 : low + LEAST_SPAN}
        most={1}
        text={endText(style, high)}
        onMove={(to) => actions.moveLimits({ high: diverging ? 2 * to - 1 : to })}
        onRelease={release}
        onReset={actions.resetLimits}
      />
    </>
  );
}
