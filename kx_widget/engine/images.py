"""Image-like things -> a model-ready batch, and the pictures to show."""

import glob
import hashlib
import io
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from kx_widget.engine.errors import ImageError
from kx_widget.engine.preprocessing import Preprocessing
from kx_widget.engine.ranges import Pixels, Ranges, as_pixels, eight_bits
from kx_widget.engine.tasks import WHOLE, Box
from kx_widget.engine.types import Floats

Fit = Literal["stretch", "crop", "pad"]
LARGEST_FREE_SIDE = 512
# Kinds of dtypes: bool, unsigned, signed, float.
NUMBERS = "buif"


@dataclass(frozen=True)
class Images:
    """A batch ready for the model, and what it was made from.

    `batch` read-only float32 (N, H, W, C); `shown` the originals, uint8 (any, any, 3); `boxes` the region of each
    original that the model sees, (x0, y0, x1, y1) in fractions, beyond 0..1 where it is padded; `digests`
    one per image of the batch; `find_black` tells `black`.
    """

    batch: Floats
    shown: tuple[Pixels, ...]
    boxes: tuple[Box, ...]
    names: tuple[str, ...]
    digests: tuple[Hashable, ...]
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
    names, arrays = _read_all(images)
    ranges = ranges or Ranges()
    depth = ranges.depth_of([a for a in arrays if _is_whole(a)])
    arrays = [eight_bits(a, depth) if _is_whole(a) else a for a in arrays]
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
    note = f"; 16-bit images taken as {depth} bit (0..{2**depth - 1})" if depth else ""
    batch = preprocessing.apply(floats, are_bytes, span, declared, note)
    height, width = batch.shape[1:3]
    return Images(
        batch=batch,
        shown=tuple(as_pixels(a, span) for a in arrays),
        boxes=boxes,
        names=tuple(names),
        digests=tuple(map(digest_of, batch)),
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
    return Images(batch, **of_all, find_black=lambda: np.concatenate([part.black for part in parts]))


def read(item: Any, size: tuple[int, int] | None = None, fit: Fit = "stretch", depth: int = 0) -> NDArray[Any]:
    """One image, as uint8, whole numbers or float32 (height, width, 1 or 3); bytes are resized as `load` would.

    `depth` is how many bits whole numbers have, where that is known, and makes them bytes.

    Raises:
        ImageError: it cannot be used, and why.
    """
    array = _array(item)
    if depth and _is_whole(array):
        array = eight_bits(array, depth)
    if size is None or array.dtype != np.uint8:
        return array
    return _resize(array, size, box_of(array.shape[:2], size, fit))


def is_deep(file: Path | bytes) -> bool:
    """Whether a file holds more than 8 bits a channel; nothing but its head is read."""
    try:
        with Image.open(file if isinstance(file, Path) else io.BytesIO(file)) as opened:
            return opened.mode[0] in ("I", "F")
    except Exception:
        return False


def size_for(shape: tuple[int, ...], declared: tuple[int | None, int | None, int]) -> tuple[int, int]:
    """The model's input size (H, W); where it takes any, all images get the first one's, of this shape."""
    shrink = min(1.0, LARGEST_FREE_SIDE / max(shape[:2]))
    height, width = (side or max(1, round(own * shrink)) for side, own in zip(declared[:2], shape[:2], strict=True))
    return height, width


def _items(images: Any) -> list[tuple[str, Any]]:
    if isinstance(images, (str, Path)):
        return _paths(images)
    if isinstance(images, Image.Image):
        return [("image 0", images)]
    if isinstance(images, (list, tuple)):
        found: list[tuple[str, Any]] = []
        for i, item in enumerate(images):
            if isinstance(item, (str, Path)):
                found += _paths(item)
            else:
                found.append((f"image {i}", item))
        return found
    array = _as_array(images)
    if array.dtype.kind not in NUMBERS and array.ndim == 0:
        raise ImageError(
            f"{type(images).__name__} is not an image or a batch of images. Pass arrays, paths, PIL images, "
            "or a list of these."
        )
    if array.ndim == 4 or (array.ndim == 3 and array.shape[-1] not in (1, 3)):
        return [(f"image {i}", a) for i, a in enumerate(array)]
    return [("image 0", array)]


def _paths(path: str | Path) -> list[tuple[str, Any]]:
    text = str(path)
    if glob.has_magic(text) and not Path(text).exists():
        found = sorted(glob.glob(text, recursive=True))
        return [(p, Path(p)) for p in found] or [(text, _Missing("no file matches this pattern"))]
    return [(text, Path(text))]


def _read_all(images: Any) -> tuple[list[str], list[NDArray[Any]]]:
    items = _items(images)
    arrays: list[NDArray[Any]] = []
    problems: list[str] = []
    for name, item in items:
        try:
            arrays.append(_array(item))
        except Exception as error:
            problems.append(f"{name}: {error}")
    if problems:
        bad = "\n  ".join(problems)
        raise ImageError(f"{len(problems)} of {len(items)} images cannot be used:\n  {bad}")
    if not arrays:
        raise ImageError("There are no images: the list is empty. Pass at least one.")
    return [name for name, _ in items], arrays


@dataclass(frozen=True)
class _Missing:
    reason: str


def _as_array(item: Any) -> NDArray[Any]:
    try:
        return np.asarray(item)
    except Exception as error:
        raise ImageError(f"{type(item).__name__} is not an image or a batch of images.") from error


def _array(item: Any) -> NDArray[Any]:
    """One item as uint8, deeper whole numbers of 0 and above, or float32 (height, width, 1 or 3)."""
    if isinstance(item, _Missing):
        raise ImageError(item.reason)
    if isinstance(item, (Path, bytes)):
        item = _open(item)
    elif isinstance(item, Image.Image):
        item = _upright(item)
    if isinstance(item, Image.Image):
        item = np.asarray(item) if item.mode[0] in ("I", "F") else _opaque(item)
    array = _as_array(item)
    if array.dtype.kind not in NUMBERS:
        of = "" if array.ndim == 0 else f" of {array.dtype}"
        raise ImageError(f"{type(item).__name__}{of} is not an image")
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3:
        raise ImageError(f"shape {array.shape} is not (height, width, channels)")
    if 0 in array.shape:
        raise ImageError(f"shape {array.shape} has a side of 0")
    if array.shape[-1] not in (1, 3):
        hint = "; drop the alpha channel with image[..., :3]" if array.shape[-1] == 4 else ""
        hint = "; put the channels last with np.moveaxis(image, 0, -1)" if array.shape[0] in (1, 3) else hint
        raise ImageError(f"{array.shape[-1]} channels in shape {array.shape}, where 1 or 3 are needed{hint}")
    # Ones and zeros are a mask, unless a camera made them.
    known = array.dtype.kind == "u" and array.dtype.itemsize <= 2
    if known or (_is_whole(array) and array.min() >= 0 and array.max() != 1):
        return array
    with np.errstate(over="ignore"):
        array = array.astype(np.float32)
    if not np.isfinite(array).all():
        count = int((~np.isfinite(array)).sum())
        raise ImageError(f"{count} of {array.size} values are NaN, infinite or too large for float32")
    return array


def _open(file: Path | bytes) -> Image.Image:
    if isinstance(file, Path) and file.is_dir():
        raise ImageError("is a folder; pass a pattern such as folder/*.jpg")
    if isinstance(file, Path) and not file.exists():
        raise ImageError("there is no such file")
    if isinstance(file, Path) and not file.is_file():
        raise ImageError("is a pipe or a device, not a file")
    try:
        with Image.open(file if isinstance(file, Path) else io.BytesIO(file)) as opened:
            opened.load()
            return _upright(opened)
    except UnidentifiedImageError as error:
        raise ImageError("cannot be read as an image (no known format)") from error
    except Exception as error:
        raise ImageError(f"cannot be read as an image ({error})") from error


def _upright(image: Image.Image) -> Image.Image:
    """A copy, turned as its EXIF orientation says; damaged metadata does not spoil the pixels."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:
        return image.copy()


def _is_whole(array: NDArray[Any]) -> bool:
    """Whether these are whole numbers of more than 8 bits."""
    return array.dtype.kind in "ui" and array.dtype != np.uint8


def _opaque(image: Image.Image) -> Image.Image:
    if image.mode in ("1", "L"):
        return image.convert("L")
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


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
