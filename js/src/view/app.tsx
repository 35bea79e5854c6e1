import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { ClassPicker } from "./classPicker";
import { ColumnChips, CompareField } from "./compare";
import { DrawingControls } from "./drawingControls";
import { FailureMessage } from "./failureMessage";
import { useFocusGuard, useStrayClickGuard } from "./focusGuard";
import { Grid } from "./grid";
import { Prompts } from "./help";
import { LayerPicker } from "./layerPicker";
import { LiveRegion } from "./liveRegion";
import { MapNotes } from "./mapNotes";
import { MethodField, MethodForm } from "./methodForm";
import type { StageProps } from "./props";
import { RowControls } from "./rowControls";
import { SavedAnswers } from "./savedAnswers";
import { StatusBar } from "./statusBar";
import { Tools } from "./tools";

/** Pixels below which a view is laid out for a narrow column. */
const NARROW = 600;

export function App({ store, actions, stage }: StageProps) {
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
  useFocusGuard(frame);
  useStrayClickGuard(frame);

  const view = { store, actions };
  return (
    <div class="kx" ref={frame} data-narrow={narrow.value || undefined}>
      <div class="bar">
        <MethodField {...view} />
        <ClassPicker {...view} />
        <CompareField {...view} />
        <Tools {...view} />
      </div>
      <MethodForm {...view} />
      <SavedAnswers {...view} />
      <ColumnChips {...view} />
      <FailureMessage store={store} />
      <div class="main">
        <LayerPicker {...view} narrow={narrow.value} />
        <div>
          <Prompts store={store} />
          <RowControls store={store} />
          <Grid {...view} stage={stage} />
        </div>
      </div>
      <DrawingControls {...view} />
      <MapNotes store={store} />
      <LiveRegion store={store} />
      <StatusBar {...view} />
    </div>
  );
}
