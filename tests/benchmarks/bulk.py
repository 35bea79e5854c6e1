"""A data set beside a bare compiled model, how memory goes, and what a store takes."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from tests.benchmarks.child import ROOT, memory_mib

HEAD = ("work", "asked", "measured", "")
IMAGES, EARLY, BATCH = 2000, 200, 32
ROWS = 100_000


def photographs(folder: Path) -> None:
    """JPEGs of 500 × 375 that take as many bytes as photographs do."""
    rng = np.random.default_rng(0)
    for i in range(IMAGES):
        coarse = Image.fromarray(rng.integers(0, 256, (24, 32, 3), np.uint8))
        smooth = np.asarray(coarse.resize((500, 375), Image.Resampling.BICUBIC))
        noisy = np.clip(smooth + rng.normal(0, 12, smooth.shape), 0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(folder / f"{i:04}.jpg", quality=85)


def compare(folder: str) -> dict[str, float]:
    """Explain all, with a bare compiled model on every other batch's images, right after it, in turn."""
    import keras
    import tensorflow as tf

    import kx_widget as kx

    keras.utils.set_random_seed(0)
    model = keras.applications.MobileNetV2(weights=None)
    x = kx.Explainer(model)
    compiled = tf.function(lambda batch: model(batch, training=False), autograph=False)
    paths = sorted(Path(folder).glob("*.jpg"))
    for _ in range(2):
        given = x.load(paths[:BATCH]).batch
        compiled(tf.constant(given)).numpy()
        x.explain(paths[:BATCH])
    start, early = time.perf_counter(), 0.0
    run = x.explain_dataset(paths)
    for e in run:
        del e
        if not early and run.done >= EARLY:
            early = memory_mib("VmRSS")
    ours = time.perf_counter() - start
    late = memory_mib("VmRSS")
    # Every tenth batch stands for the decoded batches of all: they do not fit in memory.
    taken = 0.0
    for at in range(0, len(paths), 10 * BATCH):
        given = x.load(paths[at : at + BATCH]).batch
        begun = time.perf_counter()
        compiled(tf.constant(given)).numpy()
        taken += (time.perf_counter() - begun) / len(given)
    bare = taken / len(range(0, len(paths), 10 * BATCH)) * len(paths)
    begun = time.perf_counter()
    store = x.explain_to(Path(folder) / "maps.parquet", paths[: 2 * BATCH * 8])
    stored = time.perf_counter() - begun
    raw = sum(m.nbytes for m in store.maps(store.select()))
    held = sum(p.stat().st_size for p in Path(store.path).iterdir())
    return {
        "ratio": bare / ours, "per second": len(paths) / ours, "early": early, "late": late,
        "store": held / raw, "stored per second": len(store) / stored,
    }  # fmt: skip


def opening() -> tuple[float, float]:
    """Seconds to open a store of `ROWS` maps and have the first 24 by score; its bytes over those of the maps."""
    import kx_widget as kx
    from tests.bulk.synthetic import synthetic

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "maps.parquet"
        maps = np.random.default_rng(0).normal(size=(ROWS, 1, 7, 7)).astype(np.float32)
        synthetic(path, maps, part=1024)
        begun = time.perf_counter()
        store = kx.Store(path)
        store.maps(store.select(sort="score", descending=True)[:24])
        taken = time.perf_counter() - begun
        return taken, sum(p.stat().st_size for p in path.iterdir()) / maps.nbytes


def rows() -> Iterator[tuple[str, str, str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        photographs(Path(folder))
        command = [sys.executable, "-m", "tests.benchmarks.bulk", folder]
        ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, check=True)
    found = json.loads(ran.stdout.splitlines()[-1])
    label = f"explain_dataset, {IMAGES} JPEGs of 500×375, MobileNetV2"
    yield label, "≥ 0.90 of a bare model's images/s", f"{found['ratio']:.2f}", f"{found['per second']:.1f} images/s"
    growth = found["late"] / found["early"] - 1
    memory = f"{found['early']:.0f} MiB, then {found['late']:.0f} MiB"
    yield f"memory from image {EARLY} to {IMAGES}", "< 5 %", f"{growth:+.1%}", memory
    yield "explain_to, bytes over those of the maps", "≤ 1.3", f"{found['store']:.2f}", "7 × 7, float32"
    taken, size = opening()
    yield f"Store of {ROWS:,} rows: open, sort, 24 maps", "≤ 2 s", f"{taken:.2f} s", f"{size:.2f} × the maps' bytes"


if __name__ == "__main__":
    print(json.dumps(compare(sys.argv[1])))
