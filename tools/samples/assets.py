"""Write the shipped pictures: cut-outs, backgrounds and photographs, from scikit-image's data folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from PIL import Image

from .backgrounds import BACKGROUNDS, crop_all
from .cutouts import cut_all

PHOTOGRAPHS = {
    "astronaut": "astronaut.png",
    "chelsea": "chelsea.png",
    "coffee": "coffee.png",
    "rocket": "rocket.jpg",
}
LONGEST_SIDE = 512
# The photographs cut these off at their lower edge, so a scene shows them standing on its own.
GROUNDED = ("astronaut", "photographer")


def write_assets(folder: Path) -> None:
    """Cut out, crop and write everything under `folder`, with `assets.json` as the list."""
    import skimage

    data = Path(skimage.__file__).parent / "data"
    for part in ("cutouts", "backgrounds", "photographs"):
        shutil.rmtree(folder / part, ignore_errors=True)
        (folder / part).mkdir(parents=True)
    cutouts: dict[str, list[str]] = {}
    for name, pictures in cut_all(data).items():
        stem = name.replace(" ", "-")
        cutouts[name] = []
        for i, picture in enumerate(pictures):
            file = f"cutouts/{stem}{i if len(pictures) > 1 else ''}.png"
            picture.save(folder / file, optimize=True)
            cutouts[name].append(file)
    backgrounds = {}
    for name, picture in crop_all(data).items():
        file = f"backgrounds/{name.replace(' ', '-')}.jpg"
        picture.save(folder / file, quality=88, optimize=True)
        backgrounds[file] = BACKGROUNDS[name].tints
    for name, source in PHOTOGRAPHS.items():
        with Image.open(data / source) as opened:
            picture = opened.convert("RGB")
        picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
        picture.save(folder / f"photographs/{name}.jpg", quality=92, optimize=True)
    facts = {"cutouts": cutouts, "backgrounds": backgrounds, "grounded": GROUNDED}
    (folder / "assets.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8", newline="\n")
