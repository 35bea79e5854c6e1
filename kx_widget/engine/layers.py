"""One question at several layers: what they share is computed once."""

from collections.abc import Sequence

import numpy as np

from kx_widget.engine.question import Question


def learn_together(questions: Sequence[Question]) -> None:
    """Compute what questions that differ in the layer only need, in one forward and one backward pass a target.

    The answers go to the cache, where the questions find them; what does not fit there is computed again.
    """
    calls = list({q.layer: q.call for q in questions if q.call is not None}.values())
    if len(calls) < 2 or any(q.wrapped for q in questions):
        return
    first = questions[0]
    for rows, probe in first.probes(backward=True):
        known = np.zeros((rows.stop - rows.start, first.columns.classes), np.float32)
        scores = probe.scores() if first.columns.needs_scores else known
        for target in first.columns.part(rows).resolve(scores).weights.swapaxes(0, 1):
            weights = np.ascontiguousarray(target)
            if not probe.knows(calls, weights):
                probe.look_at(calls, weights)
