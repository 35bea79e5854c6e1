"""The check of what a method yields."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kx_widget.engine.errors import ParameterError
from kx_widget.engine.registry import Method, MethodFunction
from kx_widget.engine.types import Floats, Partial


def checked(method: Method) -> MethodFunction:
    """The method's function with each `Partial` checked; the last one counts all passes as done.

    Iterating raises a ParameterError where the method yields nothing, something else, or arrays that are no maps.
    """

    def generator(probe: Any, target: Floats, **params: Any) -> Iterator[Partial]:
        partials: Any = method.fn(probe, target, **params)
        if not isinstance(partials, Iterable):
            raise ParameterError(f"{method.title} returned {type(partials).__name__}; it must yield kx.Partial(maps).")
        last: Partial | None = None
        for partial in partials:
            last = _checked(method, partial, len(target), in_bands=method.is_in_bands(params))
            yield last
        if last is None:
            raise ParameterError(f"{method.title} yielded nothing; it must yield kx.Partial(maps) at least once.")
        if last.done < last.total:
            yield replace(last, done=last.total)

    return generator


def check_maps(title: str, maps: Any, images: int, in_bands: bool = False) -> None:
    """Refuse maps whose shape is not (images, height, width), or has not an axis more for bands.

    Raises:
        ParameterError: says what the shape is.
    """
    if np.ndim(maps) != 3 + in_bands or len(maps) != images or 0 in np.shape(maps):
        raise ParameterError(
            f"{title} yielded maps of shape {np.shape(maps)}; it was asked for (images, height, width) with {images} "
            "images and at least one cell."
        )


def _checked(method: Method, partial: Any, images: int, in_bands: bool = False) -> Partial:
    if not isinstance(partial, Partial):
        raise ParameterError(f"{method.title} yielded {type(partial).__name__}; wrap its maps: kx.Partial(maps).")
    maps = _numbers(method.title, "maps", partial.maps)
    if method.finish is None:
        check_maps(method.title, maps, images, in_bands)
    counts: Any = partial.done, partial.total
    done, total = counts
    are_whole_numbers = all(isinstance(count, (int, np.integer)) for count in counts)
    if not are_whole_numbers or not 0 <= done <= total or total < 1:
        raise ParameterError(
            f"{method.title} yielded kx.Partial(maps, done={done!r}, total={total!r}): done counts passes from 0 to "
            "total, which is 1 or more."
        )
    extras = {f"checks[{name!r}]": values for name, values in partial.checks.items()}
    if partial.noise is not None:
        extras["noise"] = partial.noise
    for name, values in extras.items():
        shape = _numbers(method.title, name, values).shape
        if shape not in ((), (images,)):
            raise ParameterError(
                f"{method.title} yielded {name} of shape {shape}; it must be ({images},), one number an image."
            )
    return replace(partial, maps=maps)


def _numbers(title: str, name: str, values: Any) -> NDArray[Any]:
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ParameterError(f"{title} yielded {name} that are no array ({error}).") from error
    if array.dtype.kind not in "buif":
        hint = ": take its absolute value or its real part" if array.dtype.kind == "c" else ""
        raise ParameterError(f"{title} yielded {name} of {array.dtype}; real numbers are needed{hint}.")
    return array
