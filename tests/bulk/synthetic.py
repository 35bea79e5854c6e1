"""Stores of maps that nobody computed."""

from types import SimpleNamespace

import numpy as np

import kx_widget as kx
from kx_widget.bulk.loader import Batch
from kx_widget.bulk.parts import JOB, PartWriter, part_name, write_json
from kx_widget.bulk.pipeline import ExplainedBatch
from kx_widget.bulk.schema import to_table


def synthetic(path, maps, dtype="float32", part=20_000, names=None):
    """A store of maps (N, T, h, w) nobody computed, of pictures that are not there or of these, in turn."""
    path.mkdir()
    n, t = maps.shape[:2]
    rng = np.random.default_rng(0)
    about = {"method": "gradcam", "layer": "late", "params": {}, "targets": ["a", "b"][:t], "class_names": ["a", "b"]}
    write_json(path / JOB, {"dtype": dtype, "signed": True, "input_shape": [8, 8, 3], **about})
    for start in range(0, n, part):
        end = min(n, start + part)
        with PartWriter(path / part_name(start // part), dtype) as writer:
            for at in range(start, end, 500):
                chosen = slice(at, min(at + 500, end))
                k = chosen.stop - at
                paths = (names[i % len(names)] if names else f"photos/{i % 50}/{i:08}.jpg" for i in range(at, at + k))
                e = kx.Explanation(
                    maps[chosen], rng.normal(size=(k, t)).astype(np.float32), rng.random((k, t), np.float32),
                    rng.integers(0, 2, (k, t)), (("a",) * t,) * k, "gradcam", "late", {}, True, 0.1,
                    {"kx_widget": "0"}, np.zeros((k, 8, 8, 3), np.uint8), names=tuple(paths),
                )  # fmt: skip
                good = [SimpleNamespace(item=SimpleNamespace(label=i % 2)) for i in range(k)]
                writer.write(to_table(ExplainedBatch(Batch(good=good), e, rng.integers(0, 2, k)), dtype))
