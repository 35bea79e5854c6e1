"""The engine on a GPU: its table, how full batches are, and what is copied to the device and back."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import kx_widget as kx
from kx_widget.engine.accelerator import TO_DEVICE, TO_HOST, on_accelerator
from tests.benchmarks import engine
from tests.benchmarks.clock import Forward
from tests.benchmarks.pictures import batches, net

HEAD = engine.HEAD
NOTE = engine.NOTE
MANY = 512
MIB = 2**20


def rows() -> Iterator[tuple[str, ...]]:
    if not on_accelerator():
        yield "everything", "", "not measured", "TensorFlow sees no GPU on this machine"
        return
    yield from engine.rows()
    yield from copied(net("ResNet50"))


def copied(model: Any) -> Iterator[tuple[str, ...]]:
    """What goes between the host and the device, and how many images go through the model at once."""
    explainer, pictures, classes = kx.Explainer(model), batches(8), count(2)
    images = next(pictures)
    explainer.explain(images, [1])
    explainer.explain(images, [next(classes)])
    before = explainer.counts
    explainer.explain(images, [next(classes)])
    sent = explainer.counts - before
    one = 4 * len(images) * model.output_shape[-1]
    note = "the class for each image; what the layer tells stays there"
    yield "another class: to the device", f"{one / MIB:.2f} MiB", f"{sent[TO_DEVICE] / MIB:.2f} MiB", note
    yield "another class: to the host", "", f"{sent[TO_HOST] / MIB:.2f} MiB", "the gradient at the layer"
    many, before = next(batches(MANY)), explainer.counts
    forward = Forward(model, explainer.load(many[:64]).batch)
    ratio = forward.ratio(lambda: explainer.explain(many, [next(classes)], method="gradients"), rounds=2)
    passes = (explainer.counts - before)["input_gradient"] / 3
    yield f"gradients of {MANY} images, over a forward of 64", "", str(ratio), f"{MANY / passes:.0f} images at once"
