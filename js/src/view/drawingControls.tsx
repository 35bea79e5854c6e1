import type { Signal } from "@preact/signals";
import { COLORMAPS, DIVERGING } from "../canvas/colormap";
import type { Scale, Sign } from "../math/postprocess";
import { Colorbar } from "./colorbar";
import { Field, options, Select } from "./field";
import type { ViewProps } from "./props";

/** A control's place and words, without its value. */
interface ControlText {
  id: string;
  label: string;
  title: string | undefined;
}
type Choices = readonly (readonly [value: string, text: string])[];

const OPACITY = { id: "kx-opacity", label: "Opacity", title: "How much the map covers the picture" };
const THRESHOLD = { id: "kx-threshold", label: "Threshold", title: "Leaves out values below this part of the scale" };
const SWIPE = { id: "kx-swipe", label: "Swipe", title: "Bares the picture from the left" };

const same = (...names: readonly string[]): Choices => names.map((name) => [name, name]);
const SIGN = {
  ...{ id: "kx-sign", label: "Sign", choices: same("auto", "positive", "absolute", "signed") },
  title: "What suits the method, what speaks for the class, how much either way, or what speaks for and against",
};
const SCALES: readonly [Scale, string][] = [
  ["map", "per map"],
  ["image", "per image"],
  ["all", "shared"],
];
const SCALE = {
  ...{ id: "kx-scale", label: "Scale", choices: SCALES },
  title: "Whether each map has colours of its own, or those of an image, or all, share the widest",
};
const CLIPS: Choices = [
  ["", "auto"],
  ...["95", "98", "99", "99.9"].map((clip) => [clip, `${clip} %`] as const),
  ["100", "all"],
];
/** With the one that is chosen, which Python may have named. */
const clips = (chosen: number | null): Choices =>
  chosen === null || CLIPS.some(([clip]) => clip === String(chosen))
    ? CLIPS
    : [...CLIPS, [String(chosen), `${chosen} %`]];
const CLIP = {
  ...{ id: "kx-clip", label: "Clip" },
  title: "How many of a map's values lie within the colours: a few outliers would take the whole scale",
};
const STYLE = {
  ...{
    id: "kx-style",
    label: "Style",
    choices: [
      ["fill", "filled"],
      ["contours", "contours"],
    ] as Choices,
  },
  title: "Colours over the picture, or lines around its strongest parts",
};
const PHOTO = {
  ...{
    id: "kx-photo",
    label: "Photo",
    choices: [
      ["gray", "grey"],
      ["colour", "colour"],
    ] as Choices,
  },
  title: "Whether the picture keeps its colours below a map",
};
const MAP = {
  ...{ id: "kx-map", label: "Map", choices: same("smooth", "cells") },
  title: "Interpolated between the cells of the map, or the cells themselves",
};
const PICTURE = {
  ...{ id: "kx-picture", label: "Picture", choices: same("smooth", "pixels") },
  title: "How the picture is drawn when it is zoomed",
};

interface SliderProps extends ControlText {
  /** From 0 to 1; set while the slider moves. */
  value: Signal<number>;
  onRelease?(value: number): void;
}

function Slider({ value, onRelease, ...text }: SliderProps) {
  return (
    <Field {...text} class="control">
      <input
        id={text.id}
        type="range"
        min="0"
        max="1"
        step="0.01"
        value={value.value}
        aria-valuetext={`${Math.round(value.value * 100)} %`}
        onInput={(event) => {
          value.value = event.currentTarget.valueAsNumber;
        }}
        onChange={(event) => onRelease?.(event.currentTarget.valueAsNumber)}
      />
    </Field>
  );
}

interface ChoiceProps extends ControlText {
  value: string;
  choices: Choices;
  onChoose(value: string): void;
}

const Choice = ({ choices, ...select }: ChoiceProps) => (
  <Select {...select} class="control">
    {options(choices)}
  </Select>
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
  const { opacity, threshold, swipe, sign, scale, clip, photo, style, cells, pixelated } = store.traits;
  const { commit } = actions;
  return (
    <div class="foot">
      <div class="controls">
        <Slider {...OPACITY} value={opacity} onRelease={(value) => commit({ opacity: value })} />
        <Slider {...THRESHOLD} value={threshold} onRelease={(value) => commit({ threshold: value })} />
        <Slider {...SWIPE} value={swipe} onRelease={(value) => commit({ swipe: value })} />
        <Colorbar store={store} actions={actions} />
      </div>
      <div class="controls">
        <ColormapChoice store={store} actions={actions} />
        <Choice {...SIGN} value={sign.value} onChoose={(value) => commit({ sign: value as Sign | "auto" })} />
        <Choice {...SCALE} value={scale.value} onChoose={(value) => commit({ scale: value as Scale })} />
        <Choice
          {...CLIP}
          value={String(clip.value ?? "")}
          choices={clips(clip.value)}
          onChoose={(value) => commit({ clip: value ? Number(value) : null })}
        />
        <Choice {...STYLE} value={style.value} onChoose={(value) => commit({ style: value as typeof style.value })} />
        <Choice {...PHOTO} value={photo.value} onChoose={(value) => commit({ photo: value as typeof photo.value })} />
        <Choice
          {...MAP}
          value={cells.value ? "cells" : "smooth"}
          onChoose={(value) => commit({ cells: value === "cells" })}
        />
        <Choice
          {...PICTURE}
          value={pixelated.value ? "pixels" : "smooth"}
          onChoose={(value) => commit({ pixelated: value === "pixels" })}
        />
      </div>
    </div>
  );
}
