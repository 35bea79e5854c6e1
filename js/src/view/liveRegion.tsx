import { effect, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { createReadout } from "../canvas/readout";
import { layersOf } from "../state/segmentations";
import { mapOf, pictureAt, type Store } from "../state/store";

/** Milliseconds that the crosshair rests before its value is read out. */
const REST_MS = 400;

/** What lies under the crosshair in the focused tile, for screen readers. */
export function LiveRegion({ store }: { store: Store }) {
  const region = useRef<HTMLDivElement>(null);
  const text = useSignal("");
  useEffect(() => {
    const readout = createReadout(store);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const say = () => {
      const active = (region.current?.getRootNode() as ShadowRoot | undefined)?.activeElement;
      const at = store.crosshair.peek();
      const tile = store.focus.peek();
      if (!(active instanceof HTMLCanvasElement) || !at || !tile) return;
      const picture = pictureAt(store, tile);
      if (picture) text.value = readout(at, picture, mapOf(store, tile), layersOf(store, tile).segmentation);
    };
    const stop = effect(() => {
      clearTimeout(timer);
      if (store.crosshair.value) timer = setTimeout(say, REST_MS);
      else text.value = "";
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, []);
  return (
    <div class="unseen" role="log" aria-live="polite" aria-label="Value under the crosshair" ref={region}>
      {text.value}
    </div>
  );
}
