import { useEffect, useRef } from "preact/hooks";
import { DIVERGING, lookupTable } from "../canvas/colormap";
import { paint } from "../canvas/paint";
import { value } from "../format";
import { imageName } from "../naming";
import { focusedImage, layerName, type Store, type TileMap, tileKey } from "../store";

const WIDTH = 160;

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
  return scale === "image" ? `all maps of ${name}` : `${name}, ${target_name}, ${layerName(store, layer)}`;
}

export function Colorbar({ store }: { store: Store }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const map = mapInFocus(store);
  const diverging = map?.item.signed === true && store.signOf(map) === "signed";
  const name = diverging ? DIVERGING : store.traits.colormap.value;
  const threshold = store.traits.threshold.value;
  const high = map ? store.scopeOf(map) : 1;

  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    const ramp = Float32Array.from({ length: WIDTH }, (_, i) => {
      const t = i / (WIDTH - 1);
      return diverging ? 2 * t - 1 : t;
    });
    const pixels = new ImageData(WIDTH, 1);
    paint(
      ramp,
      { table: lookupTable(name), diverging, scale: 1, threshold },
      new Uint32Array(pixels.data.buffer),
    );
    context.putImageData(pixels, 0, 0);
  }, [name, diverging, threshold]);

  const low = diverging ? value(-high) : "0";
  const about = map ? `Colour bar from ${low} to ${value(high)}: ${whose(store, map)}` : "Colour bar";
  return (
    <div class="colorbar" title={about}>
      <span>{low}</span>
      <canvas ref={canvas} width={WIDTH} height={1} role="img" aria-label={about} />
      <span>{map ? value(high) : "1"}</span>
    </div>
  );
}
