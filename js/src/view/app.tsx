import { useRef } from "preact/hooks";
import { ClassPicker } from "./classPicker";
import { ColumnChips, CompareField } from "./compare";
import { DrawingControls } from "./drawingControls";
import { FailureMessage } from "./failureMessage";
import { useFocusGuard, useStrayClickGuard } from "./focusGuard";
import { heightOf, useFrameSize } from "./frameSize";
import { Grid } from "./grid";
import { Prompts } from "./help";
import { LayerPicker } from "./layerPicker";
import { LiveRegion } from "./liveRegion";
import { MapNotes } from "./mapNotes";
import { MethodField, MethodForm } from "./methodForm";
import { PanelButton, PanelSlot, usePanel } from "./panelSlot";
import type { StageProps } from "./props";
import { RowControls } from "./rowControls";
import { SavedAnswers } from "./savedAnswers";
import { StatusBar } from "./statusBar";
import { Tools } from "./tools";

export function App({ store, actions, stage }: StageProps) {
  const frame = useRef<HTMLDivElement>(null);
  const { narrow, hasThirdColumn } = useFrameSize(frame);
  const panel = usePanel(hasThirdColumn);
  useFocusGuard(frame);
  useStrayClickGuard(frame);

  const view = { store, actions };
  return (
    <div
      class="kx"
      ref={frame}
      data-narrow={narrow || undefined}
      data-third={hasThirdColumn || undefined}
      style={{ height: heightOf(store.traits.height.value) }}
    >
      <div class="bar">
        <MethodField {...view} />
        <ClassPicker {...view} />
        <CompareField {...view} />
        <div class="tools">
          <Tools {...view} />
          <PanelButton {...panel} />
        </div>
      </div>
      <StatusBar {...view} />
      <MethodForm {...view} />
      <SavedAnswers {...view} />
      <ColumnChips {...view} />
      <FailureMessage store={store} />
      <DrawingControls {...view} />
      <div class="main">
        <LayerPicker {...view} narrow={narrow} />
        <div class="middle">
          <Prompts store={store} />
          <RowControls store={store} />
          <Grid {...view} stage={stage} />
        </div>
        {panel.isOpen && <PanelSlot {...view} stage={stage} close={panel.close} />}
      </div>
      <MapNotes store={store} />
      <LiveRegion store={store} />
    </div>
  );
}
