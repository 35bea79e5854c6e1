"""What a user pays before and until the first picture."""

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAD = ("work", "asked", "measured", "")


def rows() -> Iterator[tuple[str, ...]]:
    command = [sys.executable, "-c", "import sys, kx_widget; assert 'tensorflow' not in sys.modules"]
    bare = python([sys.executable, "-c", ""])
    yield "import kx_widget", "< 0.5 s", f"{python(command) - bare:.3f} s", "without TensorFlow"
    size = (ROOT / "kx_widget/widget/static/widget.js").stat().st_size / 1000
    yield "bundle, minified", "≤ 320 kB", f"{size:.0f} kB", ""

    import kx_widget as kx
    from tests.benchmarks.pictures import batches, net

    model, x = net("ResNet50"), next(batches(8))
    start = time.perf_counter()
    with kx.KxWidget(model, x) as widget:
        widget.wait()
        took = time.perf_counter() - start
    yield "KxWidget(ResNet50, 8 images) to done", "≤ 6 s", f"{took:.2f} s", "with TensorFlow imported"


def python(command: list[str]) -> float:
    """Median time of a process, in seconds."""
    taken = []
    for _ in range(7):
        start = time.perf_counter()
        subprocess.run(command, check=True)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)
