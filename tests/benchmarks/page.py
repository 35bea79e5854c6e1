"""What a user pays before and until the first picture."""

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAD = ("work", "asked", "measured", "")
STARTS = 5
# What is left of the first minute once TensorFlow and Keras are there; its last line is how many seconds it took.
FIRST_MAP = """import time, tensorflow, keras
start = time.perf_counter()
import kx_widget as kx
from kx_widget import samples
model, images, class_names, _ = samples.load()
kx.explain(model, images[:1], class_names=class_names)
print(time.perf_counter() - start)
"""


def rows() -> Iterator[tuple[str, ...]]:
    command = [sys.executable, "-c", "import sys, kx_widget; assert 'tensorflow' not in sys.modules"]
    bare = python([sys.executable, "-c", ""])
    yield "import kx_widget", "< 0.5 s", f"{python(command) - bare:.3f} s", "without TensorFlow"
    size = (ROOT / "kx_widget/widget/static/widget.js").stat().st_size / 1000
    yield "bundle, minified", "≤ 360 kB", f"{size:.0f} kB", ""
    seconds = [float(output([sys.executable, "-c", FIRST_MAP]).split()[-1]) for _ in range(STARTS)]
    measured = f"{statistics.median(seconds):.2f} s ({min(seconds):.2f} … {max(seconds):.2f})"
    yield "import to the first map of the sample network", "≤ 1 s", measured, "with TensorFlow imported"

    import kx_widget as kx
    from tests.benchmarks.pictures import batches, net

    model, x = net("ResNet50"), next(batches(8))
    start = time.perf_counter()
    with kx.KxWidget(model, x) as widget:
        widget.wait()
        took = time.perf_counter() - start
    yield "KxWidget(ResNet50, 8 images) to done", "≤ 3 s", f"{took:.2f} s", "with TensorFlow imported"


def python(command: list[str]) -> float:
    """Median time of a process, in seconds."""
    taken = []
    for _ in range(7):
        start = time.perf_counter()
        subprocess.run(command, check=True)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def output(command: list[str]) -> str:
    """What a process prints."""
    return subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout
