"""SmoothGrad, VarGrad, SquareGrad: a statistic of any method's maps of noisy copies of the image."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from kx_widget.engine.errors import ParameterError
from kx_widget.engine.parameters import check_params
from kx_widget.engine.registry import MethodFunction
from kx_widget.engine.types import Floats, Ints, Parameter, Partial
from kx_widget.engine.wrappers.copies import averaged

PARAMS = (
    Parameter("repetitions", "int", 20, "How many noisy copies are made.", minimum=1, maximum=1000),
    Parameter(
        "noise", "float", 0.15, "Standard deviation, as a part of each image's range.",
        minimum=0, maximum=1, step=0.01,
    ),
    Parameter(
        "statistic", "choice", "mean", "What the map is of those of the copies; variance and square lose the sign.",
        choices=("mean", "variance", "square"),
    ),
)  # fmt: skip


def smooth(method: MethodFunction, settings: Any = True) -> MethodFunction:
    """A statistic of a method's signed maps M_i = M(x + N(0, σ²)) of n noisy copies.

    The `"mean"` is M̂(x) = 1/n Σ M_i; the `"variance"`, of VarGrad, is 1/n Σ (M_i − M̂)², and the `"square"`, of
    SquareGrad, 1/n Σ M_i². σ is `noise` × (max − min) of each image. Other implementations take σ in absolute units,
    or absolute values before the mean, or divide the variance by n − 1; here the sign is kept until the end. Of a
    gradient, the statistic is that of each channel. Scores are those of the clean image.

    Args:
        method: what to average; may be wrapped itself.
        settings: `{"repetitions": 20, "noise": 0.15, "statistic": "mean"}`, in parts or whole, or True for these.

    Returns:
        A method of the same shape that yields the statistic of the repetitions so far whenever the method yields.

    Raises:
        ParameterError: unknown setting or value out of range.

    Reference: Smilkov et al. 2017, arXiv 1706.03825; Adebayo et al. 2018, arXiv 1810.03307; Hooker et al. 2018, arXiv
    1806.10758.
    """
    if settings is not True and not isinstance(settings, dict):
        raise ParameterError(f'smooth={settings!r} must be True or like {{"repetitions": 20, "noise": 0.15}}.')
    given = {} if settings is True else check_params("smooth", PARAMS, settings)
    repetitions, noise, statistic = (given.get(p.name, p.default) for p in PARAMS)

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

        if statistic == "mean":
            yield from averaged(method, probe, target, params, repetitions, noisy)
            return
        moments = Moments(method, is_central=statistic == "variance")
        for partial in averaged(moments.of_copies, probe, target, params, repetitions, noisy):
            yield moments.statistic(partial)

    return smoothed


class Moments:
    """A method whose maps have two planes: what they are beyond those of an image's first copy, and that squared.

    The variance is a mean square less the square of a mean, of which rounding would leave nothing where maps hardly
    differ from each other: beyond one of them, these are no larger than it.

    Args:
        method: whose maps these are.
        is_central: whether it is the variance that is wanted, else the mean square, which is beyond 0.
    """

    def __init__(self, method: MethodFunction, is_central: bool) -> None:
        self._method, self._is_central = method, is_central
        self._first: dict[int, Floats] = {}

    def of_copies(self, probe: Any, target: Floats, **params: Any) -> Iterator[Partial]:
        """The planes (2, …) of each map in the place of the map."""
        rows: list[int] = probe.originals.rows.tolist()
        known = set(self._first)
        for partial in self._method(probe, target, **params):
            # As the first copy's own map comes about, so does what is beyond it.
            for row, values in zip(reversed(rows), partial.maps[::-1], strict=True):
                if row not in known:
                    self._first[row] = np.array(values) if self._is_central else np.zeros_like(values)
            beyond = partial.maps - np.stack([self._first[row] for row in rows])
            noise = None if partial.noise is None else np.square(partial.noise)
            yield replace(partial, maps=np.stack([beyond, np.square(beyond)], 1), noise=noise)

    def statistic(self, partial: Partial) -> Partial:
        """The maps of the planes' means."""
        beyond, square = np.moveaxis(partial.maps, 1, 0)
        return replace(partial, maps=np.maximum(square - np.square(beyond), 0) if self._is_central else square)
