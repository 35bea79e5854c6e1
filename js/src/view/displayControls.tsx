import { COLORMAPS, DIVERGING, drawnTable } from "../canvas/colormap";
import type { Scale, Sign } from "../math/postprocess";
import { SHOWN } from "../state/detections";
import { options, Select } from "./field";
import type { ViewProps } from "./props";
import { type ControlText, Slider } from "./slider";

type Choices = readonly (readonly [value: string, text: string])[];

const THRESHOLD = { id: "kx-threshold", label: "Threshold", title: "Leaves out values below this part of the scale" };
const SWIPE = { id: "kx-swipe", label: "Swipe", title: "Bares the picture from the left" };

const same = (...names: readonly string[]): Choices => names.map((name) => [name, name]);
const SIGN = {
  ...{ id: "kx-sign", label: "Sign", choices: same("auto", "positive", "absolute", "signed") },
  title: "What suits the method, what speaks for it, how much either way, or what speaks for and against",
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
  ["95", "95 %"],
  ["98", "98 %"],
  ["99", "99 %"],
  ["99.9", "99.9 %"],
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
const STYLES: Choices = [
  ["fill", "filled"],
  ["contours", "contours"],
];
const STYLE = {
  ...{ id: "kx-style", label: "Style", choices: STYLES },
  title: "Colours over the picture, or lines around the stronger parts of the map",
};
const PHOTOS: Choices = [
  ["gray", "grey"],
  ["colour", "colour"],
];
const PHOTO = {
  ...{ id: "kx-photo", label: "Photo", choices: PHOTOS },
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
const BOXES = {
  ...{ id: "kx-boxes", label: "Boxes", choices: SHOWN.map(([from, text]) => [String(from), text] as const) },
  title: "Which of the boxes that the model detects are drawn, by their probability; of each image the best is",
};
const BORDERS = {
  ...{ id: "kx-borders", label: "Borders", choices: same("shown", "hidden") },
  title: "Lines between the parts of the picture that have one value each",
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

/** The colour table; of maps drawn with both signs, which have tables of their own, it says which. */
function ColormapChoice({ store, actions }: ViewProps) {
  const chosen = store.traits.colormap.value;
  const columns = store.answer.value?.columns ?? [];
  const signed = columns.filter(({ signed }, column) => {
    const { sign, origin } = store.displayOf({ item: { signed, column } });
    return signed && sign === "signed" && origin === "zero";
  });
  const isAll = signed.length > 0 && signed.length === columns.length;
  const table = drawnTable(chosen, true);
  const suffix = (name: string) => (signed.length > 0 && drawnTable(name, true) !== name ? `, signed ${table}` : "");
  const names = isAll ? DIVERGING : COLORMAPS;
  return (
    <Choice
      id="kx-colormap"
      label="Colormap"
      title={isAll ? "The colours of what speaks against and for the class" : "The colours of low and high values"}
      value={isAll ? table : chosen}
      choices={names.map((name) => [name, isAll ? `${name} (signed)` : name + suffix(name)])}
      onChoose={(value) => actions.commit({ colormap: value })}
    />
  );
}

/** Of a detector: which of the boxes that it detects are drawn. */
function DetectedBoxesChoice({ store: { boxesFrom, traits } }: Pick<ViewProps, "store">) {
  if (!traits._detections.value.some(({ length }) => length > 0)) return null;
  return (
    <Choice
      {...BOXES}
      value={String(boxesFrom.value)}
      onChoose={(value) => {
        boxesFrom.value = SHOWN.find(([from]) => String(from) === value)?.[0] ?? null;
      }}
    />
  );
}

/** Of maps that have one value in each part of the picture: whether the borders of the parts are drawn. */
function BordersChoice({ store: { answer, borders } }: Pick<ViewProps, "store">) {
  if (!answer.value?.columns.some(({ display }) => display?.borders)) return null;
  return (
    <Choice
      {...BORDERS}
      value={borders.value ? "shown" : "hidden"}
      onChoose={(value) => {
        borders.value = value === "shown";
      }}
    />
  );
}

/** How maps and pictures are drawn: none of it asks the kernel anything. */
export function DisplayControls({ store, actions }: ViewProps) {
  const { linked } = store;
  const { threshold, swipe, sign, scale, clip, photo, map_style, cells, pixelated } = store.traits;
  const { commit } = actions;
  return (
    <>
      <ColormapChoice store={store} actions={actions} />
      <Choice {...SIGN} value={sign.value} onChoose={(value) => commit({ sign: value as Sign | "auto" })} />
      <Choice {...SCALE} value={scale.value} onChoose={(value) => commit({ scale: value as Scale })} />
      <Slider {...THRESHOLD} value={threshold} onRelease={(value) => commit({ threshold: value })} />
      <Choice
        {...CLIP}
        value={String(clip.value ?? "")}
        choices={clips(clip.value)}
        onChoose={(value) => commit({ clip: value ? Number(value) : null })}
      />
      <Choice
        {...STYLE}
        value={map_style.value}
        onChoose={(value) => commit({ map_style: value as typeof map_style.value })}
      />
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
      <BordersChoice store={store} />
      <DetectedBoxesChoice store={store} />
      <Slider {...SWIPE} value={swipe} onRelease={(value) => commit({ swipe: value })} />
      <Choice
        {...LINKED}
        value={linked.value ? "all images" : "one image"}
        onChoose={(value) => {
          linked.value = value === "all images";
        }}
      />
      <p class="dim">Zoom: Ctrl + wheel, double click, + or −</p>
    </>
  );
}
