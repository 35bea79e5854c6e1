import { styleOf } from "../canvas/drawStyle";
import type { TileMap } from "../kernel/decode";
import { briefExplainedText, briefName, sideText } from "../state/labels";
import { modelOf } from "../state/models";
import type { Store } from "../state/store";
import { splitTarget } from "../state/target";

/** What the colours of a map mean, in a sentence. */
export function colourMeaning(store: Store, map: TileMap): string {
  const { item } = map;
  if (map.isDifference) return differenceMeaning(store, item.column);
  const { diverging, sign, table } = styleOf(store, map);
  const [side, other] =
    item.target < 0 ? splitTarget(item.target_name, store.constants.value?.class_names ?? []) : [item.target, null];
  const name = other === null ? briefExplainedText(store, item) : sideText(store, side, briefName);
  const against = other === null ? "against it" : `for ${sideText(store, other, briefName)}`;
  // The upper end of that table is dark.
  const high = table === "turbo" ? "Red" : "Bright";
  if (item.unit !== null && item.signed) {
    const rival = other === null ? null : sideText(store, other, briefName);
    return valueMeaning(name, rival, { diverging, isPositive: sign === "positive", high });
  }
  if (diverging) return `Warm colours speak for ${name}, cold ones ${against}.`;
  if (!item.signed) return `${high}: where the map is high; it has no sign.`;
  return sign === "positive" ? `${high}: speaks for ${name}.` : `${high}: speaks for ${name}, or ${against}.`;
}

/** The same of how two models' maps differ. */
function differenceMeaning(store: Store, column: number): string {
  const [first, model] = [modelOf(store, 0), modelOf(store, column)];
  return `Warm colours: ${model} marks this more than ${first}; cold ones: less. Each map counts in parts of its own colours.`;
}

/** The same of a map of a value, or of its difference from a rival, which no classes speak for or against. */
function valueMeaning(
  name: string,
  rival: string | null,
  { diverging, isPositive, high }: { diverging: boolean; isPositive: boolean; high: string },
): string {
  const [more, less] = rival === null ? [name, ""] : [`${name} more than ${rival}`, `${rival} more than ${name}`];
  if (diverging) return `Warm colours raise ${more}, cold ones ${less || "lower it"}.`;
  return isPositive ? `${high}: raises ${more}.` : `${high}: raises ${more}, or ${less || "lowers it"}.`;
}
