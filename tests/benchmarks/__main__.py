"""`make bench`: how fast, in units of F, one compiled forward of the same batch in the same run."""

import gc
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
Row = tuple[str, str, str, str]


def seconds(work: Callable[[], Any], repeat: int = 7) -> float:
    """Median time of one run, after one that warms up."""
    work()
    taken = []
    for _ in range(repeat):
        gc.collect()
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def package() -> Iterator[Row]:
    """What a user pays before anything is computed."""
    command = [sys.executable, "-c", "import sys, kx_widget; assert 'tensorflow' not in sys.modules"]
    bare = seconds(lambda: subprocess.run([sys.executable, "-c", ""], check=True))
    ours = seconds(lambda: subprocess.run(command, check=True))
    yield "import kx_widget", "< 0.5 s", f"{ours - bare:.3f} s", "without TensorFlow"
    size = (ROOT / "kx_widget/widget/static/widget.js").stat().st_size / 1000
    yield "bundle, minified", "≤ 320 kB", f"{size:.0f} kB", ""


def engine(name: str = "ResNet50", images: int = 8, side: int = 224) -> Iterator[Row]:
    """Grad-CAM and its family, and gradients."""
    import keras
    import numpy as np
    import tensorflow as tf

    import kx_widget as kx

    keras.utils.set_random_seed(0)
    model = getattr(keras.applications, name)(weights=None)
    x = np.random.default_rng(0).integers(0, 256, (images, side, side, 3), np.uint8)
    start = time.perf_counter()
    with kx.KxWidget(model, x) as widget:
        widget.wait()
        yield f"KxWidget({name}, {images} images) to done", "≤ 6 s", f"{time.perf_counter() - start:.2f} s", ""

    explainer = kx.Explainer(model)
    batch = explainer.load(x).batch
    compiled = tf.function(lambda batch: model(batch, training=False), autograph=False)
    forward = seconds(lambda: compiled(tf.constant(batch)).numpy())
    label = f"{name}, {images} × {side}²"
    yield f"F, one compiled forward, {label}", "", f"{forward:.3f} s", ""

    def ratio(work: Callable[[], Any]) -> str:
        return f"{seconds(work) / forward:.3f} F"

    def anew(**question: Any) -> Callable[[], Any]:
        def work() -> None:
            explainer._cache.clear()
            explainer.explain(x, [1], **question)

        return work

    def changing(values: list[Any], ask: Callable[[Any], Any]) -> Callable[[], Any]:
        turn = iter(values * 100)
        return lambda: ask(next(turn))

    yield "gradcam, image cache empty", "≤ 1.10 F", ratio(anew()), "compiled before"
    explainer.explain(x, [1])
    yield "another class", "≤ 0.05 F", ratio(changing(list(range(900)), lambda c: explainer.explain(x, [c]))), ""
    family = ["gradcampp", "hirescam", "layercam", "cam", "gradcam"]
    explainer.explain(x, [1])
    another = changing(family, lambda m: explainer.explain(x, [1], method=m))
    yield "another method of the family", "≤ 0.05 F", ratio(another), ""
    yield "gradients, image cache empty", "≤ 2.4 F", ratio(anew(method="gradients")), "compiled before"


def table(rows: list[Row]) -> str:
    """Rows as Markdown."""
    head: list[Row] = [("work", "asked", "measured", ""), ("---", "---", "---", "---")]
    return "\n".join(f"| {' | '.join(row)} |" for row in head + rows)


def main() -> None:
    rows: list[Row] = []
    for part in (package, engine):
        for row in part():
            print("  ".join(filter(None, row)), flush=True)
            rows.append(row)
    import keras
    import tensorflow as tf

    versions = f"Python {sys.version.split()[0]}, TensorFlow {tf.__version__}, Keras {keras.__version__}"
    where = f"{os.cpu_count()} cores, {versions}"
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build/bench.md").write_text(f"{table(rows)}\n\n{where}\n", encoding="utf-8")
    print(f"\n{where}; table in build/bench.md")


if __name__ == "__main__":
    main()
