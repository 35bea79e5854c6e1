"""Write the first table of docs/models.md, of the nets that are tested: ``python -m tools.models_page``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from kx_widget.engine.types import Inspection

PAGE = Path(__file__).parents[1] / "docs/models.md"
HEADING = """# Models that are tested

Each is built with random weights and explained as it is; the map equals that of a textbook Grad-CAM, for
nets of keras-hub that of Keras run eagerly under a tape, and every layer offered gives a map of the image's
aspect. `python -m tools.models_page` writes this table.

| model | input | head | layer to explain | why | method to begin with |
|---|---|---|---|---|---|
"""


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


def _map_size(why: str) -> tuple[int, ...]:
    size = re.search(r"(\d+) × (\d+) cells, (\d+)", why)
    return tuple(map(int, size.groups())) if size else ()


def main() -> None:
    """Build each net and write its row."""
    from tests.zoo import NAMES, explainer_of

    rows: list[str] = []
    for name in NAMES:
        inspection = explainer_of(name).inspection
        net = facts(name, inspection)
        why = inspection.why.replace(str(inspection.recommended), net.layer)
        rows.append(f"| {name} | {net.input} | {net.head} | `{net.layer}` | {why} | `{net.method}` |\n")
    others = PAGE.read_text(encoding="utf-8").partition("\n## ")[2]
    PAGE.write_text(HEADING + "".join(rows) + f"\n## {others}", encoding="utf-8")


if __name__ == "__main__":
    main()
