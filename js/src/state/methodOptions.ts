/** The methods as the picker offers them, by the question that they answer. */

import type { MethodRecord } from "../kernel/protocol";
import { isAvailable, NEEDS_KERNEL } from "./availableQuestions";
import { canShowConcepts, showsConcepts } from "./concepts";
import { costText, resolutionText } from "./labels";
import { chosenMethod, type Store } from "./store";

export interface MethodOption {
  key: string;
  text: string;
  method: MethodRecord;
  /** Under which it stands. */
  heading: string;
  /** One line about it, or why it cannot be chosen. */
  note: string;
  /** What it costs. */
  figure: string;
  resolution: string;
  /** Why it cannot be chosen; "" where it can. */
  objection: string;
  /** Why it is recommended, if it is. */
  why?: string;
}

/** No method, for it explains no class, but listed as one: it answers a question of its own. */
export const CONCEPTS: MethodRecord = {
  id: "concepts",
  title: "Concepts",
  family: "Concepts",
  purpose: "What concepts?",
  sees: "layer",
  summary: "The few parts that the layer sees in all of these images, one colour for each.",
  cost: "",
  good_for: "Telling what a layer groups together, and what wrong images share.",
  fails: "They have no names, and how many there are is a choice; other images have others.",
  resolution: "",
  reference: "Collins et al. 2018, arXiv 1806.10206; Fel et al. 2023, arXiv 2211.10154",
  params: [],
};
const RECOMMENDED = "Recommended for this model";
const KEPT = "Kept answers";

/** The same, so that those of one heading follow each other, and in each those that cannot be chosen come last. */
function grouped(options: readonly MethodOption[]): MethodOption[] {
  const headings = [...new Set([KEPT, ...options.map(({ heading }) => heading)])];
  const sorted = [...options].sort((a, b) => Number(Boolean(a.objection)) - Number(Boolean(b.objection)));
  return headings.flatMap((heading) => sorted.filter((option) => option.heading === heading));
}

/** Those to begin with, or those whose answers are kept, and then all methods, those of one question together. */
export function methodOptions(store: Store): readonly MethodOption[] {
  const { catalogue = [], inspection } = store.constants.value ?? {};
  const optionOf = (method: MethodRecord): MethodOption => {
    const isHere = isAvailable(store, "method", method.id);
    const objection = isHere ? (store.refused.value[method.id] ?? "") : NEEDS_KERNEL;
    return {
      key: method.id,
      text: method.title,
      method,
      // Pages that an earlier version saved tell families alone.
      heading: isHere && store.available.value ? KEPT : (method.purpose ?? method.family),
      note: objection || method.summary,
      figure: objection ? "" : costText(store, method),
      resolution: objection ? "" : resolutionText(store, method),
      objection,
    };
  };
  const concepts: MethodOption = {
    ...{ key: CONCEPTS.id, text: CONCEPTS.title, method: CONCEPTS, note: CONCEPTS.summary },
    heading: store.available.value && store.concepts.value ? KEPT : CONCEPTS.purpose,
    ...{ figure: "", resolution: resolutionText(store, CONCEPTS), objection: "" },
  };
  const options = grouped([...catalogue.map(optionOf), ...(canShowConcepts(store) ? [concepts] : [])]);
  const reasons = store.available.value ? {} : (inspection?.recommended_methods ?? {});
  const recommended = Object.entries(reasons).flatMap(([id, why]) =>
    options
      .filter(({ key, objection }) => key === id && !objection)
      .map((option) => ({ ...option, heading: RECOMMENDED, note: why, why })),
  );
  // A list that opens shows the chosen method where it stands first.
  const keys = new Set(recommended.map(({ key }) => key));
  const all = options.map((option) => (keys.has(option.key) ? { ...option, key: `${option.key} again` } : option));
  return [...recommended, ...all];
}

/** What the pictures show: the chosen method, or the concepts in place of its maps. */
export const shownMethod = (store: Store): MethodRecord | undefined =>
  showsConcepts(store) ? CONCEPTS : chosenMethod(store);

/** Methods that hold every word typed; those called so come first, and those that cannot be chosen last. */
export function searchMethods(options: readonly MethodOption[], query: string): readonly MethodOption[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return options;
  const rank = ({ method, heading, objection }: MethodOption): number => {
    const names = [method.id, method.title.toLowerCase()];
    const about = [...names, method.summary, method.reference, method.family, heading].join("\n").toLowerCase();
    if (!words.every((word) => about.includes(word))) return -1;
    const asTyped = words.join(" ");
    const place = names.includes(asTyped) ? 0 : names.some((name) => name.startsWith(asTyped)) ? 1 : 2;
    return (objection ? 4 : 0) + (place === 2 && !words.every((word) => names.join(" ").includes(word)) ? 3 : place);
  };
  return options
    .filter(({ why }) => why === undefined)
    .map((option) => ({ option: { ...option, heading: "" }, place: rank(option) }))
    .filter(({ place }) => place >= 0)
    .sort((a, b) => a.place - b.place)
    .map(({ option }) => option);
}
