"""How long methods are said to take before they are chosen, and how long they take."""

from collections.abc import Iterator
from functools import partial
from statistics import median

import kx_widget as kx
from kx_widget.engine.costs import seconds_a_pass, seconds_for
from tests.benchmarks.clock import seconds
from tests.benchmarks.pictures import batches, net

HEAD = ("method", "said / taken, asked", "measured")
NOTE = (
    "MobileNetV2, two images: what the method menu says, over what an answer takes afterwards. Compiled before, the "
    "layer's activations known."
)
ROUNDS = 5
# As few passes as tell.
PARAMS = {"scorecam": {"channels": 64}, "rise": {"masks": 200}}


def rows() -> Iterator[tuple[str, ...]]:
    pictures = batches(2)
    explainer = kx.Explainer(net("MobileNetV2"))
    for name, method in explainer.methods.items():
        if method.sees == "attention" or method.passes is None:
            continue
        params = PARAMS.get(name, {})
        explainer.explain(next(pictures), [1], method=name, **params)
        ratios: list[float] = []
        for _ in range(ROUNDS):
            images = next(pictures)
            explainer.explain(images, [1])
            question = explainer.ask(images, [1], method=name, **params)
            estimate = seconds_for(question, seconds_a_pass(question) or 0.0) or 0.0
            ratios.append(estimate / seconds(partial(explainer.explain, images, [1], method=name, **params)))
        spread = f"{median(ratios):.2f} ({min(ratios):.2f} … {max(ratios):.2f})"
        yield method.title, "0.5 … 2", spread
