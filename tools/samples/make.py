"""Make everything that `kx_widget.samples` ships: ``python -m tools.samples.make`` (needs scikit-image).

``--assets`` stops after the pictures; ``--measure`` measures what is there; ``--model`` names one of the models.
"""

from __future__ import annotations

import argparse
import time
from functools import partial

import numpy as np

from kx_widget.samples import MODELS, SHORTCUT, THERMAL, TWIN
from kx_widget.samples.scenes import DATA, scenes

from . import segmenter, tagged, thermal, train, transformer
from .assets import write_assets

FILES = {**MODELS, "shortcut": SHORTCUT, "twin": TWIN, "thermal": THERMAL}
TRAIN = {
    "cnn": train.train,
    "vit": transformer.train,
    "segmenter": segmenter.train,
    "shortcut": partial(tagged.train, "shortcut"),
    "twin": partial(tagged.train, "twin"),
    "thermal": thermal.train,
}
MEASURE = {
    "cnn": partial(train.measure, method="gradcam"),
    "vit": partial(train.measure, method="attention_gradient"),
    "segmenter": segmenter.measure,
    "shortcut": tagged.measure,
    "twin": tagged.measure,
    "thermal": thermal.measure,
}
# (objects, seed, index) of the scenes to show.
SHOWN = ((2, 100, 18), (2, 100, 20), (2, 100, 7), (3, 100, 22), (3, 100, 23))


def write_shown() -> None:
    """Write the scenes that `load` returns, with their masks."""
    found = [scenes(index + 1, objects, seed) for objects, seed, index in SHOWN]
    np.savez_compressed(
        DATA / "scenes.npz",
        images=np.stack([images[-1] for images, _, _ in found]),
        masks=np.stack([masks[-1] for _, _, masks in found]),
    )


def main() -> None:
    """Write the pictures, train the models, pick the scenes to show, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", action="store_true", help="only the pictures")
    parser.add_argument("--measure", action="store_true", help="only measure the shipped models")
    parser.add_argument("--model", choices=FILES, help="this model alone, and no pictures")
    asked = parser.parse_args()
    started = time.perf_counter()
    if not (asked.measure or asked.model):
        write_assets(DATA)
        write_shown()
    for name in () if asked.assets else FILES if asked.model is None else (asked.model,):
        path = DATA / FILES[name]
        if not asked.measure:
            TRAIN[name](path)
        import keras

        for what, figure in MEASURE[name](keras.saving.load_model(path, compile=False)).items():
            print(f"{name}, {what}: {figure:.3f}")
    print(f"{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
