"""What a model takes: the image that is explained, in what order of axes, and the inputs that ride along with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kx_widget.engine.errors import ImageError, ModelError, did_you_mean
from kx_widget.engine.keras_private import input_specs, sublayers
from kx_widget.engine.lazy_modules import tf
from kx_widget.engine.tasks import image_part

# How axes move from (batch, channels, height, width) to channels last, and back.
TO_LAST, TO_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)
# In place of the input to explain: all that are images, one after the other.
EACH = "each"
# What is kept of one image beside it, in numbers, in stores.
SMALL = 4096
DeclaredShape = tuple[int | None, int | None, int]


@dataclass(frozen=True)
class InputSpec:
    """One input of a model: its name, its shape with the batch axis, and its dtype."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str

    def check(self, values: Any, images: int) -> NDArray[Any]:
        """Values of this input, one an image, in an array (N, …).

        Raises:
            ImageError: they are not as many as the images, of another shape, or no numbers.
        """
        try:
            array = np.asarray(values)
        except ValueError as error:
            raise ImageError(f"The input {self.name!r} is no array ({error}).") from error
        if array.dtype.kind not in "buif":
            raise ImageError(f"The input {self.name!r} holds {array.dtype}, which are no numbers.")
        if array.ndim == 0 or len(array) != images:
            length = "a single number" if array.ndim == 0 else f"{len(array)} of them"
            raise ImageError(f"The input {self.name!r} needs one value for each of the {images} images; got {length}.")
        wanted = self.shape[1:]
        if array.shape[1:] != wanted and array.ndim + 1 == len(self.shape) and wanted[-1] == 1:
            # One number an image, as it stands in a column of a table.
            array = array[..., None]
        if array.ndim != len(self.shape) or any(
            w not in (None, n) for w, n in zip(wanted, array.shape[1:], strict=True)
        ):
            each = " × ".join(str(side or "any") for side in wanted) or "a number"
            raise ImageError(f"The input {self.name!r} has shape {array.shape}; the model takes {each} for each image.")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            row = int(np.flatnonzero(~np.isfinite(array).reshape(images, -1).all(1))[0])
            which = f" for image {row}" if images > 1 else ""
            raise ImageError(f"The input {self.name!r} is NaN or infinite{which}.")
        return np.ascontiguousarray(array, self.dtype)


@dataclass(frozen=True)
class ModelInputs:
    """The inputs of a model, in its own order.

    Attributes:
        specs: all of them.
        explained: the number of the image that is explained.
        channels_first: whether images lie in the model as (batch, channels, height, width).
    """

    specs: tuple[InputSpec, ...]
    explained: int
    channels_first: bool

    @property
    def image(self) -> InputSpec:
        """The input that is explained."""
        return self.specs[self.explained]

    @property
    def others(self) -> tuple[InputSpec, ...]:
        """The inputs that ride along."""
        return self.specs[: self.explained] + self.specs[self.explained + 1 :]

    @property
    def images(self) -> tuple[str, ...]:
        """Names of the inputs that are images, that of the explained one first."""
        return (self.image.name, *(spec.name for spec in self.others if self.is_image(spec)))

    @property
    def small_others(self) -> tuple[str, ...]:
        """Names of the inputs that ride along where all of them are few numbers, which can be kept; else none."""
        sizes = [np.prod([side or 1 for side in spec.shape[1:]]) for spec in self.others]
        is_small = not any(map(self.is_image, self.others)) and all(size <= SMALL for size in sizes)
        return tuple(spec.name for spec in self.others) if is_small else ()

    @property
    def declared(self) -> DeclaredShape:
        """The image (H, W, C) as the model declares it, None where free."""
        return self.declared_of(self.image)

    def declared_of(self, spec: InputSpec) -> DeclaredShape:
        """An input that is an image, as the model declares it (H, W, C)."""
        shape = [spec.shape[axis] for axis in TO_LAST] if self.channels_first else list(spec.shape)
        assert shape[3] is not None
        return shape[1], shape[2], shape[3]

    def is_image(self, spec: InputSpec) -> bool:
        """Whether an input looks like an image."""
        return _looks_like_image(spec, self.channels_first)

    def fed(self, spec: InputSpec) -> tuple[tuple[int | None, ...], str]:
        """The shape of one image's values of an input, as they are handed over, and their dtype."""
        return (self.declared_of(spec), "float32") if self.is_image(spec) else (spec.shape[1:], spec.dtype)

    @property
    def zeros(self) -> list[NDArray[Any]]:
        """Of each of the inputs that ride along, what may stand for one image."""
        return [np.zeros((1, *(side or 1 for side in shape)), dtype) for shape, dtype in map(self.fed, self.others)]

    def split(self, images: Any) -> tuple[Any, list[Any]]:
        """What was given for the image, and for each of the others.

        Raises:
            ImageError: an input is missing, or there is none of that name.
        """
        names = [spec.name for spec in self.specs]
        if isinstance(images, Mapping):
            values: dict[Any, Any] = dict(images)
            for name in values:
                if name not in names:
                    raise ImageError(f"The model has no input {name!r}.{did_you_mean(name, names)}")
            if missing := [name for name in names if name not in values]:
                raise ImageError(f"The input {missing[0]!r} is missing: pass {_pattern(names)}.")
            ordered = [values[name] for name in names]
        elif not self.others:
            return images, []
        elif isinstance(images, (tuple, list)) and len(images) == len(names):
            ordered = list(images)
        else:
            raise ImageError(
                f"The model has {len(names)} inputs, {', '.join(map(repr, names))}: pass {_pattern(names)}, or a tuple "
                "in this order."
            )
        return ordered.pop(self.explained), ordered

    def given(self, image: Any, others: Sequence[Any]) -> Any:
        """An image and the others, as `split` takes them."""
        values = list(others)
        values.insert(self.explained, image)
        return tuple(values) if others else image

    def joined(self, x: Any, others: Sequence[Any]) -> list[Any]:
        """Tensors of all inputs in the model's order, of the image (B, H, W, C) and the others."""
        values = list(others)
        values.insert(self.explained, x)
        if not self.channels_first:
            return values
        return [tf.transpose(v, TO_FIRST) if self.is_image(s) else v for s, v in zip(self.specs, values, strict=True)]


def _pattern(names: Sequence[str]) -> str:
    return "images={" + ", ".join(f'"{name}": …' for name in names) + "}"


def inputs_of(model: Any, explain_input: str | int | None = None) -> ModelInputs:
    """What a model takes.

    Args:
        model: a built model.
        explain_input: name or index of the input to explain, if several are images; `EACH` for the first one.

    Raises:
        ModelError: no input is an image, several are and none was chosen, or the chosen one is none.
    """
    specs = tuple(InputSpec(*spec) for spec in input_specs(model))
    if not specs:
        raise ModelError(
            f"The model {model.name!r} does not say what its input looks like. "
            "Call model.build((None, height, width, 3)), or call it once on a batch of images."
        )
    first = _is_channels_first(model)
    names = [spec.name for spec in specs]
    images = [number for number, spec in enumerate(specs) if _looks_like_image(spec, first)]
    if explain_input == EACH:
        images = images[:1]
    elif explain_input is not None:
        number = names.index(explain_input) if explain_input in names else explain_input
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < len(specs):
            raise ModelError(f"The model has no input {explain_input!r}.{did_you_mean(explain_input, names)}")
        images = [number]
    if len(images) > 1:
        raise ModelError(
            f"{len(images)} inputs of the model are images: {', '.join(names[i] for i in images)}. Choose the one to "
            'explain with explain_input=, or "each".'
        )
    if len(specs) > 1 and not images:
        part = image_part(model)
        hint = f" Explain {part}, which takes images, with a head of one score per class on it." if part else ""
        raise ModelError(f"The model has {len(specs)} inputs, {', '.join(names)}, and none of them is an image.{hint}")
    explained = images[0] if images else 0
    shape = specs[explained].shape
    if len(shape) != 4:
        raise ModelError(
            f"The model's input has shape {shape}: not a batch of images (batch, height, width, channels)."
        )
    if not shape[1 if first else -1]:
        raise ModelError(f"The model's input has shape {shape}; how many channels it has must be known.")
    return ModelInputs(specs, explained, first)


def _looks_like_image(spec: InputSpec, channels_first: bool) -> bool:
    return len(spec.shape) == 4 and bool(spec.shape[1 if channels_first else -1])


def _is_channels_first(model: Any) -> bool:
    """Whether the model's layers take (batch, channels, height, width): those that know of it, the first of them."""
    formats = [getattr(layer, "data_format", None) for _, layer in sublayers(model)]
    return next((f for f in formats if f in ("channels_first", "channels_last")), None) == "channels_first"
