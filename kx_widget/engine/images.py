"""Image-like things -> a model-ready batch, and the pictures to show."""

import hashlib
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kx_widget.engine.decoding import decode, decode_all, is_whole
from kx_widget.engine.errors import ImageError
from kx_widget.engine.preprocessing import Preprocessing
from kx_widget.engine.ranges import Pixels, Ranges, as_pixels, eight_bits
from kx_widget.engine.tasks import WHOLE, Box
from kx_widget.engine.types import Floats

Fit = Literal["stretch", "crop", "pad"]
LARGEST_FREE_SIDE = 512


@dataclass(frozen=True)
class Images:
    """A batch ready for the model, and what it was made from.

    `batch` read-only float32 (N, H, W, C); `shown` the originals, uint8 (any, any, 3); `boxes` the region of each
    original that the model sees, (x0, y0, x1, y1) in fractions, beyond 0..1 where it is padded; `digests`
    one per image of the batch; `preprocessing` tells in words how the batch was made, `depth` the bits that were taken
    of whole numbers beyond 8 bits, 0 without such; `find_black` tells `black`.
    """

    batch: Floats
    shown: tuple[Pixels, ...]
    boxes: tuple[Box, ...]
    names: tuple[str, ...]
    digests: tuple[Hashable, ...]
    preprocessing: str
    depth: int
    find_black: Callable[[], Floats]

    def __post_init__(self) -> None:
        # What is known of these images is known of these numbers; a view, since the array may be somebody's.
        view = self.batch.view()
        view.flags.writeable = False
        object.__setattr__(self, "batch", view)

    @cached_property
    def black(self) -> Floats:
        """What black is in the batch (N, C); not asked of the preprocessing before somebody needs it."""
        return self.find_black()

    @property
    def described(self) -> str:
        """How the batch was made, in words."""
        note = f"; 16-bit images taken as {self.depth} bit (0..{2**self.depth - 1})" if self.depth else ""
        return self.preprocessing + note

    def seen(self) -> Pixels:
        """What the model sees of each original, uint8 (N, H, W, 3)."""
        h, w = self.batch.shape[1:3]
        pairs = zip(self.shown, self.boxes, strict=True)
        return np.stack([np.asarray(_resize(pixels, (h, w), box), np.uint8) for pixels, box in pairs])

    def small(self) -> "Images":
        """The same, with what the model sees instead of the originals."""
        return replace(self, shown=tuple(self.seen()), boxes=(WHOLE,) * len(self.shown))


def digest(array: NDArray[Any]) -> str:
    """What caches go by instead of the array."""
    # Processors have instructions for this one: a third of blake2b's time.
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()


def load(
    images: Any,
    declared: tuple[int | None, int | None, int],
    preprocessing: Preprocessing,
    fit: Fit = "stretch",
    ranges: Ranges | None = None,
    digest_of: Callable[[NDArray[Any]], Hashable] = digest,
) -> Images:
    """Read, check, resize and preprocess images of every accepted kind.

    Whole numbers of more than 8 bits are brought to 0..255, by the bits that all of them together use.
    `ranges` tells the range of images, if not what they show by themselves; `digest_of` names what the model gets of
    an image. A preprocessor that belongs to the model and resizes, does so in place of `fit`.

    Raises:
        ImageError: lists every item that cannot be used, and why.
    """
    if fit not in ("stretch", "crop", "pad"):
        raise ImageError(f'fit={fit!r} is not known. Choose "stretch", "crop" or "pad".')
    names, arrays = decode_all(images)
    ranges = ranges or Ranges()
    depth = ranges.depth_of([a for a in arrays if is_whole(a)])
    arrays = [eight_bits(a, depth) if is_whole(a) else a for a in arrays]
    span = ranges.span_of([a for a in arrays if a.dtype != np.uint8])
    are_bytes = [a.dtype == np.uint8 for a in arrays]
    channels = declared[2]
    if preprocessing.own is not None and preprocessing.resizes(channels):
        preprocessing.own.check_fit(fit)
        boxes = tuple(preprocessing.own.box(a.shape) for a in arrays)
        # One at a time: a photograph is large in float32.
        floats = (_channels(a, channels) for a in arrays)
    else:
        size = size_for(arrays[0].shape, declared)
        boxes = tuple(box_of(a.shape[:2], size, fit) for a in arrays)
        pairs = zip(arrays, boxes, strict=True)
        floats = (_channels(_resize(a, size, box), channels) for a, box in pairs)
    batch, text = preprocessing.apply(floats, are_bytes, span, declared)
    height, width = batch.shape[1:3]
    return Images(
        batch=batch,
        shown=tuple(as_pixels(a, span) for a in arrays),
        boxes=boxes,
        names=tuple(names),
        digests=tuple(map(digest_of, batch)),
        preprocessing=text,
        depth=depth,
        find_black=lambda: preprocessing.black((height, width, channels), are_bytes, span),
    )


def join(parts: Sequence[Images]) -> Images:
    """Images that were loaded apart, as if loaded together.

    Raises:
        ImageError: the model would get them in different sizes.
    """
    sizes = {part.batch.shape[1:] for part in parts}
    if len(sizes) > 1:
        raise ImageError(f"The images have different sizes once preprocessed: {', '.join(map(str, sorted(sizes)))}.")
    of_all = {
        name: tuple(one for part in parts for one in getattr(part, name))
        for name in ("shown", "boxes", "names", "digests")
    }
    batch = np.concatenate([part.batch for part in parts])
    return replace(
        parts[0],
        batch=batch,
        **of_all,
        depth=max(part.depth for part in parts),
        find_black=lambda: np.concatenate([part.black for part in parts]),
    )


def read(item: Any, size: tuple[int, int] | None = None, fit: Fit = "stretch") -> Pixels:
    """One image to show, uint8 (height, width, 1 or 3), resized as `load` would if `size` is given.

    Raises:
        ImageError: it cannot be used, and why.
    """
    array, ranges = decode(item), Ranges()
    if is_whole(array):
        array = eight_bits(array, ranges.depth_of([array]))
    elif array.dtype != np.uint8:
        array = as_pixels(array, ranges.span_of([array]))
    return array if size is None else _resize(array, size, box_of(array.shape[:2], size, fit))


def reduce(item: Any, size: tuple[int, int] | None, fit: Fit, depth: int) -> NDArray[Any]:
    """One image for `load`, which bytes wait for in the size that it brings them to, if `size` is given.

    Whole numbers are bytes where the `depth` of all of them is known, 0 where not.

    Raises:
        ImageError: it cannot be used, and why.
    """
    array = decode(item)
    if depth and is_whole(array):
        array = eight_bits(array, depth)
    if size is None or array.dtype != np.uint8:
        return array
    return _resize(array, size, box_of(array.shape[:2], size, fit))


def size_for(shape: tuple[int, ...], declared: tuple[int | None, int | None, int]) -> tuple[int, int]:
    """The model's input size (H, W); where it takes any, all images get the first one's, of this shape."""
    shrink = min(1.0, LARGEST_FREE_SIDE / max(shape[:2]))
    height, width = (side or max(1, round(own * shrink)) for side, own in zip(declared[:2], shape[:2], strict=True))
    return height, width


def _channels(array: NDArray[Any], channels: int) -> Floats:
    """float32 (H, W, channels): grey repeated, or colour weighted to luma (ITU-R 601)."""
    array = array.astype(np.float32)
    if array.shape[-1] == channels:
        return array
    return array.repeat(3, -1) if channels == 3 else array @ np.array([[0.299], [0.587], [0.114]], np.float32)


def box_of(have: tuple[int, ...], want: tuple[int, int], fit: Fit) -> Box:
    """The region of the original that fills the model's input."""
    if fit == "stretch":
        return (0.0, 0.0, 1.0, 1.0)
    ratio = (want[1] / want[0]) / (have[1] / have[0])
    if (ratio < 1) == (fit == "crop"):
        w, h = ratio, 1.0
    else:
        w, h = 1.0, 1 / ratio
    return ((1 - w) / 2, (1 - h) / 2, (1 + w) / 2, (1 + h) / 2)


def _resize(array: NDArray[Any], size: tuple[int, int], box: Box) -> NDArray[Any]:
    """The region `box` of an image, antialiased, at `size` (H, W); black where it lies outside."""
    h, w = array.shape[:2]
    if (h, w) == size and box == (0.0, 0.0, 1.0, 1.0):
        return array
    x0, y0, x1, y1 = (v * s for v, s in zip(box, (w, h, w, h), strict=True))
    if min(x0, y0) < 0:
        left, top = max(0, round(-x0)), max(0, round(-y0))
        array = np.pad(array, ((top, top), (left, left), (0, 0)))
        x0, y0, x1, y1 = 0.0, 0.0, float(array.shape[1]), float(array.shape[0])
    colours = array.dtype == np.uint8 and array.shape[-1] == 3
    planes = [array] if colours else [array[..., c] for c in range(array.shape[-1])]
    bilinear = Image.Resampling.BILINEAR
    resized = [
        np.asarray(Image.fromarray(np.ascontiguousarray(p)).resize((size[1], size[0]), bilinear, box=(x0, y0, x1, y1)))
        for p in planes
    ]
    return resized[0] if colours else np.stack(resized, -1)
