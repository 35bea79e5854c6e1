"""Explains a folder beside a bare compiled model: `python -m tests.benchmarks.dataset FOLDER`."""

import json
import sys
import time
from pathlib import Path

from tests.benchmarks.child import memory_mib

IMAGES, EARLY, BATCH = 2000, 200, 32


def compare(folder: str) -> dict[str, float]:
    """Explain all, between two looks at what a bare compiled model takes for the same batches."""
    import keras
    import tensorflow as tf

    import kx_widget as kx

    keras.utils.set_random_seed(0)
    model = keras.applications.MobileNetV2(weights=None)
    x = kx.Explainer(model)
    compiled = tf.function(lambda batch: model(batch, training=False), autograph=False)
    paths = sorted(Path(folder).glob("*.jpg"))

    def bare() -> float:
        """Seconds an image; every tenth batch stands for all: they do not fit in memory."""
        taken, images = 0.0, 0
        for at in range(0, len(paths) - BATCH, 10 * BATCH):
            given = x.load(paths[at : at + BATCH]).batch
            begun = time.perf_counter()
            compiled(tf.constant(given)).numpy()
            taken += time.perf_counter() - begun
            images += len(given)
        return taken / images

    x.explain(paths[:BATCH])
    bare()
    before = bare()
    start, early = time.perf_counter(), 0.0
    run = x.explain_dataset(paths)
    for e in run:
        del e
        if not early and run.done >= EARLY:
            early = memory_mib("VmRSS")
    ours = (time.perf_counter() - start) / len(paths)
    late = memory_mib("VmRSS")
    ratio = (before + bare()) / 2 / ours
    begun = time.perf_counter()
    store = x.explain_to(Path(folder) / "maps.parquet", paths[: 16 * BATCH])
    stored = time.perf_counter() - begun
    raw = sum(m.nbytes for m in store.maps(store.select()))
    held = sum(p.stat().st_size for p in Path(store.path).iterdir())
    return {
        "ratio": ratio, "per second": 1 / ours, "early": early, "late": late,
        "store": held / raw, "stored per second": len(store) / stored,
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(compare(sys.argv[1])))
