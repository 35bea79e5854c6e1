"""Explains a folder beside a bare compiled model: `python -m tests.benchmarks.dataset FOLDER`."""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.benchmarks.child import memory_mib

IMAGES, EARLY, BATCH, TURNS = 2000, 200, 32, 3


def evidence_rates(x: Any, paths: list[Path]) -> list[float]:
    """The rate of explaining with the free columns of evidence over that without, least first."""

    def seconds(evidence: Any) -> float:
        start = time.perf_counter()
        for e in x.explain_dataset(paths, evidence=evidence):
            del e
        return time.perf_counter() - start

    seconds("free")
    turns = [(seconds(None), seconds("free"), seconds(None)) for _ in range(TURNS)]
    return sorted((before + after) / 2 / took for before, took, after in turns)


def compare(folder: str) -> dict[str, float]:
    """Explain all, between two looks at what a bare compiled model takes for the same batches."""
    import keras
    import tensorflow as tf

    import kx_widget as kx
    from kx_widget.engine.images import read

    keras.utils.set_random_seed(0)
    model = keras.applications.MobileNetV2(weights=None)
    x = kx.Explainer(model)
    compiled = tf.function(lambda batch: model(batch, training=False), autograph=False)
    paths = sorted(Path(folder).glob("*.jpg"))

    def bare(clock: Callable[[], float] = time.perf_counter) -> float:
        """Seconds an image; every tenth batch stands for all: they do not fit in memory."""
        taken, images = 0.0, 0
        for at in range(0, len(paths) - BATCH, 10 * BATCH):
            given = x.load(paths[at : at + BATCH]).batch
            begun = clock()
            compiled(tf.constant(given)).numpy()
            taken += clock() - begun
            images += len(given)
        return taken / images

    memory: dict[int, float] = {}

    def ours() -> float:
        """Seconds an image; memory is noted on the way."""
        begun, run = time.perf_counter(), x.explain_dataset(paths)
        for e in run:
            del e
            if run.done >= EARLY:
                memory.setdefault(EARLY, memory_mib("VmRSS"))
        memory.setdefault(run.done, memory_mib("VmRSS"))
        return (time.perf_counter() - begun) / len(paths)

    x.explain(paths[:BATCH])
    bare()
    model_core = bare(time.process_time)
    begun = time.process_time()
    for path in paths[:EARLY]:
        read(path, x.inspection.input_shape[:2])
    read_core = (time.process_time() - begun) / EARLY
    # By turns, as the machine is faster at one time than at another.
    turns = [(bare(), ours(), bare()) for _ in range(TURNS)]
    ratios = sorted((before + after) / 2 / took for before, took, after in turns)
    few = paths[: 16 * BATCH]
    evidence = evidence_rates(x, few)
    early, late = memory[EARLY], memory[len(paths)]
    begun = time.perf_counter()
    store = x.explain_to(Path(folder) / "maps.parquet", few)
    stored = time.perf_counter() - begun
    raw = sum(m.nbytes for m in store.maps(store.select()))
    held = sum(p.stat().st_size for p in Path(store.path).iterdir())
    return {
        "lowest": ratios[0], "ratio": statistics.median(ratios), "highest": ratios[-1],
        "per second": 1 / turns[-1][1], "model core": model_core, "read core": read_core,
        "evidence lowest": evidence[0], "evidence": statistics.median(evidence), "evidence highest": evidence[-1],
        "early": early, "late": late, "store": held / raw, "stored per second": len(store) / stored,
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(compare(sys.argv[1])))
