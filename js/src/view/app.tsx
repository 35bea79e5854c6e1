import { useRef } from "preact/hooks";
import { showsConcepts } from "../state/concepts";
import { ClassPicker } from "./classPicker";
import { ColumnChips, CompareField } from "./compare";
import { ConceptStrip } from "./conceptStrip";
import { DrawingControls } from "./drawingControls";
import { EpochStrip } from "./epochStrip";
import { FailureMessage } from "./failureMessage";
import { useFocusGuard, useStrayClickGuard } from "./focusGuard";
import { heightOf, useFrameSize } from "./frameSize";
import { Grid } from "./grid";
import { Prompts } from "./help";
import { LayerPicker } from "./layerPicker";
import { LiveRegion } from "./liveRegion";
import { MapNotes } from "./mapNotes";
import { Caution, MethodForm } from "./methodForm";
import { MethodPicker } from "./methodPicker";
import { PanelButton, PanelSlot, usePanel } from "./panelSlot";
import { PopupButton } from "./popupButton";
import type { StageProps } from "./props";
import { RegionTools } from "./regionTools";
import { SavedAnswers } from "./savedAnswers";
import { SegmentationLegend } from "./segmentationLegend";
import { StatusBar } from "./statusBar";
import { Suspicions } from "./suspicions";
import { Tools } from "./tools";
import { useWheelPassing } from "./useWheelPassing";

export function App({ store, actions, stage }: StageProps) {
  const frame = useRef<HTMLDivElement>(null);
  const { narrow, hasThirdColumn } = useFrameSize(frame);
  const panel = usePanel(hasThirdColumn);
  useFocusGuard(frame);
  useStrayClickGuard(frame);
  useWheelPassing(frame);

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
        <MethodPicker {...view} />
        <ClassPicker {...view} />
        <CompareField {...view} />
        {!narrow && (
          <div class="tools">
            <Tools {...view} />
            <PanelButton {...panel} />
          </div>
        )}
      </div>
      <div class="task">
        <StatusBar {...view} />
        {narrow ? (
          <>
            {!showsConcepts(store) && (
              <PopupButton label="Settings" title="Parameters of the method">
                <MethodForm {...view} />
              </PopupButton>
            )}
            <PanelButton {...panel} />
          </>
        ) : (
          <MethodForm {...view} />
        )}
      </div>
      <Caution store={store} />
      <SavedAnswers {...view} />
      <ColumnChips {...view} />
      <FailureMessage store={store} />
      <DrawingControls {...view} narrow={narrow} />
      <div class="main">
        <LayerPicker {...view} narrow={narrow} />
        <div class="middle">
          <Prompts store={store} />
          <EpochStrip {...view} />
          <Suspicions {...view} />
          <SegmentationLegend {...view} />
          <ConceptStrip {...view} />
          <RegionTools {...view} />
          <Grid {...view} stage={stage} />
        </div>
        {panel.isOpen && <PanelSlot {...view} stage={stage} isDrawer={!hasThirdColumn} close={panel.close} />}
      </div>
      <MapNotes store={store} />
      <LiveRegion store={store} />
    </div>
  );
}
