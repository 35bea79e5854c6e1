"""Make everything that `kx_widget.samples` ships: ``python -m tools.samples.make`` (needs scikit-image).

``--assets`` stops after the pictures; ``--measure`` measures what is there; ``--model`` names one of the models.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from kx_widget.samples import MODELS, SHORTCUT, TWIN
from kx_widget.samples.scenes import DATA, scenes

from . import tagged, train, transformer
from .assets import write_assets

TRAIN = {"cnn": train.train, "vit": transformer.train}
# The method by which each is measured.
POINTS = {"cnn": "gradcam", "vit": "attention_gradient"}
TAGGED = {"shortcut": SHORTCUT, "twin": TWIN}
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
    parser.add_argument("--model", choices=[*MODELS, *TAGGED], help="this model alone, and no pictures")
    asked = parser.parse_args()
    started = time.perf_counter()
    if not (asked.measure or asked.model):
        write_assets(DATA)
        write_shown()
    files = {**MODELS, **TAGGED}
    for name in () if asked.assets else files if asked.model is None else (asked.model,):
        path = DATA / files[name]
        if not asked.measure:
            tagged.train(name, path) if name in TAGGED else TRAIN[name](path)
        import keras

        model = keras.saving.load_model(path, compile=False)
        shares = tagged.measure(model) if name in TAGGED else train.measure(model, POINTS[name])
        for what, share in shares.items():
            print(f"{name}, {what}: {share:.1%}")
    print(f"{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
