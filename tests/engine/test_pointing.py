"""What the inspection tells of measurements is what docs/models.md tells."""

import re
from pathlib import Path

import pytest

import kx_widget as kx
from kx_widget.engine.pointing import CLASS_TOKEN, FEWER_KEYS, POOLED_TOKENS, WINDOWED, WINDOWED_AND_GLOBAL

PAGE = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")
NETS = {
    "ViT with a class token": CLASS_TOKEN,
    "The same ViT without a class token": POOLED_TOKENS,
    "Swin": WINDOWED,
    "ViTDet": WINDOWED_AND_GLOBAL,
    "MiT": FEWER_KEYS,
}


def shares(cell):
    """The mean over the two objects, in %."""
    return sum(map(int, cell.split(" / "))) / 2


@pytest.mark.parametrize("net", NETS)
def test_the_figures_are_those_of_the_page(net):
    measured = NETS[net]
    section = re.search(rf"^### {net}.*?(?=^### |\Z)", PAGE, re.M | re.S)
    assert section
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section[0].splitlines() if "|" in line]
    head = next(row for row in rows if row[0] == "layer")
    layers = [row for row in rows if "`" in row[0]]
    (recommended,) = [row for row in layers if row[0].startswith("**")]
    assert measured.layers.keys() == {"gradcam", "gradcampp", "hirescam", "layercam"}
    for method, (share, usual) in measured.layers.items():
        column = head.index(kx.METHODS[method].title)
        assert abs(shares(recommended[column]) - share) <= 1
        assert abs(shares(layers[-1][column]) - usual) <= 1
    of_methods = {row[0].lower(): shares(row[1]) for row in rows if len(row) == 2 and " / " in row[1]}
    for method, share in measured.methods.items():
        if method not in measured.layers:
            assert abs(of_methods[kx.METHODS[method].title.lower()] - share) <= 1
    assert {measured.first, measured.second} <= measured.methods.keys()
