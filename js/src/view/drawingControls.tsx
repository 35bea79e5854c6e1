import { showsMap } from "../state/segmentations";
import { Colorbar } from "./colorbar";
import { ConceptsButton } from "./conceptStrip";
import { DisplayControls } from "./displayControls";
import { PopupButton } from "./popupButton";
import type { ViewProps } from "./props";
import { RowControls } from "./rowControls";
import { OverlayChoice } from "./segmentationLegend";
import { Slider } from "./slider";
import { SuspicionsButton } from "./suspicions";
import { Tools } from "./tools";

const OPACITY = { id: "kx-opacity", label: "Opacity", title: "How much the map covers the picture" };

/** What is used all the time stands beside the grid, the rest in a popup: none of it asks the kernel anything. */
export function DrawingControls({ narrow, ...view }: ViewProps & { narrow: boolean }) {
  const { store, actions } = view;
  const { opacity } = store.traits;
  return (
    <div class="drawing">
      <Slider {...OPACITY} value={opacity} onRelease={(value) => actions.commit({ opacity: value })} />
      <OverlayChoice {...view} />
      {showsMap(store) && <Colorbar {...view} />}
      <PopupButton label="Display" title="Sign, scale, colours, threshold and how the picture is drawn">
        {narrow && <RowControls {...view} />}
        <DisplayControls {...view} />
      </PopupButton>
      <ConceptsButton {...view} />
      <SuspicionsButton store={store} />
      {narrow ? <Tools {...view} /> : <RowControls {...view} />}
    </div>
  );
}
