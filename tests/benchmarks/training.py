"""What following a training costs: epochs with and without, by turns, in one run."""

import resource
import time
from collections.abc import Iterator
from statistics import median
from typing import Any

import keras
import numpy as np

import kx_widget as kx

HEAD = ("what follows the training", "asked", "an epoch with it, over one without", "processor", "explained")
# A quarter of what the network was trained on, which makes it harder.
SCENES, SEED, BATCH, SHOWN = 2250, 20_240_000, 64, 8
ROUNDS = 8
NOTE = (
    f"The sample CNN on {SCENES} scenes of 128×128, a quarter of its training data, in batches of {BATCH}; {SHOWN} "
    "images are explained in a widget that a page has greeted. Epochs with and without take turns; the median over "
    "both neighbours, after one of each that warms up. Processor time is that of the whole process, threads included."
)


def rows() -> Iterator[tuple[str, ...]]:
    model, images, class_names, _ = kx.samples.load()
    x, labels, _ = kx.samples.scenes(SCENES, (0, 1, 2, 3), SEED)
    model.compile(keras.optimizers.SGD(1e-4), "binary_crossentropy")
    data = x, labels.astype(np.float32)
    about: dict[str, Any] = {"class_names": class_names, "model": model}
    for name, asked, keywords in (
        ("maps alone", "≤ 1.03", {"evaluate": ()}),
        ("maps, SRG and deletion", "≤ 1.03", {}),
        ("the same without a limit", "", {"share": 1}),
    ):
        yield name, asked, *race(model, data, kx.ExplainCallback(images[:SHOWN], **about, **keywords))


def race(model: Any, data: tuple[Any, Any], follow: kx.ExplainCallback) -> tuple[str, ...]:
    """What epochs take with a callback, over those without, and how often it has explained."""
    assert follow.widget is not None
    follow.widget._session.greet("view", [], follow.widget._exporter.welcome)
    fits = [epoch(model, data, [follow] * (number % 2)) for number in range(2 * ROUNDS + 3)][2:]
    without = [np.mean([fits[n], fits[n + 2]], 0) for n in range(0, 2 * ROUNDS, 2)]
    ratios = np.array(fits[1::2]) / without
    times = follow.seconds
    share = (times["maps"] + times["evidence"]) / times["trained"]
    wall, processor = (spread(each) for each in ratios.T)
    measured = sum("srg" in each for each in follow.history)
    counts = f"{len(follow.history) - 1} times of {ROUNDS + 1}, measured {measured} times; {share:.1%} of the time"
    return wall, processor, counts


def epoch(model: Any, data: tuple[Any, Any], callbacks: list[Any]) -> tuple[float, float]:
    """Seconds of an epoch, and those of the processor."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    model.fit(*data, batch_size=BATCH, epochs=1, verbose=0, callbacks=callbacks)
    after = resource.getrusage(resource.RUSAGE_SELF)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - start, processor


def spread(ratios: Any) -> str:
    """The median, and the range."""
    return f"{median(ratios):.3f} ({min(ratios):.3f} … {max(ratios):.3f})"
