"""What an answer will cost, in seconds, told by how long a forward pass takes."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from kx_widget.engine.question import Question
from kx_widget.engine.types import Workload
from kx_widget.engine.wrappers import WRAPPERS

# Samples at once: one, and if that is quick as many as methods of many passes run.
SAMPLES = (1, 8)
# Passes of so many samples; the first one is a warm-up, in which much is laid out that is there later.
ROUNDS = 3
QUICK = 0.03


def seconds_a_pass(question: Question, stale: Callable[[], bool] = lambda: False) -> float | None:
    """How long a forward pass of one of the question's images takes beside others; compiles nothing, keeps nothing.

    Args:
        question: what is asked.
        stale: tells that nobody wants to know any more.

    Returns:
        Seconds, None where nobody wants to know.
    """
    probe = question.probe(slice(0, min(max(SAMPLES), len(question.images.batch))))
    seconds = 0.0
    for samples in SAMPLES:
        images = np.arange(samples) % len(probe.x)
        taken = []
        for _ in range(ROUNDS):
            if stale():
                return None
            start = time.perf_counter()
            probe.at(probe.x[images], images).scores()
            taken.append((time.perf_counter() - start) / samples)
        # A pass that the machine interrupts tells nothing of the others.
        seconds = min(taken[1:])
        if seconds > QUICK:
            # Whoever asks the next question waits for this.
            break
    return seconds


def passes_for(question: Question) -> float | None:
    """About how many passes of one image an answer takes whose layer's activations are known; None if none can tell."""
    if question.method.passes is None:
        return None
    passes = question.method.passes(question.params, _workload(question))
    copies = 1
    for name, settings in question.wrappers.items():
        copies *= WRAPPERS[name].copies(_complete(name, settings))
    if question.wrappers:
        # Of a copy, the layer is not known.
        passes += question.call is not None
    return passes * copies * len(question.images.batch) * question.samples_each


def seconds_for(question: Question, pass_seconds: float) -> float | None:
    """About how long an answer takes whose layer's activations are known; None where its method does not tell.

    Args:
        question: what is to be answered.
        pass_seconds: of one image, see `seconds_a_pass`.
    """
    passes = passes_for(question)
    return None if passes is None else pass_seconds * passes


def _complete(wrapper: str, settings: Any) -> Mapping[str, Any]:
    defaults = {p.name: p.default for p in WRAPPERS[wrapper].params}
    return defaults if settings is True else {**defaults, **settings}


def _workload(question: Question) -> Workload:
    height, width = question.images.batch.shape[1:3]
    call, graph = question.call, question.model.graph
    if call is None:
        return Workload(height, width)
    info = next(layer for layer in question.model.inspection.layers if layer.path == call.path)
    return Workload(height, width, info.shape[-1] or 0, 1 - graph.part_before(call))
