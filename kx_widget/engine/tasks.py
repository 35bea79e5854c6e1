"""What a model brings along to make its input of photographs, as the tasks of keras-hub do.

Nothing here imports keras-hub: what counts is what an object can do.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from kx_widget.engine.errors import ImageError, plain
from kx_widget.engine.lazy_modules import keras
from kx_widget.engine.types import WHOLE, Box, Floats

# Attributes under which models of several inputs keep the part that sees.
IMAGE_PARTS = ("vision_encoder", "image_encoder", "vit_encoder")
# Where dicts that preprocessors return keep the image.
IMAGE_KEYS = ("images", "image", "pixel_values", "inputs")
# A picture of no usual size, to see whether it leaves as it came.
ODD_SIZE = (37, 41)
# What black and white differ by where 0..255 is expected is less than this; where 0..1 is, it is 1 or more.
LARGEST_CONTRAST = 25.5


def dual_encoder(model: Any) -> Any | None:
    """The model, or its backbone, if it has an encoder for images and one for texts, as CLIP has; else None."""
    both = "get_vision_embeddings", "get_text_embeddings"
    parts = model, getattr(model, "backbone", None)
    return next((part for part in parts if all(hasattr(part, name) for name in both)), None)


def own_preprocessor(model: Any, of_pairs: Any = None) -> "OwnPreprocessor | None":
    """The model's own preprocessor, if it has one that can be called and does not call it itself.

    Args:
        model: what it belongs to.
        of_pairs: a preprocessor of texts and images that takes its place; what makes but tokens does not.
    """
    preprocessor = of_pairs if is_of_pairs(of_pairs) else getattr(model, "preprocessor", None)
    if is_of_pairs(preprocessor):
        preprocessor = getattr(preprocessor, "image_converter", None)
    code = getattr(type(model).call, "__code__", None)
    if not callable(preprocessor) or (code is not None and "preprocessor" in code.co_names):
        return None
    return OwnPreprocessor(preprocessor, "task" if is_task(model) else "model")


def is_of_pairs(preprocessor: Any) -> bool:
    """Whether a preprocessor is one of texts and images; those of images alone have a place for a tokenizer, too."""
    return getattr(preprocessor, "tokenizer", None) is not None


def is_task(model: Any) -> bool:
    """Whether the model is a backbone with a head and a place for a preprocessor, as a task of keras-hub is."""
    return hasattr(model, "preprocessor") and hasattr(model, "backbone")


def is_classifier_of_hub(model: Any) -> bool:
    """Whether the model is a classifier of keras-hub with a preprocessor, as its presets are.

    Such a one with 1000 classes knows those of ImageNet; one's own 1000 classes need `class_names`.
    """
    kind = type(model)
    of_hub = kind.__module__.startswith("keras_hub.") and kind.__name__.endswith("ImageClassifier")
    return of_hub and own_preprocessor(model) is not None


def image_part(model: Any, path: str = "model") -> str | None:
    """Where a model of several inputs keeps a part that takes an image alone, as one would write it."""
    for name in IMAGE_PARTS:
        inputs = getattr(getattr(model, name, None), "inputs", None) or ()
        if len(inputs) == 1 and len(inputs[0].shape) == 4:
            return f"{path}.{name}"
    backbone = getattr(model, "backbone", None)
    return image_part(backbone, f"{path}.backbone") if backbone is not None else None


class OwnPreprocessor:
    """Calls a model's own preprocessor, one image at a time, and tells which region of it the model gets.

    Args:
        preprocessor: takes images (1, H, W, C) as `model.predict` would get them, float32, and returns them
            model-ready; alone, first in a tuple, or in a dict.
        owner: whose it is, in a word.
    """

    def __init__(self, preprocessor: Any, owner: str) -> None:
        self.preprocessor = preprocessor
        self._name = f"{owner}'s own {getattr(preprocessor, '__name__', type(preprocessor).__name__)}"
        self._converter = getattr(preprocessor, "image_converter", None) or preprocessor
        resizing = getattr(self._converter, "resizing", self._converter)
        facts = ("height", "width", "crop_to_aspect_ratio", "pad_to_aspect_ratio")
        self._resizing = resizing if all(hasattr(resizing, fact) for fact in facts) else None

    @property
    def size(self) -> tuple[int, int] | None:
        """The (H, W) that images are brought to, None where they are not or nobody can tell."""
        if self._resizing is None or self._resizing.height is None:
            return None
        return int(self._resizing.height), int(self._resizing.width)

    def resizes(self, channels: int) -> bool:
        """Whether images of any size may be given to it."""
        return self._changes_sizes(channels) if self._resizing is None else self.size is not None

    def _changes_sizes(self, channels: int) -> bool:
        try:
            return self._called(np.zeros((*ODD_SIZE, channels), np.float32)).shape[:2] != ODD_SIZE
        except ImageError:
            return True

    @property
    def fit(self) -> str | None:
        """How it meets another aspect ratio: `"stretch"`, `"crop"`, `"pad"`; None as for `size`."""
        if self._resizing is None or self.size is None:
            return None
        if self._resizing.crop_to_aspect_ratio:
            return "crop"
        return "pad" if self._resizing.pad_to_aspect_ratio else "stretch"

    def check_fit(self, fit: str) -> None:
        """Refuse a fit that somebody chose and that this preprocessor, which resizes by itself, does not have.

        Raises:
            ImageError: says what it does instead.
        """
        if fit not in ("stretch", self.fit):
            does = {"crop": "crops to the aspect ratio", "pad": "pads to it", "stretch": "stretches"}.get(
                self.fit or "", "resizes by itself"
            )
            raise ImageError(
                f"fit={fit!r} contradicts the {self._name}, which {does}. Leave fit= out, or set preprocess=None or a "
                "function, and images are resized before it."
            )

    def box(self, shape: tuple[int, ...]) -> Box:
        """The region of an image of this shape (H, W) that fills the model's input, counted as Keras does."""
        if self.size is None or self.fit == "stretch":
            return WHOLE
        (h, w), (height, width) = shape[:2], self.size
        of_width = int(np.float32(w * height) / np.float32(width))
        of_height = int(np.float32(h * width) / np.float32(height))
        if self.fit == "crop":
            tall, wide = max(min(h, of_width), 1), max(min(w, of_height), 1)
            top, left = (h - tall) // 2, (w - wide) // 2
            return left / w, top / h, (left + wide) / w, (top + tall) / h
        top, left = (max(h, of_width) - h) // 2, (max(w, of_height) - w) // 2
        return -left / w, -top / h, 1 + left / w, 1 + top / h

    def batch(self, images: Iterable[Floats], declared: tuple[int | None, int | None, int]) -> Floats:
        """Images (H, W, C), each of its own size, as the model wants them (N, H, W, C).

        Raises:
            ImageError: the preprocessor failed, or made something that the model does not take.
        """
        return self.joined(self.one(image, declared) for image in images)

    def one(self, image: Floats, declared: tuple[int | None, int | None, int]) -> Floats:
        """One image (any, any, C) as the model wants it (H, W, C); raises as `batch` does."""
        ready = self._called(image)
        if ready.ndim != 3 or any(side not in (None, have) for side, have in zip(declared, ready.shape, strict=True)):
            raise ImageError(self._misfit(ready.shape, declared))
        if not np.isfinite(ready).all():
            raise ImageError(f"The {self._name} returned values that are NaN or infinite.")
        return ready

    def joined(self, images: Iterable[Floats]) -> Floats:
        """What `one` returned of several images, in one array.

        Raises:
            ImageError: they are of different sizes.
        """
        ready = list(images)
        for image in ready:
            if image.shape != ready[0].shape:
                raise ImageError(self._misfit(image.shape, ready[0].shape))
        return np.stack(ready)

    def _misfit(self, shape: tuple[int, ...], want: tuple[int | None, ...]) -> str:
        takes = " × ".join(str(side or "any") for side in want)
        advice = "pass preprocess= a function of your own"
        if self.size is not None and None not in want[:2]:
            advice = f"set model.preprocessor.image_size = {tuple(want[:2])}, or {advice}"
        makes = " × ".join(map(str, shape))
        return f"The {self._name} makes images of {makes}, where the model takes {takes}: {advice}."

    def _called(self, image: Floats) -> Floats:
        try:
            # tf.data, through which a task predicts, has its preprocessing on the CPU as well.
            with keras.device("cpu"):
                out = np.asarray(_image_in(self.preprocessor(image[None])), np.float32)
        except ImageError as error:
            raise ImageError(f"The {self._name} {error}") from error
        except Exception as error:
            advice = "Pass preprocess=None, or a function of your own, to do without it."
            raise ImageError(f"The {self._name} raised {plain(error)}\n{advice}") from error
        return out[0] if out.ndim == 4 and len(out) == 1 else out

    def expects_bytes(self, channels: int) -> bool:
        """Whether it takes numbers for 0..255, told by what becomes of black and white."""
        shape = (*(self.size or ODD_SIZE), channels)
        black, white = (self._called(np.full(shape, v, np.float32)) for v in (0, 255))
        return bool(np.abs(white - black).max() < LARGEST_CONTRAST)

    def words(self, resizes: bool) -> str:
        """What it does to a photograph, which it resizes or not."""
        steps: list[str] = []
        if self._resizing is None:
            unknown = ", which resizes: how is not known, and taken as stretching" if resizes else ""
            return f"preprocess: the {self._name}{unknown}"
        if self.size is not None:
            kind = getattr(self._resizing, "interpolation", "bilinear")
            smooth = ", antialiased" if getattr(self._resizing, "antialias", False) else ""
            steps.append(f"resized to {self.size[0]} × {self.size[1]} ({kind}{smooth})")
            how = {"crop": "cropped to the aspect ratio", "pad": "padded to the aspect ratio"}
            steps.append(how.get(str(self.fit), "stretched"))
        numbers = _arithmetic(getattr(self._converter, "scale", None), getattr(self._converter, "offset", None))
        steps += [numbers] if numbers else []
        return f"preprocess: the {self._name}: {', '.join(steps) or 'numbers as they are'}"


def _image_in(out: Any) -> Any:
    """The image among what a preprocessor returned: alone, as x of (x, y, weight), or in a dict."""
    if isinstance(out, (tuple, list)) and len(out):
        out = out[0]
    if isinstance(out, Mapping):
        keys = [key for key in IMAGE_KEYS if key in out] or (list(out) if len(out) == 1 else [])
        if not keys:
            raise ImageError(
                f"returned a dict with {', '.join(map(repr, out))}; the image is looked for under "
                f"{', '.join(map(repr, IMAGE_KEYS))}."
            )
        out = out[keys[0]]
    return out


def _arithmetic(scale: Any, offset: Any) -> str:
    """`x * scale + offset`, each one number or one a channel, as people write it: × 1/127.5 − 1."""
    steps: list[str] = []
    if scale is not None:
        steps.append(f"× {_numbers([f'1/{1 / v:.4g}' if 0 < v < 1 else f'{v:.4g}' for v in np.ravel(scale)])}")
    if offset is not None:
        values = [float(v) for v in np.ravel(offset)]
        minus = all(v < 0 for v in values)
        steps.append(f"{'−' if minus else '+'} {_numbers([f'{-v if minus else v:.4g}' for v in values])}")
    return " ".join(steps)


def _numbers(texts: list[str]) -> str:
    return texts[0] if len(texts) == 1 else f"({', '.join(texts)})"
