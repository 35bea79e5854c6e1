"""A data set beside a bare compiled model, how memory goes, what a store takes, and how fast it is browsed."""

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.benchmarks import shelf
from tests.benchmarks.child import ROOT
from tests.benchmarks.dataset import EARLY, IMAGES, TURNS
from tests.benchmarks.spread import rate

HEAD = ("work", "asked", "measured", "")
NOTE = (
    "MobileNetV2 with random weights, Grad-CAM, JPEGs of 500×375 whose bytes are those of photographs. The bare model "
    "is compiled and gets batches that are decoded already, before and after, on every tenth batch; three times. "
    "Ray's workers are pinned to a core each, of two on which Ray itself runs too; their rate is that of the last "
    "half, when all that Ray starts is there."
)


def photographs(folder: Path, count: int) -> None:
    """JPEGs of 500 × 375 that take as many bytes as photographs do."""
    rng = np.random.default_rng(0)
    for i in range(count):
        coarse = Image.fromarray(rng.integers(0, 256, (24, 32, 3), np.uint8))
        smooth = np.asarray(coarse.resize((500, 375), Image.Resampling.BICUBIC))
        noisy = np.clip(smooth + rng.normal(0, 12, smooth.shape), 0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(folder / f"{i:04}.jpg", quality=85)


def ask(module: str, *arguments: Any) -> dict[str, float]:
    """What a process of its own has found."""
    command = [sys.executable, "-m", f"tests.benchmarks.{module}", *map(str, arguments)]
    ran = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", cwd=ROOT, check=True)
    return json.loads(ran.stdout.splitlines()[-1])


def rows() -> Iterator[tuple[str, str, str, str]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photographs(folder, IMAGES)
        found = ask("dataset", folder)
        label = f"explain_dataset, {IMAGES} JPEGs"
        asked = "≥ 0.90 of a bare model's images/s"
        cores = (f"{1000 * found[f'{what} core']:.1f} ms" for what in ("model", "read"))
        cost = "an image takes the bare model {} of a core, reading {}".format(*cores)
        ratio = "{ratio:.2f} ({lowest:.2f} … {highest:.2f})".format(**found)
        yield label, asked, ratio, f"{found['per second']:.1f} images/s; {cost}"
        growth = found["late"] / found["early"] - 1
        memory = f"{found['early']:.0f} MiB, then {found['late']:.0f} MiB"
        yield f"memory from image {EARLY} to {IMAGES}", "< 5 %", f"{growth:+.1%}", memory
        shares = "{evidence:.2f} ({evidence lowest:.2f} … {evidence highest:.2f})".format(**found)
        yield "explain_dataset with free columns of evidence", "≥ 0.95 of the rate without", shares, "512 JPEGs"
        stored = f"7 × 7, float32; {found['stored per second']:.1f} images/s"
        yield "explain_to, bytes over those of the maps", "≤ 1.3", f"{found['store']:.2f}", stored
        rates = [[rate(folder, Path(name) / f"{turn} {n}", n) for n in (1, 2)] for turn in range(TURNS)]
        ratios = sorted(two / one for one, two in rates)
        spread = f"{rates[-1][0]:.0f} and {rates[-1][1]:.0f} images/s at last"
        yield (
            "Ray, two workers over one",
            "≥ 1.7",
            f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} … {ratios[-1]:.2f})",
            spread,
        )
        yield from shelf.rows(sorted(map(str, folder.glob("*.jpg"))))
