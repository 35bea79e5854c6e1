import type { Actions } from "../actions";
import { COLORMAPS, DIVERGING } from "../canvas/colormap";
import type { Scale, Sign } from "../postprocess";
import type { Store } from "../store";
import { Colorbar } from "./colorbar";
import { KEYS, Select } from "./field";

const SIGNS: readonly [Sign, string][] = [
  ["positive", "positive"],
  ["absolute", "absolute"],
  ["signed", "signed"],
];
const SCALES: readonly [Scale, string][] = [
  ["map", "per map"],
  ["image", "per image"],
  ["all", "shared"],
];

const MAPS = [
  ["smooth", "smooth"],
  ["cells", "cells"],
] as const;
const PICTURES = [
  ["smooth", "smooth"],
  ["pixels", "pixels"],
] as const;

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
    <span class="control" title={title}>
      <label for={id}>{label}</label>
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
    </span>
  );
}

interface ChoiceProps {
  id: string;
  label: string;
  title: string | undefined;
  value: string;
  choices: readonly (readonly [string, string])[];
  onChoose(value: string): void;
}

function Choice({ id, label, title, value, choices, onChoose }: ChoiceProps) {
  return (
    <span class="control" title={title}>
      <label for={id}>{label}</label>
      <Select id={id} value={value} onChoose={onChoose}>
        {choices.map(([key, text]) => (
          <option key={key} value={key}>
            {text}
          </option>
        ))}
      </Select>
    </span>
  );
}

/** What signed maps are drawn in is not for choosing; the choice is for other maps, where there are any. */
function Colormap({ store, actions }: { store: Store; actions: Actions }) {
  const { colormap, sign } = store.traits;
  const columns = store.answer.value?.columns ?? [];
  const signed = columns.filter((column) => column.signed && sign.value === "signed");
  const all = signed.length > 0 && signed.length === columns.length;
  return (
    <Choice
      id="kx-colormap"
      label="Colormap"
      title={signed.length > 0 ? "Signed maps are always drawn blue, white, red." : undefined}
      value={all ? DIVERGING : colormap.value}
      choices={
        all
          ? [[DIVERGING, `${DIVERGING} (signed)`]]
          : COLORMAPS.map((name) => [name, signed.length > 0 ? `${name}, signed ${DIVERGING}` : name])
      }
      onChoose={(value) => actions.commit({ colormap: value })}
    />
  );
}

/** The controls that only redraw: none of them asks the kernel anything. */
export function Drawing({ store, actions }: { store: Store; actions: Actions }) {
  const { opacity, threshold, sign, scale } = store.traits;
  return (
    <div class="foot">
      <div class="controls">
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
          onMove={actions.swipe}
          onRelease={actions.swipe}
        />
        <Colorbar store={store} actions={actions} />
      </div>
      <div class="controls">
        <Colormap store={store} actions={actions} />
        <Choice
          id="kx-sign"
          label="Sign"
          title="What speaks for the class, how much either way, or what speaks for and against"
          value={sign.value}
          choices={SIGNS}
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
          choices={MAPS}
          onChoose={(value) => actions.show("cells", value === "cells")}
        />
        <Choice
          id="kx-picture"
          label="Picture"
          title="How the picture is drawn when it is zoomed"
          value={store.pixelated.value ? "pixels" : "smooth"}
          choices={PICTURES}
          onChoose={(value) => actions.show("pixelated", value === "pixels")}
        />
      </div>
    </div>
  );
}
