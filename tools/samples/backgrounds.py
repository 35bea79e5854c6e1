"""Backgrounds for scenes: textures and parts of photographs that show none of the objects."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from PIL import Image

LONGEST_SIDE = 400


class Background(NamedTuple):
    """The part `box` (left, top, right, bottom) of a photograph; a grey one is coloured by one of `tints`."""

    source: str
    box: tuple[int, int, int, int] | None
    tints: tuple[tuple[float, float, float], ...] = ()


BACKGROUNDS: dict[str, Background] = {
    "brick": Background("brick.png", None, ((1.5, 0.95, 0.75), (1.3, 1.15, 1.0), (1.2, 1.2, 1.25))),
    "campus": Background("camera.png", (340, 20, 512, 300), ((0.95, 1.0, 1.1), (1.0, 1.0, 1.0), (1.1, 1.0, 0.85))),
    "grass": Background("grass.png", None, ((0.85, 1.15, 0.55), (1.1, 1.1, 0.6), (0.75, 1.1, 0.65))),
    "gravel": Background("gravel.png", None, ((1.0, 1.0, 1.0), (1.1, 1.0, 0.85), (0.9, 1.0, 1.1))),
    "handwriting": Background("text.png", None, ((1.3, 1.25, 1.1), (1.2, 1.2, 1.2), (1.05, 1.2, 1.35))),
    "retina": Background("retina.jpg", (330, 330, 1080, 1080)),
    "night sky": Background("rocket.jpg", (335, 0, 640, 427)),
    "night towers": Background("rocket.jpg", (0, 0, 285, 427)),
    "stars": Background("hubble_deep_field.jpg", None),
    "tissue": Background("ihc.png", None),
    "wall": Background("clock_motion.png", (0, 0, 120, 300), ((1.0, 0.95, 0.85), (0.85, 0.95, 1.1), (0.95, 1.05, 0.9))),
    "wood": Background("coffee.png", (482, 0, 600, 400)),
}


def crop_all(folder: Path) -> dict[str, Image.Image]:
    """Every background by name, from scikit-image's data `folder`; grey ones stay grey."""
    found = {}
    for name, background in sorted(BACKGROUNDS.items()):
        picture = Image.open(folder / background.source)
        picture = picture.convert("L" if background.tints else "RGB").crop(background.box)
        picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
        found[name] = picture
    return found
