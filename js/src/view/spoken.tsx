import { effect, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { createReadout } from "../canvas/readout";
import { type Store, tileKey } from "../store";

/** The crosshair has to rest this long before its value is read out. */
const REST_MS = 400;

/** What is under the crosshair in the tile that has the keyboard, for screen readers. */
export function Spoken({ store }: { store: Store }) {
  const here = useRef<HTMLDivElement>(null);
  const text = useSignal("");
  useEffect(() => {
    const readout = createReadout(store);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const say = () => {
      const active = (here.current?.getRootNode() as ShadowRoot | undefined)?.activeElement;
      const at = store.crosshair.peek();
      const tile = store.focus.peek();
      if (!(active instanceof HTMLCanvasElement) || !at || !tile) return;
      const picture = store.traits._images.peek()[tile.image];
      const map = store.answer.peek()?.tiles.get(tileKey(tile.image, tile.column));
      if (picture) text.value = readout(at, picture, map);
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
    <div class="unseen" role="log" aria-live="polite" aria-label="Value under the crosshair" ref={here}>
      {text.value}
    </div>
  );
}
