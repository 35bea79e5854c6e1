"""Image-like things of every accepted kind -> arrays of their pixels."""

import glob
import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from kx_widget.engine.array_files import TIFF, holds_array, read_array, read_png, read_tiff
from kx_widget.engine.bands import COLOURS, Bands, where_not_finite
from kx_widget.engine.errors import ImageError
from kx_widget.engine.folders import pictures_in

# Kinds of dtypes: bool, unsigned, signed, float.
NUMBERS = "buif"
# What phones' photographs are called that Pillow cannot read alone.
HEIC = (".heic", ".heif")
BITS_PER_SAMPLE = 258
# What white is in PNGs of 16 bits.
DEEPEST = 65535
SQUEEZED_WARNING = (
    "A PNG has 16 bits a colour, of which Pillow reads 8. Install imagecodecs, or the extra 'bands' of kx-widget, "
    "to have all of them."
)
# Pictures of a folder that are held in memory at once.
MOST_IN_FOLDER = 500


def items_of(images: Any, channels: int = 3) -> list[tuple[str, Any]]:
    """Names of all images, and what `decode` takes of each.

    Args:
        images: as in `Explainer.explain`.
        channels: that the model takes.

    Raises:
        ImageError: these are no images, or none.
    """
    items = _items(images, channels)
    if not items:
        raise ImageError("There are no images: the list is empty. Pass at least one.")
    return items


def _items(images: Any, channels: int) -> list[tuple[str, Any]]:
    if isinstance(images, (str, Path)):
        return _paths(images)
    if isinstance(images, Image.Image):
        return [("image 0", images)]
    if isinstance(images, (list, tuple)) and not _is_nested(images):
        items: list[tuple[str, Any]] = []
        for i, item in enumerate(images):
            if isinstance(item, (str, Path)):
                items += _paths(item)
            else:
                items.append((f"image {i}", item))
        return items
    array = _as_array(images)
    if array.dtype.kind not in NUMBERS and array.ndim == 0:
        raise ImageError(
            f"{type(images).__name__} is not an image or a batch of images. Pass arrays, paths, PIL images, "
            "or a list of these."
        )
    # Grey images may come without an axis for their channel.
    if array.ndim == 4 or (array.ndim == 3 and channels in COLOURS and array.shape[-1] not in COLOURS):
        return [(f"image {i}", a) for i, a in enumerate(array)]
    return [("image 0", array)]


def _is_nested(images: Sequence[Any]) -> bool:
    """Whether these are the numbers of an array, as `tolist` gives them."""
    try:
        return isinstance(images[0], (list, tuple)) and np.asarray(images).dtype.kind in NUMBERS
    except (IndexError, ValueError):  # There is none, or their shapes differ.
        return False


def _paths(path: str | Path) -> list[tuple[str, Any]]:
    text = str(path)
    if glob.has_magic(text) and not Path(text).exists():
        paths = sorted(glob.glob(text, recursive=True))
        return [(p, Path(p)) for p in paths] or [(text, _Missing("no file matches this pattern"))]
    if text and Path(text).is_dir():
        return [(p, Path(p)) for p in _few_enough(text, pictures_in(text))]
    return [(text, Path(text))]


def _few_enough(folder: str, paths: list[str]) -> list[str]:
    if len(paths) > MOST_IN_FOLDER:
        raise ImageError(
            f"The folder {folder!r} holds {len(paths)} images, and {MOST_IN_FOLDER} at most are held in memory at "
            f"once. Explain all of them with Explainer(model).explain_to('maps.parquet', {folder!r}), which "
            "KxWidget.from_store('maps.parquet', model) shows, or pass a list of some of its files."
        )
    return paths


@dataclass(frozen=True)
class _Missing:
    reason: str


def _as_array(item: Any) -> NDArray[Any]:
    if np.ma.is_masked(item):
        raise ImageError("is a masked array; say what its masked pixels are: image.filled(0)")
    try:
        return np.asarray(item)
    except Exception as error:
        raise ImageError(f"{type(item).__name__} is not an image or a batch of images.") from error


def decode(item: Any, channels: int = 3) -> NDArray[Any]:
    """One item as uint8, deeper whole numbers of 0 and above, or float32 (height, width, C).

    Args:
        item: from `items_of`.
        channels: that the model takes; C is 1 or 3 where it is one of these.
    """
    if isinstance(item, _Missing):
        raise ImageError(item.reason)
    if isinstance(item, (Path, bytes)):
        item = _open(item, channels)
    elif isinstance(item, Image.Image):
        item = _upright(item)
    if isinstance(item, Image.Image):
        is_exact = item.mode[0] in ("I", "F") or (channels not in COLOURS and len(item.getbands()) == channels)
        item = np.asarray(item) if is_exact else _opaque(item)
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
    accepted = Bands(channels).accepted
    if array.shape[-1] not in accepted:
        hint = "; drop the alpha channel with image[..., :3]" if array.shape[-1] == 4 and 3 in accepted else ""
        hint = "; put the channels last with np.moveaxis(image, 0, -1)" if array.shape[0] in accepted else hint
        needed = f"{' or '.join(map(str, accepted))} {'is' if accepted == (1,) else 'are'} needed"
        raise ImageError(f"{array.shape[-1]} channels in shape {array.shape}, where {needed}{hint}")
    # Ones and zeros are a mask, unless a camera made them.
    is_pixels = array.dtype.kind == "u" and array.dtype.itemsize <= 2
    if is_pixels or (is_whole(array) and array.min() >= 0 and array.max() != 1):
        return array
    with np.errstate(over="ignore"):
        array = array.astype(np.float32)
    if not np.isfinite(array).all():
        count, where = int((~np.isfinite(array)).sum()), where_not_finite(array)
        raise ImageError(f"{count} of {array.size} values are NaN, infinite or too large for float32{where}")
    return array


def _open(file: Path | bytes, channels: int) -> Any:
    if isinstance(file, Path) and file.is_dir():
        raise ImageError("is a folder; pass it by itself, or a pattern such as folder/*.jpg")
    if isinstance(file, Path) and not file.exists():
        raise ImageError("there is no such file")
    if isinstance(file, Path) and not file.is_file():
        raise ImageError("is a pipe or a device, not a file")
    if isinstance(file, Path) and holds_array(file):
        return read_array(file)
    if isinstance(file, Path) and file.suffix.lower() in TIFF and channels not in COLOURS:
        return read_tiff(file, channels)
    try:
        with Image.open(file if isinstance(file, Path) else io.BytesIO(file)) as opened:
            if _is_deep_png(opened):
                deep = read_png(file.read_bytes() if isinstance(file, Path) else file)
                if deep is not None:
                    return _on_white(deep) if channels in COLOURS else deep
                warnings.warn(SQUEEZED_WARNING, RuntimeWarning, stacklevel=2)
            if not _is_deep_tiff(opened):
                opened.load()
                return _upright(opened, in_place=True)
        return read_tiff(file if isinstance(file, Path) else io.BytesIO(file), channels)
    except ImageError:
        raise
    except UnidentifiedImageError as error:
        if isinstance(file, Path) and file.suffix.lower() in TIFF:
            # Pillow does not know TIFFs of bands.
            return read_tiff(file, channels)
        is_heic = isinstance(file, Path) and file.suffix.lower() in HEIC
        hint = "; install pillow-heif and call pillow_heif.register_heif_opener() to read HEIC" if is_heic else ""
        raise ImageError(f"cannot be read as an image (no known format{hint})") from error
    except Exception as error:
        raise ImageError(f"cannot be read as an image ({error})") from error


def _is_deep_png(opened: Image.Image) -> bool:
    """Whether this is a PNG of several channels of 16 bits, which Pillow makes 8."""
    return opened.format == "PNG" and opened.mode[0] != "I" and str(opened.tile[0][3]).endswith(";16B")


def _on_white(array: NDArray[Any]) -> NDArray[Any]:
    """Colours or grey of 16 bits without the transparency that comes last, as `_opaque` does with 8 bits."""
    if array.shape[-1] not in (2, 4):
        return array
    colours, opacity = array[..., :-1], array[..., -1:] / np.float32(DEEPEST)
    return np.asarray(colours * opacity + DEEPEST * (1 - opacity) + 0.5).astype(np.uint16)


def _is_deep_tiff(opened: Image.Image) -> bool:
    """Whether this is a TIFF of several channels of more than 8 bits, which Pillow would make 8."""
    bits = getattr(opened, "tag_v2", {}).get(BITS_PER_SAMPLE, ())
    return isinstance(bits, tuple) and len(bits) > 1 and max(bits) > 8


def _upright(image: Image.Image, in_place: bool = False) -> Image.Image:
    """The image or a copy, turned as its EXIF orientation says; damaged metadata does not spoil the pixels."""
    try:
        return (ImageOps.exif_transpose(image, in_place=True) or image) if in_place else ImageOps.exif_transpose(image)
    except Exception:
        return image if in_place else image.copy()


def is_whole(array: NDArray[Any]) -> bool:
    """Whether these are whole numbers of more than 8 bits."""
    return array.dtype.kind in "ui" and array.dtype != np.uint8


def _opaque(image: Image.Image) -> Image.Image:
    if image.mode in ("L", "RGB") and "transparency" not in image.info:
        return image
    if image.mode in ("1", "L"):
        return image.convert("L")
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


def is_deep(file: Path | bytes) -> bool:
    """Whether a file may hold more than 8 bits a channel; nothing but its head is read."""
    if isinstance(file, Path) and holds_array(file):
        return True
    try:
        with Image.open(file if isinstance(file, Path) else io.BytesIO(file)) as opened:
            return opened.mode[0] in ("I", "F") or _is_deep_tiff(opened) or _is_deep_png(opened)
    except Exception:
        return isinstance(file, Path) and file.suffix.lower() in TIFF
