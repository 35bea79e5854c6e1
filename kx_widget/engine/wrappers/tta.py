"""Test-time augmentation: any method averaged over zoomed and mirrored copies of the image."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kx_widget.engine.errors import ParameterError
from kx_widget.engine.parameters import check_params
from kx_widget.engine.registry import MethodFunction
from kx_widget.engine.types import Floats, Ints, Parameter, Partial
from kx_widget.engine.wrappers.copies import averaged

PARAMS = (
    Parameter(
        "scales", "numbers", (0.5, 1.0, 1.5), "How many times as large the content is shown to the model.",
        minimum=0.1, maximum=10,
    ),
    Parameter("hflip", "bool", True, "Also look at the mirrored image.", heading="Mirror"),
)  # fmt: skip


def tta(method: MethodFunction, settings: Any = True) -> MethodFunction:
    """The mean of un-transformed maps over the image itself and scales × flips of it.

    The model's input keeps its size: a copy at scale s shows the content s times as large about the centre,
    with the border repeated where s < 1. Each map is brought back to the place and size of the original's; the
    divisor is the number of passes that saw the cell, which for s > 1 leaves out the border.

    Args:
        method: what to average; may be wrapped itself.
        settings: `{"scales": (0.5, 1.0, 1.5), "hflip": True}`, in parts or whole, or True for these.

    Returns:
        A method of the same shape that yields the mean of the passes so far whenever the method yields.

    Raises:
        ParameterError: unknown setting, or a scale that is not between 0.1 and 10.
    """
    scales, hflip = _checked(settings)
    passes = [(1.0, False), *((s, f) for s in scales for f in ((False, True) if hflip else (False,)))]
    changes = [change for change in passes if change != (1.0, False)]

    def change(x: Floats, number: int, back: bool = False) -> tuple[Floats, Floats]:
        scale, flip = changes[number]
        return zoom(x[:, :, ::-1] if flip else x, 1 / scale if back else scale)

    def undone(maps: Floats, numbers: Ints) -> tuple[Floats, Floats]:
        back = [change(m[None], n, back=True) for m, n in zip(maps, numbers, strict=True)]
        inside = np.concatenate([np.broadcast_to(part, m.shape) for m, part in back])
        return np.concatenate([m for m, _ in back]) * inside, inside

    def augmented(probe: Any, target: Floats, **params: Any) -> Iterator[Partial]:
        def changed(images: Ints, numbers: Ints) -> Floats:
            return np.concatenate([change(probe.x[i : i + 1], n)[0] for i, n in zip(images, numbers, strict=True)])

        itself = len(passes) - len(changes)
        yield from averaged(method, probe, target, params, len(changes), changed, undone, itself)

    return augmented


def _checked(settings: Any) -> tuple[tuple[float, ...], bool]:
    if settings is not True and not isinstance(settings, dict):
        raise ParameterError(f'tta={settings!r} must be True or like {{"scales": (0.5, 1.0, 1.5), "hflip": True}}.')
    given = {} if settings is True else check_params("tta", PARAMS, settings)
    scales, hflip = (given.get(p.name, p.default) for p in PARAMS)
    return scales, hflip


def zoom(x: Floats, scale: float) -> tuple[Floats, Floats]:
    """X (B, h, w, …) magnified about its centre, and which cells lie inside the original, (h, w, …) as 0 or 1."""
    if scale == 1:
        return x, np.ones((1,) * (x.ndim - 1), np.float32)
    (rows, in_rows), (columns, in_columns) = _axis(x.shape[1], scale), _axis(x.shape[2], scale)
    out = np.einsum("yi,xj,bij...->byx...", rows, columns, x, optimize=True)
    inside = (in_rows[:, None] & in_columns[None, :]).astype(np.float32)
    return out.astype(np.float32), inside.reshape(inside.shape + (1,) * (x.ndim - 3))


def _axis(size: int, scale: float) -> tuple[Floats, Any]:
    """Interpolation weights (size, size) along one axis; averages over 1/scale cells where it shrinks."""
    centre = size / 2
    at = (np.arange(size) + 0.5 - centre) / scale + centre - 0.5
    reach = max(1.0, 1 / scale)
    clamped = np.clip(at, 0, size - 1)
    weights = np.maximum(0, 1 - np.abs(clamped[:, None] - np.arange(size)) / reach)
    inside = (at > -0.5) & (at < size - 0.5)
    return (weights / weights.sum(1, keepdims=True)).astype(np.float32), inside
