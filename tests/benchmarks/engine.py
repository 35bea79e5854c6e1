"""The engine on ResNet50 and 8 images."""

from collections.abc import Callable, Iterator
from itertools import count
from statistics import median
from typing import Any

import numpy as np
import tensorflow as tf

import kx_widget as kx
from tests.benchmarks.clock import Forward, seconds
from tests.benchmarks.pictures import batches, net

HEAD = ("work", "asked", "measured", "")
NOTE = "ResNet50, 8 images of 224×224, uint8: reading and preprocessing count. Compiled before; images new each time."
FIVE = ("gradcam", "gradcampp", "xgradcam", "hirescam", "layercam")
LAYERS = 16
SLICE = 640
CHOSEN = 12


def rows() -> Iterator[tuple[str, ...]]:
    model, pictures = net("ResNet50"), batches(8)
    explainer = kx.Explainer(model)
    forward = Forward(model, explainer.load(next(pictures)).batch)

    def anew(ask: Callable[[Any], Any], **limits: Any) -> str:
        return str(forward.ratio(lambda: ask(next(pictures)), **limits))

    yield "gradcam", "≤ 1.10 F", anew(lambda x: explainer.explain(x, [1])), ""
    known, classes, methods = next(pictures), count(2), count()
    another_class = forward.ratio(lambda: explainer.explain(known, [next(classes)]))
    yield "another class", "≤ 0.05 F", str(another_class), ""
    yield "another class, 8 photos of 12 MP", "≤ 1.2", photos(explainer), "over the same of 224×224, both loaded before"
    family = ("gradcampp", "hirescam", "layercam", "xgradcam", "cam", "gradcam")
    explainer.explain(known, [1])
    another_method = forward.ratio(lambda: explainer.explain(known, [1], method=family[next(methods) % len(family)]))
    yield "another method of the family", "≤ 0.05 F", str(another_method), ""
    five = anew(lambda x: [explainer.explain(x, [1], method=m) for m in FIVE])
    yield "gradcam, gradcampp, xgradcam, hirescam, layercam together", "≤ 1.15 F", five, ""
    ten = anew(lambda x: [explainer.explain(x, [*range(10)], method=m) for m in FIVE])
    yield "the same for 10 classes", "≤ 1.4 F", ten, ""
    paths = [layer.path for layer in explainer.inspection.layers if layer.is_candidate][-LAYERS:]
    layers = anew(lambda x: explainer.explain_layers(x, [1], layers=paths))
    yield f"every layer of the last {LAYERS}, gradcam", "≤ 3.5 F", layers, "`explain_layers`"
    yield "gradients", "≤ 2.3 F", anew(lambda x: explainer.explain(x, [1], method="gradients")), ""
    bare = bare_gradient(model, explainer.load(next(pictures)).batch)
    yield (
        "a bare compiled gradient of the same batch",
        "",
        str(forward.ratio(bare)),
        "the least that `gradients` could take",
    )
    smooth = anew(lambda x: explainer.explain(x, [1], method="gradients", smooth={"repetitions": 20}), rounds=2)
    yield "smooth(gradients), 20 repetitions", "≤ 44 F", smooth, ""
    yield from copies(explainer, model)
    check = forward.ratio(explainer._models.weights.version)
    yield "noticing whether weights have changed", "≤ 0.05 F", str(check), "in every question"
    yield "F, one compiled forward", "", f"{forward.median:.3f} s", "median of the whole run"
    yield from scorecam(explainer, model)
    yield from first_times(model)


def first_times(model: Any) -> Iterator[tuple[str, ...]]:
    """The first Grad-CAM of an explainer, and then at other layers of the same images, each for the first time."""
    explainer, x = kx.Explainer(model), next(batches(8))
    forward = Forward(model, explainer.load(x).batch)
    first = seconds(lambda: explainer.explain(x, [1]))
    paths = [path for path in explainer.inspection.candidates if path != explainer.inspection.recommended]
    # In no order, as one who looks around would choose them.
    chosen = np.random.default_rng(0).permutation(paths)[:CHOSEN]
    times = [seconds(lambda path=path: explainer.explain(x, [1], layer=str(path))) for path in chosen]
    limit = 1.5 * forward.median + 0.3
    yield "the first Grad-CAM of an explainer", "", f"{first:.2f} s", "compiling included"
    yield (
        "gradcam at a layer chosen for the first time",
        f"≤ 1.5 F + 0.3 s = {limit:.2f} s",
        f"{median(times):.2f} s ({min(times):.2f} … {max(times):.2f})",
        f"{CHOSEN} of {len(paths)} layers one after another, compiling included",
    )


def photos(explainer: kx.Explainer) -> str:
    """Another class of photos whose originals are large, over another class of small ones, by turns."""
    rng, classes = np.random.default_rng(0), count(100)
    sides = {"large": (3000, 4000, 3), "small": (224, 224, 3)}
    loaded = {
        name: explainer.load([rng.integers(0, 256, size, np.uint8) for _ in range(8)]) for name, size in sides.items()
    }
    took: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(12):
        for name, images in loaded.items():
            once = seconds(lambda images=images: explainer.explain(images, [next(classes)]))
            took[name] += [once] if turn else []
    return f"{median(took['large']) / median(took['small']):.2f}"


def copies(explainer: kx.Explainer, model: Any) -> Iterator[tuple[str, ...]]:
    """One image in many versions, against as many gradients in one batch that is ready."""
    pictures = batches(1)
    batch = explainer.load(next(pictures)).batch
    note = "over a bare compiled gradient of {} images at once, before and after"
    for name, number, question in (
        ("smooth(gradients), one image, 20 repetitions", 20, {"method": "gradients", "smooth": {"repetitions": 20}}),
        ("integrated_gradients, one image, 32 steps", 32, {"method": "integrated_gradients", "steps": 32}),
    ):
        bare = bare_gradient(model, batch.repeat(number, 0))
        explainer.explain(next(pictures), [1], **question)
        bare()
        ratios: list[float] = []
        for _ in range(5):
            before = seconds(bare)
            took = seconds(lambda question=question: explainer.explain(next(pictures), [1], **question))
            ratios.append(2 * took / (before + seconds(bare)))
        measured = f"{median(ratios):.3f} ({min(ratios):.3f} … {max(ratios):.3f})"
        yield name, "≤ 1.10", measured, note.format(number)


def bare_gradient(model: Any, batch: Any) -> Callable[[], Any]:
    """TensorFlow's own gradient of one score, without reading or checking anything."""

    def gradient(x: Any) -> Any:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            score = model(x, training=False)[:, 1]
        return tape.gradient(score, x)

    compiled, given = tf.function(gradient, autograph=False), tf.constant(batch)
    return lambda: compiled(given).numpy()


def scorecam(explainer: kx.Explainer, model: Any) -> Iterator[tuple[str, ...]]:
    """One image, against as many forwards at the batch size at which they are fastest."""
    pictures = batches(1)
    x = next(pictures)
    explainer.explain(x, [1])
    batch = explainer.load(x).batch
    forwards = {n: Forward(model, batch.repeat(n, 0)) for n in (1, 4, 8, 16, 32)}
    each = {n: f.median / n for n, f in forwards.items()}
    best = min(each, key=lambda n: each[n])
    took = seconds(lambda: explainer.explain(x, [1], method="scorecam", channels=SLICE))
    floor = SLICE * (each[best] + Forward(model, batch.repeat(best, 0)).median / best) / 2
    note = f"{SLICE} of 2048 channels; {best} at once are fastest, {each[best]:.4f} s each"
    yield "scorecam, one image, over as many forwards", "≤ 1.08", f"{took / floor:.3f}", note
    again = seconds(lambda: explainer.explain(x, [2], method="scorecam", channels=SLICE))
    yield "its second class, over the first", "≤ 0.01", f"{again / took:.4f}", "the same channels"
