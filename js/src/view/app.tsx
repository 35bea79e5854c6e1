import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Actions } from "../actions";
import type { Stage } from "../canvas/stage";
import type { Store } from "../store";
import { Arrange } from "./arrange";
import { Classes } from "./classes";
import { Columns, CompareField } from "./compare";
import { Drawing } from "./drawing";
import { Failure } from "./failure";
import { Grid } from "./grid";
import { Kept } from "./kept";
import { Layers } from "./layers";
import { MethodField, MethodForm } from "./method";
import { Remark } from "./remark";
import { Spoken } from "./spoken";
import { StatusBar } from "./status";
import { useKeptFocus, useSteadyClicks } from "./steady";
import { Tools } from "./tools";

export interface Parts {
  store: Store;
  actions: Actions;
  stage: Stage;
}

const NARROW = 600;

export function App({ store, actions, stage }: Parts) {
  const narrow = useSignal(false);
  const frame = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (!frame.current) return;
    const fit = (width: number) => {
      if (width > 0) narrow.value = width < NARROW;
    };
    const observer = new ResizeObserver((entries) => fit(entries[entries.length - 1].contentRect.width));
    observer.observe(frame.current);
    // Before anything is seen.
    fit(frame.current.clientWidth);
    return () => observer.disconnect();
  }, [narrow]);
  useKeptFocus(frame);
  useSteadyClicks(frame);

  return (
    <div class="kx" ref={frame} data-narrow={narrow.value || undefined}>
      <div class="bar">
        <MethodField store={store} actions={actions} />
        <Classes store={store} actions={actions} />
        <CompareField store={store} actions={actions} />
        <Tools store={store} actions={actions} />
      </div>
      <MethodForm store={store} actions={actions} />
      <Kept store={store} actions={actions} />
      <Columns store={store} actions={actions} />
      <Failure store={store} actions={actions} />
      <div class="main">
        <Layers store={store} actions={actions} narrow={narrow.value} />
        <div>
          <Arrange store={store} actions={actions} />
          <Grid store={store} actions={actions} stage={stage} />
        </div>
      </div>
      <Drawing store={store} actions={actions} />
      <Remark store={store} />
      <Spoken store={store} />
      <StatusBar store={store} actions={actions} />
    </div>
  );
}
