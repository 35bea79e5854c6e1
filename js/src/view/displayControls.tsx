import type { Signal } from "@preact/signals";
import { COLORMAPS, DIVERGING } from "../canvas/colormap";
import type { Scale, Sign } from "../math/postprocess";
import { options, Select } from "./field";
import type { ViewProps } from "./props";
import { type ControlText, Slider } from "./slider";

type Choices = readonly (readonly [value: string, text: string])[];

const THRESHOLD = { id: "kx-threshold", label: "Threshold", title: "Leaves out values below this part of the scale" };
const SWIPE = { id: "kx-swipe", label: "Swipe", title: "Bares the picture from the left" };

const same = (...names: readonly string[]): Choices => names.map((name) => [name, name]);
const SIGN = {
  ...{ id: "kx-sign", label: "Sign", choices: same("positive", "absolute", "signed") },
  title: "What speaks for the class, how much either way, or what speaks for and against",
};
const SCALES: readonly [Scale, string][] = [
  ["map", "per map"],
  ["image", "per image"],
  ["all", "shared"],
];
const SCALE = {
  ...{ id: "kx-scale", label: "Scale", choices: SCALES },
  title: "What the ends of the colours stand for: the largest value of each map, of each image, or of all",
};
const MAP = {
  ...{ id: "kx-map", label: "Map", choices: same("smooth", "cells") },
  title: "Interpolated between the cells of the map, or the cells themselves",
};
const PICTURE = {
  ...{ id: "kx-picture", label: "Picture", choices: same("smooth", "pixels") },
  title: "How the picture is drawn when it is zoomed",
};
const LINKED = {
  ...{ id: "kx-linked", label: "Crosshair and zoom", choices: same("one image", "all images") },
  title: "Whether the crosshair and the zoom are those of one image, in all its columns, or of all images",
};

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
      title={
        signed.length > 0 ? "Signed maps are always drawn blue, white, red." : "The colours of low and high values"
      }
      value={all ? DIVERGING : colormap.value}
      choices={all ? [[DIVERGING, `${DIVERGING} (signed)`]] : COLORMAPS.map((name) => [name, name + suffix])}
      onChoose={(value) => actions.commit({ colormap: value })}
    />
  );
}

/** How maps and pictures are drawn: none of it asks the kernel anything. */
export function DisplayControls({ store, actions }: ViewProps) {
  const { cells, pixelated, swipe, linked } = store;
  const { threshold, sign, scale } = store.traits;
  const { commit } = actions;
  const choose = (signal: Signal<boolean>, value: string) => (chosen: string) => {
    signal.value = chosen === value;
  };
  return (
    <>
      <ColormapChoice store={store} actions={actions} />
      <Choice {...SIGN} value={sign.value} onChoose={(value) => commit({ sign: value as Sign })} />
      <Choice {...SCALE} value={scale.value} onChoose={(value) => commit({ scale: value as Scale })} />
      <Slider {...THRESHOLD} value={threshold} onRelease={(value) => commit({ threshold: value })} />
      <Choice {...MAP} value={cells.value ? "cells" : "smooth"} onChoose={choose(cells, "cells")} />
      <Choice {...PICTURE} value={pixelated.value ? "pixels" : "smooth"} onChoose={choose(pixelated, "pixels")} />
      <Slider {...SWIPE} value={swipe} />
      <Choice {...LINKED} value={linked.value ? "all images" : "one image"} onChoose={choose(linked, "all images")} />
      <p class="dim">Zoom: Ctrl + wheel, double click, + or −</p>
    </>
  );
}
