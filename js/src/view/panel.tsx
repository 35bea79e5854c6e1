import { imageName } from "../state/labels";
import { focusedImage } from "../state/store";
import type { StageProps } from "./props";

/** What there is to know of the image in focus. */
export function Panel({ store }: StageProps) {
  return <h3>{imageName(store, focusedImage(store))}</h3>;
}
