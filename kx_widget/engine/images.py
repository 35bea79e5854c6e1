"""Image-like things -> a model-ready batch, and the pictures to show."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kx_widget.engine.bands import Bands, bands_of
from kx_widget.engine.cache import digest
from kx_widget.engine.decoding import decode, is_whole, items_of
from kx_widget.engine.errors import ImageError
from kx_widget.engine.originals import Original, originals_of
from kx_widget.engine.ranges import Limits, Pixels, Ranges, ValueRange, depth_in_words, of_bits
from kx_widget.engine.types import WHOLE, Box, Floats

if TYPE_CHECKING:
    # Pictures are shown without Keras, too.
    from kx_widget.engine.preprocessing import Preprocessing

Fit = Literal["stretch", "crop", "pad"]
LARGEST_FREE_SIDE = 512
LONGEST_PREVIEW = 512
# What the previews of all images together may take; of many images they are smaller.
PREVIEW_BYTES = 2**27
# Files that are decoded at once: each takes several times the memory of its pixels meanwhile.
DECODERS = 4
# The attributes that have a value for each image, beside the arrays.
EACH = ("previews", "boxes", "names", "digests", "originals", "seen")


def _in_proportion(_: Floats) -> None:
    """What `Images.of_pixels` is where nothing is to be said."""


@dataclass(frozen=True, eq=False)
class Images:
    """A batch ready for the model, and pictures of what it was made from; nothing is kept at full size.

    Attributes:
        batch: float32 (N, H, W, C), read-only.
        pixels: uint8 (N, H, W, 3), what the model sees of each image, read-only.
        previews: uint8 (any, any, 3), the images themselves, `LONGEST_PREVIEW` a side at most.
        boxes: the region of each image that the model sees, (x0, y0, x1, y1) in fractions, beyond 0..1 where it is
            padded.
        names: paths, or where the images were in what was given.
        digests: one per image of the batch, what caches go by, in a tuple with those of what is beside it.
        preprocessing: how the batch was made, in words.
        depth: the bits that were taken of whole numbers beyond 8 bits, 0 without such.
        find_black: computes `black`.
        of_pixels: pictures (N, H, W, 3) in 0..255 as the model wants them; see `Preprocessing.of_pixels`.
        span: the range that floats were taken to lie in.
        originals: where each image is found at full size; empty where no pictures were kept.
        seen: the (height, width) of each image as it was given, and its box, also where no pictures were kept.
        bands: their channels, and which of them are shown.
        beside: what else the model takes of each image, (N, …) each.
    """

    batch: Floats
    pixels: Pixels
    previews: tuple[Pixels, ...]
    boxes: tuple[Box, ...]
    names: tuple[str, ...]
    digests: tuple[Hashable, ...]
    preprocessing: str
    depth: int
    find_black: Callable[[], Floats]
    of_pixels: Callable[[Floats], Floats | None] = _in_proportion
    span: ValueRange = "0..255"
    originals: tuple[Original, ...] = ()
    bands: Bands = field(default_factory=Bands)
    beside: tuple[NDArray[Any], ...] = ()
    seen: tuple[tuple[tuple[int, int], Box], ...] = ()

    def __post_init__(self) -> None:
        # What is known of these images is known of these numbers; views, since the arrays may be somebody's.
        for name in ("batch", "pixels"):
            view = getattr(self, name).view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)

    @cached_property
    def black(self) -> Floats:
        """What black is in the batch (N, C); not asked of the preprocessing before somebody needs it."""
        return self.find_black()

    def size(self, image: int) -> tuple[int, int]:
        """The (height, width) of an image as it was given."""
        return self.seen_of(image)[0]

    def seen_of(self, image: int) -> tuple[tuple[int, int], Box]:
        """The (height, width) of an image as it was given, and its box."""
        if self.seen:
            return self.seen[image]
        height, width = self.previews[image].shape[:2]
        return (height, width), self.boxes[image]

    def original(self, image: int) -> Pixels:
        """An image at full resolution, uint8 (height, width, 3), decoded once more.

        Raises:
            ImageError: it is not there any more, or another one is.
        """
        if not self.originals:
            raise ImageError("nothing tells where it came from")
        original = self.originals[image]
        array = decode(original.item(), self.bands.channels)
        if array.shape[:2] != original.size:
            sizes = "{1} × {0} pixels, it had {3} × {2}".format(*array.shape[:2], *original.size)
            raise ImageError(f"has changed since it was read ({sizes}): make a new widget or explanation")
        if self.bands.value_range is not None:
            return self.bands.picture(array.astype(np.float32), self.bands.value_range)
        if is_whole(array):
            return self.bands.picture(of_bits(array, self.depth), "0..255")
        return self.bands.picture(array, self.span)

    @property
    def described(self) -> str:
        """How the batch was made, in words."""
        note = depth_in_words(self.depth)
        return self.preprocessing + (note and f"; {note}") + self.bands.described

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """The (H, W, C) in which the model sees them."""
        height, width, channels = self.batch.shape[1:]
        return height, width, channels

    @property
    def nbytes(self) -> int:
        """The memory that all of it takes."""
        return self.batch.nbytes + self.pixels.nbytes + sum(preview.nbytes for preview in self.previews)

    def found_in(self, array: NDArray[Any]) -> Images:
        """These images, whose originals are in this array, equal to the one that they were read from."""
        place = weakref.ref(array)  # The same one as long as the array is the same.
        if all(original.place is place for original in self.originals):
            return self
        return replace(self, originals=tuple(replace(original, place=place) for original in self.originals))

    def with_beside(self, beside: Sequence[NDArray[Any]]) -> Images:
        """These images, of each of which the model takes these as well, (N, …) each."""
        if not beside:
            return self
        # That of the image comes last: random numbers go by it.
        rows = zip(*([digest(row) for row in values] for values in beside), strict=True)
        digests = tuple((*of_others, of_image) for of_others, of_image in zip(rows, self.digests, strict=True))
        return replace(self, beside=tuple(beside), digests=digests)

    def where(self, mask: NDArray[np.bool_]) -> Images:
        """Those of the images that `mask` (N,) marks."""
        each = {name: tuple(compress(getattr(self, name), mask)) for name in EACH}
        arrays = {"batch": self.batch[mask], "pixels": self.pixels[mask]}
        beside = tuple(values[mask] for values in self.beside)
        return replace(self, **arrays, **each, beside=beside, find_black=lambda: self.black[mask])

    def __getstate__(self) -> dict[str, Any]:
        # The preprocessing belongs to a model, which stays behind.
        return {**vars(self), "find_black": partial(np.asarray, self.black), "of_pixels": _in_proportion}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.__post_init__()


@dataclass(frozen=True)
class Scaled:
    """An image at full depth whose range is known: 0..255, or what black and white are."""

    values: Floats
    span: ValueRange | Limits = "0..255"

    @classmethod
    def of(cls, integers: NDArray[Any], depth: int, preprocessing: Preprocessing, bands: Bands) -> Scaled:
        """Whole numbers of so many bits, as the model's preprocessing takes them."""
        # That bands are in 0..255 is no custom that could be meant where nothing is to be done.
        if preprocessing.keeps_depth or (preprocessing.is_off and not bands.are_colours):
            return cls(integers.astype(np.float32), (0.0, float(2**depth - 1)))
        return cls(of_bits(integers, depth))


@dataclass(frozen=True)
class _Reduced:
    """What is kept of one image: `values` for the preprocessing, `pixels` and `preview` (None: the same) to show."""

    values: NDArray[Any]
    pixels: Pixels
    preview: Pixels | None
    box: Box
    size: tuple[int, int]


@dataclass(frozen=True)
class _Reducer:
    """Brings images, one at a time, to the sizes in which they are kept.

    `size` (H, W) is the model's, None where its own preprocessor resizes; `longest` is the longest side of a preview,
    0 for none.
    """

    bands: Bands
    declared: tuple[int | None, int | None, int]
    preprocessing: Preprocessing
    fit: Fit
    size: tuple[int, int] | None
    longest: int

    def first(self, item: Any) -> _Reduced | NDArray[Any] | Exception:
        """An image whose range is known; of other numbers the lowest and the highest, since all images tell theirs."""
        if isinstance(item, Scaled):
            return self.reduced(item.values, item.span)
        try:
            array = decode(item, self.bands.channels)
        except Exception as error:
            return error
        if self.bands.value_range is not None:
            if self.preprocessing.is_off:
                return self.reduced(array.astype(np.float32), self.bands.value_range)
            return self.reduced(self.bands.scaled(array), "0..255")
        return self.reduced(array, "0..255") if array.dtype == np.uint8 else np.array([array.min(), array.max()])

    def reduced(self, array: NDArray[Any], span: ValueRange | Limits) -> _Reduced:
        """An image of bytes, or of floats in this range."""
        own, size, original = self.preprocessing.own, self.size, self.bands.picture(array, span)
        if size is None:
            assert own is not None
            values = own.one(_channels(array, self.declared[2]), self.declared)
            box, size = own.box(array.shape), (values.shape[0], values.shape[1])
            pixels = _resize(original, size, box)
        else:
            box = box_of(array.shape[:2], size, self.fit)
            values = _resize(array, size, box)
            is_drawn_anew = span == "0..255" and values is not array
            pixels = self.bands.picture(values, span) if is_drawn_anew else _resize(original, size, box)
        same = not self.longest or (box == WHOLE and original.shape == pixels.shape and max(size) <= self.longest)
        preview = None if same else _preview(original, self.longest)
        return _Reduced(values, pixels, preview, box, (original.shape[0], original.shape[1]))


def load(
    images: Any,
    declared: tuple[int | None, int | None, int],
    preprocessing: Preprocessing,
    fit: Fit = "stretch",
    ranges: Ranges | None = None,
    digest_of: Callable[[NDArray[Any]], Hashable] = digest,
    previews: bool = True,
    bands: Bands | None = None,
) -> Images:
    """Read, check, resize and preprocess images of every accepted kind, each of them by itself.

    Whole numbers of more than 8 bits are brought to 0..255, by the bits that all of them together use, and stay as
    many different numbers as they were. Where a range was given, it is what becomes 0..255. Without any preprocessing
    numbers in such a range are left as they are, and so are bands. A preprocessor that belongs to the model and
    resizes, does so in place of `fit`.

    Args:
        images: as in `Explainer.explain`.
        declared: the model's input (H, W, C), None for a size that it leaves free.
        preprocessing: how images become model-ready.
        fit: how images of another shape meet the input.
        ranges: tells the range of images, if not what they show by themselves.
        digest_of: names what the model gets of an image.
        previews: whether to keep pictures of the images; without, what the model sees takes their place.
        bands: their channels, if more is known of them than how many there are.

    Raises:
        ImageError: lists every item that cannot be used, and why.
    """
    if fit not in ("stretch", "crop", "pad"):
        raise ImageError(f'fit={fit!r} is not known. Choose "stretch", "crop" or "pad".')
    bands = bands or bands_of(declared[2])
    items, ranges = items_of(images, bands.channels), ranges or Ranges()
    resizes = preprocessing.own is not None and preprocessing.resizes(declared[2])
    if resizes and preprocessing.own is not None:
        preprocessing.own.check_fit(fit)
    size = None if resizes else _size(items, declared)
    reducer = _Reducer(bands, declared, preprocessing, fit, size, _longest(len(items)) if previews else 0)
    reduced, are_bytes, depth, span = _reduce_all(reducer, items, ranges)
    values = (r.values if resizes else _channels(r.values, declared[2]) for r in reduced)
    batch, text = preprocessing.apply(values, are_bytes, span, declared, ready=resizes)
    shape = batch.shape[1], batch.shape[2], declared[2]
    pixels = np.stack([r.pixels for r in reduced])
    return Images(
        batch=batch,
        pixels=pixels,
        previews=tuple(own if r.preview is None else r.preview for r, own in zip(reduced, pixels, strict=True)),
        boxes=tuple(r.box if previews else WHOLE for r in reduced),
        names=tuple(name for name, _ in items),
        digests=tuple(map(digest_of, batch)),
        preprocessing=text + (bands.stretched if depth or not all(are_bytes) else ""),
        depth=depth,
        find_black=lambda: _black(bands, preprocessing, shape, are_bytes, span),
        of_pixels=_in_proportion if bands.shown else lambda pictures: preprocessing.of_pixels(pictures, shape, span),
        span=span,
        originals=originals_of(images, items, [r.size for r in reduced], bands.channels) if previews else (),
        bands=bands,
        seen=tuple((r.size, r.box) for r in reduced),
    )


def _black(
    bands: Bands, preprocessing: Preprocessing, shape: tuple[int, int, int], are_bytes: list[bool], span: ValueRange
) -> Floats:
    """What black is in a batch (N, C)."""
    if bands.value_range is not None and preprocessing.is_off:
        return np.full((len(are_bytes), bands.channels), bands.value_range[0], np.float32)
    return preprocessing.black(shape, are_bytes, span)


def _reduce_all(
    reducer: _Reducer, items: Sequence[tuple[str, Any]], ranges: Ranges
) -> tuple[list[_Reduced], list[bool], int, ValueRange]:
    """What is kept of each image, which of them were bytes, and the depth and the range of the others."""
    firsts = _each(reducer.first, [item for _, item in items])
    pairs = [(name, first) for (name, _), first in zip(items, firsts, strict=True)]
    _refuse([(name, first) for name, first in pairs if isinstance(first, Exception)], len(items))
    if not reducer.bands.are_colours:
        _refuse_mixed(pairs)
    extremes = [first for first in firsts if isinstance(first, np.ndarray)]
    depth = ranges.depth_of([e for e in extremes if is_whole(e)])
    span = ranges.span_of([e for e in extremes if not is_whole(e)])
    reduced: list[_Reduced] = []
    for (_, item), first in zip(items, firsts, strict=True):
        if not isinstance(first, _Reduced):
            # Decoded once more: all images together had to tell their range before.
            array = decode(item, reducer.bands.channels)
            if is_whole(array):
                scaled = Scaled.of(array, depth, reducer.preprocessing, reducer.bands)
                first = reducer.reduced(scaled.values, scaled.span)
            else:
                first = reducer.reduced(array, span)
        reduced.append(first)
    return reduced, [isinstance(first, _Reduced) or is_whole(first) for first in firsts], depth, span


def _each(fn: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    """`fn` of each item; of several files at once, since decoding keeps no other thread waiting."""
    if len(items) < 2 or not all(isinstance(item, (Path, bytes)) for item in items):
        return [fn(item) for item in items]
    pool = ThreadPoolExecutor(min(DECODERS, os.cpu_count() or 1))
    try:
        return list(pool.map(fn, items))
    finally:
        pool.shutdown(cancel_futures=True)


def _refuse(problems: Sequence[tuple[str, Exception]], images: int) -> None:
    if problems:
        listed = "".join(f"\n  {name}: {problem}" for name, problem in problems)
        raise ImageError(f"{len(problems)} of {images} images cannot be used:{listed}")


def _refuse_mixed(pairs: Sequence[tuple[str, Any]]) -> None:
    """Refuse bands of several depths in one list: nothing tells what a number of one is in another."""
    kinds: dict[str, str] = {}
    for name, first in pairs:
        is_known = isinstance(first, _Reduced)
        kinds.setdefault("8 bits" if is_known else "deeper whole numbers" if is_whole(first) else "floats", name)
    if len(kinds) > 1:
        listed = ", ".join(f"{name} holds {kind}" for kind, name in kinds.items())
        raise ImageError(
            f"The images are of several depths: {listed}. Bring all to one, or pass value_range=(low, high)."
        )


def _size(items: Sequence[tuple[str, Any]], declared: tuple[int | None, int | None, int]) -> tuple[int, int]:
    """The model's input size; the first image decides where the model leaves it free."""
    if None not in declared[:2]:
        return size_for((1, 1), declared)
    try:
        return size_for(decode(items[0][1], declared[2]).shape, declared)
    except Exception:
        # It is told with all others that cannot be used.
        return 1, 1


def _longest(images: int) -> int:
    """The longest side of a preview of so many images."""
    side = LONGEST_PREVIEW
    while side > 1 and images * side**2 * 3 > PREVIEW_BYTES:
        side //= 2
    return side


def _preview(pixels: Pixels, longest: int) -> Pixels:
    if max(pixels.shape[:2]) <= longest:
        return pixels.copy()
    picture = Image.fromarray(pixels)
    picture.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    return np.asarray(picture)


def join(parts: Sequence[Images]) -> Images:
    """Images that were loaded apart, as if loaded together.

    Raises:
        ImageError: the model would get them in different sizes.
    """
    sizes = {part.batch.shape[1:] for part in parts}
    if len(sizes) > 1:
        raise ImageError(f"The images have different sizes once preprocessed: {', '.join(map(str, sorted(sizes)))}.")
    each = {name: tuple(one for part in parts for one in getattr(part, name)) for name in EACH}
    return replace(
        parts[0],
        batch=np.concatenate([part.batch for part in parts]),
        pixels=np.concatenate([part.pixels for part in parts]),
        **each,
        beside=tuple(np.concatenate(values) for values in zip(*(part.beside for part in parts), strict=True)),
        depth=max(part.depth for part in parts),
        find_black=lambda: np.concatenate([part.black for part in parts]),
    )


def read(
    item: Any,
    size: tuple[int, int] | None = None,
    fit: Fit = "stretch",
    bands: Bands | None = None,
    ranges: Ranges | None = None,
) -> Pixels:
    """One image to show, uint8 (height, width, 1 or 3), resized as `load` would if `size` is given.

    Raises:
        ImageError: it cannot be used, and why.
    """
    bands, ranges = bands or Bands(), ranges or Ranges()
    array = decode(item, bands.channels)
    if bands.value_range is not None:
        array = bands.picture(array.astype(np.float32), bands.value_range)
    elif is_whole(array):
        array = bands.picture(of_bits(array, ranges.depth_of([array])), "0..255")
    elif array.dtype != np.uint8:
        array = bands.picture(array, ranges.span_of([array]))
    elif bands.shown:
        array = bands.picture(array, "0..255")
    return array if size is None else _resize(array, size, box_of(array.shape[:2], size, fit))


def reduce(
    item: Any, size: tuple[int, int] | None, fit: Fit, depth: int, preprocessing: Preprocessing, bands: Bands
) -> tuple[NDArray[Any] | Scaled, tuple[int, int]]:
    """One image for `load`, in the size that it brings it to where `size` is given and the range is known.

    Its own (height, width) comes with it.

    The range of whole numbers is known where the `depth` of all of them is, 0 where not.

    Raises:
        ImageError: it cannot be used, and why.
    """
    array = decode(item, bands.channels)
    own_size = array.shape[0], array.shape[1]
    if bands.value_range is not None:
        return array, own_size
    if depth and is_whole(array):
        scaled, box = Scaled.of(array, depth, preprocessing, bands), box_of(own_size, size or (1, 1), fit)
        return (scaled if size is None else replace(scaled, values=_resize(scaled.values, size, box))), own_size
    if size is None or array.dtype != np.uint8:
        return array, own_size
    return _resize(array, size, box_of(own_size, size, fit)), own_size


def size_for(shape: tuple[int, ...], declared: tuple[int | None, int | None, int]) -> tuple[int, int]:
    """The model's input size (H, W); where it takes any, all images get the first one's, of this shape."""
    shrink = min(1.0, LARGEST_FREE_SIDE / max(shape[:2]))
    height, width = (side or max(1, round(have * shrink)) for side, have in zip(declared[:2], shape[:2], strict=True))
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
        return WHOLE
    ratio = (want[1] / want[0]) / (have[1] / have[0])
    if (ratio < 1) == (fit == "crop"):
        w, h = ratio, 1.0
    else:
        w, h = 1.0, 1 / ratio
    return ((1 - w) / 2, (1 - h) / 2, (1 + w) / 2, (1 + h) / 2)


def _resize(array: NDArray[Any], size: tuple[int, int], box: Box) -> NDArray[Any]:
    """The region `box` of an image, antialiased, at `size` (H, W); black where it lies outside."""
    h, w = array.shape[:2]
    if (h, w) == size and box == WHOLE:
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
