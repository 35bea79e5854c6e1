"""Make everything that `kx_widget.samples` ships: ``python -m kx_widget.samples.make`` (needs scikit-image).

``--assets`` stops after the pictures; ``--measure`` measures what is there.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from .assets import write_assets
from .scenes import DATA, scenes
from .train import measure, train

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
    """Write the pictures, train the model, pick the scenes to show, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", action="store_true", help="only the pictures")
    parser.add_argument("--measure", action="store_true", help="only measure the shipped model")
    asked = parser.parse_args()
    started = time.perf_counter()
    model = DATA / "scenes.keras"
    if not asked.measure:
        write_assets(DATA)
        write_shown()
    if not (asked.assets or asked.measure):
        train(model)
    if not asked.assets:
        import keras

        for name, share in measure(keras.saving.load_model(model, compile=False)).items():
            print(f"{name}: {share:.1%}")
    print(f"{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
