import { COVERS, type CoverName, type Store } from "../state/store";
import { options, Select } from "./field";

interface CoverSelectProps {
  store: Store;
  disabled?: boolean;
  onChoose(cover: CoverName): void;
}

/** With what parts of pictures are covered. */
export const CoverSelect = ({ store, disabled, onChoose }: CoverSelectProps) => (
  <Select
    id="kx-cover"
    label="with"
    name="cover with"
    title="What covers: a blur of the picture, its mean colour, or black"
    value={store.cover.value}
    disabled={disabled}
    onChoose={(cover) => onChoose(cover as CoverName)}
  >
    {options(COVERS.map((cover) => [cover, cover]))}
  </Select>
);
