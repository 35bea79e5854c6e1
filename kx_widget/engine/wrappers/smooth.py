"""SmoothGrad: any method averaged over noisy copies of the image."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kx_widget.engine.errors import ParameterError
from kx_widget.engine.parameters import check_params
from kx_widget.engine.registry import MethodFunction
from kx_widget.engine.types import Floats, Ints, Parameter, Partial
from kx_widget.engine.wrappers.copies import averaged

PARAMS = (
    Parameter("repetitions", "int", 20, "How many noisy copies are averaged.", minimum=1, maximum=1000),
    Parameter(
        "noise", "float", 0.15, "Standard deviation, as a part of each image's range.",
        minimum=0, maximum=1, step=0.01,
    ),
)  # fmt: skip


def smooth(method: MethodFunction, settings: Any = True) -> MethodFunction:
    """The mean of a method's signed maps over n noisy copies, M̂(x) = 1/n Σ M(x + N(0, σ²)).

    σ is `noise` × (max − min) of each image. Other implementations take σ in absolute units, or absolute
    values before the mean; here the sign is kept until the end. Scores are those of the clean image.

    Args:
        method: what to average; may be wrapped itself.
        settings: `{"repetitions": 20, "noise": 0.15}`, in parts or whole, or True for these.

    Returns:
        A method of the same shape that yields the mean of the repetitions so far whenever the method yields.

    Raises:
        ParameterError: unknown setting or value out of range.

    Reference: Smilkov et al. 2017, arXiv 1706.03825.
    """
    if settings is not True and not isinstance(settings, dict):
        raise ParameterError(f'smooth={settings!r} must be True or like {{"repetitions": 20, "noise": 0.15}}.')
    given = {} if settings is True else check_params("smooth", PARAMS, settings)
    repetitions, noise = (given.get(p.name, p.default) for p in PARAMS)

    def smoothed(probe: Any, target: Floats, **params: Any) -> Iterator[Partial]:
        sigma = noise * np.ptp(probe.x, axis=(1, 2, 3))
        rngs = [probe.rng(i) for i in range(len(probe.x))]

        def noisy(images: Ints, _: Ints) -> Floats:
            # The copies of an image come in order, so that each gets the same numbers whatever goes beside it.
            x = np.empty((len(images), *probe.x.shape[1:]), np.float32)
            for copy, i in zip(x, images, strict=True):
                rngs[i].standard_normal(dtype=np.float32, out=copy)
                copy *= sigma[i]
                copy += probe.x[i]
            return x

        yield from averaged(method, probe, target, params, repetitions, noisy)

    return smoothed
