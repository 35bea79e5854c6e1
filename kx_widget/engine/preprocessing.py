"""Numbers of images -> numbers a model expects: what is done, and saying so."""

import importlib
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from kx_widget.engine.errors import ImageError
from kx_widget.engine.families import family_of
from kx_widget.engine.keras_private import sublayers
from kx_widget.engine.ranges import ValueRange
from kx_widget.engine.tasks import OwnPreprocessor, is_classifier_of_hub, is_task, own_preprocessor
from kx_widget.engine.types import Floats

Callback = Callable[[Floats], Any]

# What a layer that expects 0..255 multiplies by at most: 1 / 255 and 1 / 127.5 are usual.
LARGEST_DIVISION = 1 / 64
# What a layer that expects more than 8 bits multiplies by at most.
SHALLOWEST_DIVISION = 1 / 512
LOW_CONTRAST_WARNING = (
    "The images are floats in {}, but the model rescales 0..255 itself, and sees them nearly without contrast: "
    "pass uint8, or floats in 0..255."
)


# Families whose preprocess_input does nothing, because the models do it themselves unless built otherwise.
SELF_RESCALING = ("convnext", "efficientnet_v2", "mobilenet_v3")


class Preprocessing:
    """How images become model-ready.

    `own` is the model's own preprocessor where it decides; `knows_imagenet` tells whether 1000 classes of the model are
    ImageNet's; `is_off` that nothing is to be done, `keeps_depth` that the model takes numbers beyond 8 bits as they
    are.
    """

    def __init__(self, model: Any, preprocess: Any, of_pairs: Any = None) -> None:
        if not (preprocess is None or callable(preprocess) or (isinstance(preprocess, str) and preprocess == "auto")):
            raise ImageError(f'preprocess={preprocess!r} is not known. Pass "auto", None or a function.')
        self._preprocess = preprocess
        self.is_off: bool = preprocess is None
        self.own: OwnPreprocessor | None = own_preprocessor(model, of_pairs) if preprocess == "auto" else None
        self._lacks_own = is_task(model) and self.own is None
        self._family = family_of(model)
        rescaling = [layer for _, layer in sublayers(model) if type(layer).__name__ in ("Rescaling", "Normalization")]
        self._rescales = bool(rescaling)
        self._divides = any(np.max(getattr(layer, "scale", 1)) <= LARGEST_DIVISION for layer in rescaling)
        # Whether numbers beyond 8 bits are left to the model, which makes less of them itself.
        self.keeps_depth: bool = preprocess == "auto" and self.own is None and any(map(_takes_deep, rescaling))
        self.knows_imagenet: bool = self._family is not None or is_classifier_of_hub(model)

    def leave_to(self, layers: Iterable[Any]) -> None:
        """Leave to the model what it does itself with these layers, lest it be done twice."""
        if self.own is not None and any(layer is self.own.preprocessor for layer in layers):
            self.own = None

    def declared(self, shape: tuple[int | None, int | None, int]) -> tuple[int | None, int | None, int]:
        """The input (H, W, C) that the model declares, with sizes it leaves free as its own preprocessor has them."""
        size = self.own.size if self.own is not None else None
        return (shape[0] or size[0], shape[1] or size[1], shape[2]) if size else shape

    def resizes(self, channels: int) -> bool:
        """Whether the model's own preprocessor takes images of any size."""
        return self.own is not None and self.own.resizes(channels)

    def fit(self, fit: str) -> str:
        """How images of another shape meet the input where `fit` is asked for: the model's own preprocessor wins."""
        return (self.own and self.own.fit) or fit

    def _scaled(self, image: Floats, is_bytes: bool, span: ValueRange) -> Floats:
        """One image in the range that the next step expects: 0..255 for a function, else as it is."""
        if is_bytes or not callable(self._preprocess):
            return image
        return {"0..1": image * 255, "-1..1": (image + 1) * 127.5}.get(span, image)

    def apply(
        self,
        images: Iterable[Floats],
        is_bytes: Sequence[bool],
        span: ValueRange,
        declared: tuple[int | None, int | None, int],
        ready: bool = False,
    ) -> tuple[Floats, str]:
        """Images (H, W, C) as the batch (N, H, W, C) that the model wants, and in words how it was made.

        Args:
            images: of one size, unless the model's own preprocessor resizes; they are not changed.
            is_bytes: which of them were uint8.
            span: the range of the others.
            declared: what the model takes.
            ready: whether the model's own preprocessor has seen each of them already.

        Raises:
            ImageError: a given function or the model's own preprocessor failed, or returned another shape or values
                that are not finite.

        Warns:
            RuntimeWarning: the images are in 0..1 or -1..1, and the model brings 0..255 there itself.
        """
        if self.own is not None:
            batch = self.own.joined(images) if ready else self.own.batch(images, declared)
            text = self.own.words(self.resizes(declared[2]))
        else:
            batch = np.empty(0, np.float32)
            for i, (image, b) in enumerate(zip(images, is_bytes, strict=True)):
                # Filled image by image: hundreds of them beside the batch would take as much again.
                batch = batch if i else np.empty((len(is_bytes), *image.shape), np.float32)
                batch[i] = self._scaled(image, b, span)
            text, batch = self._applied(batch, is_bytes, span)
        if self._preprocess == "auto" and span in ("0..1", "-1..1") and batch.any() and self._expects_bytes(batch):
            warnings.warn(LOW_CONTRAST_WARNING.format(span), RuntimeWarning, stacklevel=2)
        return batch, text

    def _expects_bytes(self, batch: Floats) -> bool:
        return self._divides if self.own is None else self.own.expects_bytes(batch.shape[-1])

    def _applied(self, batch: Floats, is_bytes: Sequence[bool], span: ValueRange) -> tuple[str, Floats]:
        if callable(self._preprocess):
            name = getattr(self._preprocess, "__name__", "given function")
            return f"preprocess: {name}", _checked(self._preprocess, batch)
        raw = np.asarray([b or span == "0..255" for b in is_bytes])
        if self._preprocess is None:
            text = "preprocess: none, as asked"
        elif not raw.any():
            text = f"preprocess: none, the images are floats ({span}) and taken as model-ready"
        elif self._rescales:
            numbers = "numbers beyond 8 bits" if self.keeps_depth else "0..255"
            text = f"preprocess: none, the model rescales {numbers} itself"
        elif self._lacks_own:
            text = (
                "preprocess: none, the task has no preprocessor: 0..255 passed on; set task.preprocessor, or give "
                "preprocess= if the model expects another range"
            )
        elif self._family in SELF_RESCALING:
            text = (
                f"preprocess: none, this keras.applications.{self._family} was built without the preprocessing that "
                "belongs to it: 0..255 passed on; give preprocess="
            )
        elif self._family is None or batch.shape[-1] not in (1, 3):
            text = "preprocess: none, 0..255 passed on; give preprocess= if the model expects another range"
        else:
            text = f"preprocess: keras.applications.{self._family}.preprocess_input"
            function = importlib.import_module(f"keras.applications.{self._family}").preprocess_input
            # Also where Keras is told that images have channels first.
            chosen = slice(None) if raw.all() else raw
            batch[chosen] = np.asarray(function(batch[chosen], data_format="channels_last"), np.float32)
        return text, np.ascontiguousarray(batch, np.float32)

    def of_pixels(
        self, pictures: Floats, declared: tuple[int | None, int | None, int], span: ValueRange
    ) -> Floats | None:
        """Pictures (N, H, W, 3) in 0..255 as the model wants them (N, H, W, C).

        None where they are brought there in proportion, so that means and blurs are the same before and after; and
        where nobody can tell what 0..255 is in the numbers of the images.

        Raises:
            ImageError: as `apply`.
        """
        function = None if span == "other" else self._preprocess
        channels = declared[2]
        pictures = pictures if channels == 3 else pictures @ np.full((3, channels), 1 / 3, np.float32)
        if self.own is not None:
            return self.own.batch(pictures, declared)
        return _checked(function, np.ascontiguousarray(pictures, np.float32)) if callable(function) else None

    def black(self, shape: tuple[int, int, int], is_bytes: Sequence[bool], span: ValueRange) -> Floats:
        """What black (H, W, C) is for the model, (N, C): 0 where nobody can tell, as for floats in no known range."""
        lowest = -1.0 if span == "-1..1" and not callable(self._preprocess) else 0.0
        kinds, kind = np.unique(is_bytes, return_inverse=True)
        pictures = np.stack([np.full(shape, 0 if k else lowest, np.float32) for k in kinds])
        try:
            with np.errstate(all="ignore"):
                if self.own is not None:
                    return self.own.batch(pictures, shape).mean((1, 2))[kind]
                return self._applied(pictures, kinds.tolist(), span)[1].mean((1, 2))[kind]
        except ImageError:
            return np.zeros((len(kind), shape[-1]), np.float32)


def _takes_deep(layer: Any) -> bool:
    """Whether a layer makes numbers of about 1 of such that need more than 8 bits."""
    if type(layer).__name__ == "Rescaling":
        return bool(0 < np.max(layer.scale) < SHALLOWEST_DIVISION)
    mean = getattr(layer, "mean", None)
    return mean is not None and bool(np.max(np.asarray(mean)) > 255)


def _checked(preprocess: Callback, batch: Floats) -> Floats:
    name = getattr(preprocess, "__name__", "the given function")
    try:
        out = np.asarray(preprocess(batch.copy()), np.float32)
    except Exception as error:
        raise ImageError(f"preprocess ({name}) raised {type(error).__name__}: {error}") from error
    if out.shape != batch.shape:
        raise ImageError(f"preprocess ({name}) returned shape {out.shape}; it must keep {batch.shape}.")
    if not np.isfinite(out).all():
        raise ImageError(f"preprocess ({name}) returned values that are NaN or infinite.")
    return np.ascontiguousarray(out)
