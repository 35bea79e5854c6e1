import { COLORMAPS, DIVERGING } from "../canvas/colormap";
import type { Scale, Sign } from "../math/postprocess";
import { Colorbar } from "./colorbar";
import { Field, KEYS, options, Select } from "./field";
import type { ViewProps } from "./props";

type Choices = readonly (readonly [value: string, text: string])[];

const SIGNS: readonly Sign[] = ["positive", "absolute", "signed"];
const SCALES: readonly [Scale, string][] = [
  ["map", "per map"],
  ["image", "per image"],
  ["all", "shared"],
];
const same = (names: readonly string[]): Choices => names.map((name) => [name, name]);

interface SliderProps {
  id: string;
  label: string;
  title: string;
  value: number;
  onMove(value: number): void;
  onRelease(value: number): void;
}

function Slider({ id, label, title, value, onMove, onRelease }: SliderProps) {
  return (
    <Field id={id} label={label} title={title} class="control">
      <input
        id={id}
        type="range"
        min="0"
        max="1"
        step="0.01"
        value={value}
        aria-valuetext={`${Math.round(value * 100)} %`}
        {...KEYS}
        onInput={(event) => onMove(event.currentTarget.valueAsNumber)}
        onChange={(event) => onRelease(event.currentTarget.valueAsNumber)}
      />
    </Field>
  );
}

interface ChoiceProps {
  id: string;
  label: string;
  title: string | undefined;
  value: string;
  choices: Choices;
  onChoose(value: string): void;
}

const Choice = ({ id, label, title, value, choices, onChoose }: ChoiceProps) => (
  <Field id={id} label={label} title={title} class="control">
    <Select id={id} value={value} onChoose={onChoose}>
      {options(choices)}
    </Select>
  </Field>
);

/** The colour table of maps that are not signed: signed maps have one of their own. */
function ColormapChoice({ store, actions }: ViewProps) {
  const { colormap, sign } = store.traits;
  const columns = store.answer.value?.columns ?? [];
  const signed = columns.filter((column) => column.signed && sign.value === "signed");
  const all = signed.length > 0 && signed.length === columns.length;
  const suffix = signed.length > 0 ? `, signed ${DIVERGING}` : "";
  return (
    <Choice
      id="kx-colormap"
      label="Colormap"
      title={signed.length > 0 ? "Signed maps are always drawn blue, white, red." : undefined}
      value={all ? DIVERGING : colormap.value}
      choices={all ? [[DIVERGING, `${DIVERGING} (signed)`]] : COLORMAPS.map((name) => [name, name + suffix])}
      onChoose={(value) => actions.commit({ colormap: value })}
    />
  );
}

/** The controls that only redraw: none of them asks the kernel anything. */
export function DrawingControls({ store, actions }: ViewProps) {
  return (
    <div class="foot">
      <div class="controls">
        <Sliders store={store} actions={actions} />
        <Colorbar store={store} actions={actions} />
      </div>
      <div class="controls">
        <ColormapChoice store={store} actions={actions} />
        <DrawingChoices store={store} actions={actions} />
      </div>
    </div>
  );
}

function Sliders({ store, actions }: ViewProps) {
  const { opacity, threshold } = store.traits;
  return (
    <>
      <Slider
        id="kx-opacity"
        label="Opacity"
        title="How much the map covers the picture"
        value={opacity.value}
        onMove={(value) => actions.preview({ opacity: value })}
        onRelease={(value) => actions.commit({ opacity: value })}
      />
      <Slider
        id="kx-threshold"
        label="Threshold"
        title="Leaves out values below this part of the scale"
        value={threshold.value}
        onMove={(value) => actions.preview({ threshold: value })}
        onRelease={(value) => actions.commit({ threshold: value })}
      />
      <Slider
        id="kx-swipe"
        label="Swipe"
        title="Bares the picture from the left"
        value={store.swipe.value}
        onMove={actions.setSwipe}
        onRelease={actions.setSwipe}
      />
    </>
  );
}

function DrawingChoices({ store, actions }: ViewProps) {
  const { sign, scale } = store.traits;
  return (
    <>
      <Choice
        id="kx-sign"
        label="Sign"
        title="What speaks for the class, how much either way, or what speaks for and against"
        value={sign.value}
        choices={same(SIGNS)}
        onChoose={(value) => actions.commit({ sign: value as Sign })}
      />
      <Choice
        id="kx-scale"
        label="Scale"
        title="What the ends of the colours stand for: the largest value of each map, of each image, or of all"
        value={scale.value}
        choices={SCALES}
        onChoose={(value) => actions.commit({ scale: value as Scale })}
      />
      <Choice
        id="kx-map"
        label="Map"
        title="Interpolated between the cells of the map, or the cells themselves"
        value={store.cells.value ? "cells" : "smooth"}
        choices={same(["smooth", "cells"])}
        onChoose={(value) => actions.set("cells", value === "cells")}
      />
      <Choice
        id="kx-picture"
        label="Picture"
        title="How the picture is drawn when it is zoomed"
        value={store.pixelated.value ? "pixels" : "smooth"}
        choices={same(["smooth", "pixels"])}
        onChoose={(value) => actions.set("pixelated", value === "pixels")}
      />
    </>
  );
}
