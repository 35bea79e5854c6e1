"""Write the first two tables of docs/models.md, of the nets that are tested: ``python -m tools.models_page``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

from kx_widget.engine.types import Inspection

PAGE = Path(__file__).parents[1] / "docs/models.md"
HEADING = """# Models that are tested

Each is built with random weights and explained as it is; the map equals that of a textbook Grad-CAM, for
nets of keras-hub that of Keras run eagerly under a tape, and every layer offered gives a map of the image's
aspect. `python -m tools.models_page` writes this table.

| model | input | head | layer to explain | why | method to begin with |
|---|---|---|---|---|---|
"""
OTHERS = """## Segmenters, detectors, values, bands and several inputs

Built with random weights but for the last, which is trained. Scores are those of Keras, over the whole output where
there are places, and a map of gradients says how they change with the image. Maps of U-Net, SegFormer and DeepLabV3
also equal medicai's Grad-CAM (`make oracles`).

| model | inputs | what it tells | layer to explain | method to begin with |
|---|---|---|---|---|
"""
# The first section that is written elsewhere.
REST = "\n## Embeddings"


class Facts(NamedTuple):
    """What the page says of a net, its prose left out."""

    input: str
    head: str
    layer: str
    size: tuple[int, ...]
    method: str


def facts(name: str, inspection: Inspection) -> Facts:
    """Give what the page must say of the net of this name."""
    from tests.zoo import FAMILIES

    layer = next((layer for layer in inspection.layers if layer.path == inspection.recommended), None)
    shown = inspection.recommended
    if layer and name in FAMILIES and FAMILIES[name][1] is None:
        shown = f"{layer.type} before the pooling"
    return Facts(
        " × ".join(map(str, inspection.input_shape)),
        f"{inspection.head}, {inspection.classes} classes",
        str(shown),
        (*(layer.spatial or ()), layer.shape[-1] or 0) if layer else (),
        inspection.recommended_method,
    )


def read() -> dict[str, Facts]:
    """Give what the page says of each net."""
    table = PAGE.read_text(encoding="utf-8").partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")][1:]
    return {
        name: Facts(size, head, layer.strip("`"), _map_size(why), method.strip("`"))
        for name, size, head, layer, why, method in rows
    }


def row_of(name: str, explainer: Any) -> tuple[str, ...]:
    """Give the row of a model that tells something else than one class of one picture."""
    inspection = explainer.inspection
    places = explainer.prepare(inspection.input_shape).graph.output
    inputs = [" × ".join(map(str, inspection.input_shape))]
    inputs += [f"{spec.name}: {' × '.join(map(str, spec.shape[1:]))}" for spec in explainer.inputs.others]
    names, units = explainer.class_names, explainer.settings.output_names
    scores = f"values: {', '.join(names)}" if units else f"{inspection.classes} classes"
    if places is not None:
        scores += f" at {' × '.join(map(str, places.grid))} places" if places.grid else f" at {places.count} places"
    return name, "; ".join(inputs), scores, f"`{inspection.recommended}`", f"`{inspection.recommended_method}`"


def read_others() -> dict[str, tuple[str, ...]]:
    """Give the rows of the second table by the names of their models."""
    table = PAGE.read_text(encoding="utf-8").partition(OTHERS)[2].partition(REST)[0]
    rows = [tuple(line.strip("| ").split(" | ")) for line in table.splitlines() if line.startswith("| ")]
    return {row[0]: row for row in rows}


def _map_size(why: str) -> tuple[int, ...]:
    size = re.search(r"(\d+) × (\d+) cells, (\d+)", why)
    return tuple(map(int, size.groups())) if size else ()


def main() -> None:
    """Build each net and write its row."""
    from tests import other_models
    from tests.zoo import NAMES, explainer_of

    rows: list[str] = []
    for name in NAMES:
        inspection = explainer_of(name).inspection
        net = facts(name, inspection)
        why = inspection.why.replace(str(inspection.recommended), net.layer)
        rows.append(f"| {name} | {net.input} | {net.head} | `{net.layer}` | {why} | `{net.method}` |\n")
    others = [f"| {' | '.join(row_of(name, other_models.explainer_of(name)))} |\n" for name in other_models.OTHERS]
    rest = PAGE.read_text(encoding="utf-8").partition(REST)[2]
    PAGE.write_text(HEADING + "".join(rows) + "\n" + OTHERS + "".join(others) + REST + rest, encoding="utf-8")


if __name__ == "__main__":
    main()
