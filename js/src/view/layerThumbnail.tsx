import { effect, type ReadonlySignal, signal, useComputed } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { drawThumbnail, type ThumbnailStyle } from "../canvas/drawThumbnail";
import { chosenMethod } from "../state/store";
import { thumbnailKey } from "../state/thumbnails";
import type { ViewProps } from "./props";

/** Milliseconds without a question until thumbnails are asked for: the next question does not wait for them. */
const REST_MS = 500;
/** Milliseconds by which redrawn thumbnails come after the tiles. */
const AFTER_MS = 30;

/** Asks for thumbnails while the tree is in sight and nothing else is computed. */
export function useThumbnails({ store, actions }: ViewProps, tree: RefObject<HTMLElement>): void {
  useEffect(() => {
    if (!tree.current) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let fetchedKey = "";
    const visible = signal(false);
    const fetchLater = () => {
      const key = `${store.answer.value?.gen} ${thumbnailKey(store)}`;
      const idle = store.status.value === "done" && !store.stale.value && store.epochShown.value === null;
      clearTimeout(timer);
      if (!idle || !visible.value || key === fetchedKey || chosenMethod(store)?.sees === "input") return;
      timer = setTimeout(() => {
        fetchedKey = key;
        actions.fetchThumbnails();
      }, REST_MS);
    };
    const observer = new IntersectionObserver((entries) => {
      // A page that is slow gets several at once.
      visible.value = entries[entries.length - 1].isIntersecting;
    });
    observer.observe(tree.current);
    const stop = effect(fetchLater);
    return () => {
      clearTimeout(timer);
      observer.disconnect();
      stop();
    };
  }, []);
}

/** The map of the image in focus at one layer; an empty box while there is none. */
export function LayerThumbnail({ style, path }: { style: ReadonlySignal<ThumbnailStyle | null>; path: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const map = useComputed(() => style.value?.maps.get(path)).value;
  useEffect(() => {
    if (!map) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let drawn = false;
    const stop = style.subscribe((current) => {
      const draw = () => {
        if (canvas.current && current) drawThumbnail(canvas.current, map, current);
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
