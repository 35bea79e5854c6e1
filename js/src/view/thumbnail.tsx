import { effect, type ReadonlySignal, signal, useComputed } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Actions } from "../actions";
import { drawThumbnail, type ThumbnailLook } from "../canvas/thumbnail";
import { chosenMethod, type Store } from "../store";
import { questionOf } from "../thumbnails";

/** Whoever clicks on within this time is not kept waiting by thumbnails. */
const REST_MS = 500;
/** Other colours are for the tiles first. */
const AFTER_MS = 30;

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
    const observer = new IntersectionObserver((entries) => {
      // A page that is slow gets several at once.
      seen.value = entries[entries.length - 1].isIntersecting;
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
export function Thumbnail({ look, path }: { look: ReadonlySignal<ThumbnailLook | null>; path: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const map = useComputed(() => look.value?.maps.get(path)).value;
  useEffect(() => {
    if (!map) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let drawn = false;
    const stop = look.subscribe((now) => {
      const draw = () => {
        if (canvas.current && now) drawThumbnail(canvas.current, map, now);
      };
      clearTimeout(timer);
      if (drawn) timer = setTimeout(draw, AFTER_MS);
      else draw();
      drawn = true;
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [map, path]);
  return (
    <span class="thumb" aria-hidden="true">
      {map && <canvas ref={canvas} />}
    </span>
  );
}
