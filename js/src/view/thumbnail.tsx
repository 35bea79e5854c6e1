import { effect, signal, useComputed } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Actions } from "../actions";
import { drawThumbnail } from "../canvas/thumbnail";
import { chosenMethod, type Store } from "../store";
import { currentThumbnails, questionOf } from "../thumbnails";

/** Whoever clicks on within this time is not kept waiting by thumbnails. */
const REST_MS = 500;

/** Asks for thumbnails while the tree is in sight and nothing else is computed. */
export function useThumbnails(
  { store, actions }: { store: Store; actions: Actions },
  tree: RefObject<HTMLElement>,
): void {
  useEffect(() => {
    if (!tree.current) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let asked = "";
    const seen = signal(false);
    const ask = () => {
      const what = `${store.answer.value?.gen} ${questionOf(store)}`;
      const idle = store.status.value === "done" && !store.stale.value;
      clearTimeout(timer);
      if (!idle || !seen.value || what === asked || chosenMethod(store)?.sees === "input") return;
      timer = setTimeout(() => {
        asked = what;
        actions.wantThumbnails();
      }, REST_MS);
    };
    const observer = new IntersectionObserver(([entry]) => {
      seen.value = entry.isIntersecting;
    });
    observer.observe(tree.current);
    const stop = effect(ask);
    return () => {
      clearTimeout(timer);
      observer.disconnect();
      stop();
    };
  }, []);
}

/** The map of the image in focus at one layer; an empty box while there is none. */
export function Thumbnail({ store, path }: { store: Store; path: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const found = useComputed(() => currentThumbnails(store)).value;
  const map = found?.maps.get(path);
  const sign = store.traits.sign.value;
  const colormap = store.traits.colormap.value;
  useEffect(() => {
    if (canvas.current && found && map) drawThumbnail(canvas.current, map, found.signed, sign, colormap);
  }, [map, sign, colormap]);
  return (
    <span class="thumb" aria-hidden="true">
      {map && <canvas ref={canvas} />}
    </span>
  );
}
