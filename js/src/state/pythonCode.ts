/** The Python that shows the same view again. */

import { regionCode } from "./regionCode";
import { DEFAULTS, type Store, type Target, type Traits } from "./store";

/** A JSON value as Python writes it. */
export function literal(value: unknown): string {
  if (value === null || value === undefined) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (typeof value === "number") {
    if (Number.isNaN(value)) return 'float("nan")';
    return Number.isFinite(value) ? String(value) : `float("${value > 0 ? "inf" : "-inf"}")`;
  }
  if (typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  const entries = Object.entries(value as object).map(([key, one]) => `${literal(key)}: ${literal(one)}`);
  return `{${entries.join(", ")}}`;
}

/** Traits that are always written; others only where they differ from their default. */
const ALWAYS: readonly (keyof Traits)[] = ["target", "layer", "method"];
/** Unless Python tells it the page, or it is written in another way. */
const isWritten = (name: keyof Traits) => !["weights_changed", "regions"].includes(name) && !name.startsWith("_");
const OTHERS = (Object.keys(DEFAULTS) as (keyof Traits)[]).filter((name) => !ALWAYS.includes(name) && isWritten(name));

const isName = (text: string) => /^[a-z_]+$/.test(text);
const unwritten = (argument: string) => argument.split("=").at(-1) ?? "";

/** The parameters, and which of them are images: a text stands for those, which Python has to be given again. */
function writtenParams(store: Store): [string, string[]] {
  const params = Object.entries(store.traits.params.value);
  const records = store.constants.value?.catalogue.flatMap((method) => method.params) ?? [];
  const images = records.filter(({ kind }) => kind === "images").map(({ name }) => name);
  const isImages = (name: string, value: unknown) => images.includes(name) && value !== null;
  const pairs = params.map(([name, value]) => `${literal(name)}: ${isImages(name, value) ? name : literal(value)}`);
  return [`{${pairs.join(", ")}}`, params.filter((pair) => isImages(...pair)).map(([name]) => name)];
}

/** The cell: the question and every drawing trait that differs from its default, after the user's own arguments. */
export function pythonCode(store: Store): string {
  const userArguments = store.constants.value?.arguments ?? ["model", "images"];
  const names = store.traits._names.value;
  const variables = new Map(store.traits._own_targets.value.map(({ name, variable }) => [name, variable || "target"]));
  const writtenTarget = (target: Target) => variables.get(String(target)) ?? literal(target);
  const [params, imageParams] = writtenParams(store);
  const written = (name: keyof Traits) => {
    if (name === "target") return writtenTarget(store.traits.target.value);
    if (name === "compare_with") return `[${store.traits.compare_with.value.map(writtenTarget).join(", ")}]`;
    if (name === "params") return params;
    return names[name] ?? literal(store.traits[name].value);
  };
  const named = ALWAYS.filter((name) => store.traits[name].value !== "");
  // What a store's `sort` says is the order of its rows, before a page sorts them.
  const later: (keyof Traits)[] = store.stored.value ? ["sort"] : [];
  const isChanged = (name: keyof Traits) => literal(store.traits[name].value) !== literal(DEFAULTS[name]);
  const changed = OTHERS.filter((name) => isChanged(name) && !later.includes(name));
  const targets = [store.traits.target.value, ...store.traits.compare_with.value].map(String);
  const ofTargets = targets.flatMap((name) => variables.get(name) ?? []);
  const others = [...userArguments.map(unwritten), ...ofTargets, ...imageParams]
    .filter((name, at, all) => isName(name) && all.indexOf(name) === at)
    .join(", ");
  const images = store.stored.value?.images ?? store.traits._images.value.length;
  const region = regionCode(store.traits.regions.value, images);
  const lines = [...named, ...changed].map((name) => `    ${name}=${written(name)},`);
  if (region) lines.push(`    region=${region},`);
  return [
    "import kx_widget as kx",
    "",
    ...(others ? [`# As in the cell that made this view: ${others}.`] : []),
    store.stored.value ? "w = kx.KxWidget.from_store(" : "w = kx.KxWidget(",
    ...userArguments.map((argument) => `    ${argument},`),
    ...lines,
    ")",
    ...later.filter(isChanged).map((name) => `w.${name} = ${written(name)}`),
    "w",
    "",
  ].join("\n");
}
