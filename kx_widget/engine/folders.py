"""The pictures in a folder."""

import os
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from kx_widget.engine.array_files import holds_array
from kx_widget.engine.errors import ImageError

# Formats that Pillow recognizes but does not decode, or not by itself.
NOT_DECODED = ("BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF")
# Files that are pictures to people, whether or not Pillow opens them.
PICTURES = (
    ".arw", ".avif", ".bmp", ".cr2", ".cr3", ".dng", ".gif", ".heic", ".heif", ".j2k", ".jp2", ".jpe", ".jpeg", ".jpg",
    ".jxl", ".nef", ".orf", ".png", ".raf", ".rw2", ".svg", ".tif", ".tiff", ".webp",
)  # fmt: skip


def pictures_in(folder: str) -> list[str]:
    """The pictures below a folder, in the order of their paths; where there are none, its files of arrays.

    Raises:
        ImageError: there are none.

    Warns:
        RuntimeWarning: pictures are left out, for Pillow does not open them, or folders, for they may not be read.
    """
    pictures: list[str] = []
    arrays: list[str] = []
    left_out: Counter[str] = Counter()
    opened = opened_endings()
    for path in _walk(folder, (), left_out):
        suffix = path.suffix.lower()
        if suffix in opened:
            pictures.append(str(path))
        elif holds_array(path):
            arrays.append(str(path))
        elif suffix in PICTURES:
            left_out[f"{suffix} that this Pillow does not open"] += 1
    # Beside pictures these are something else, masks for instance.
    pictures = pictures or arrays
    said = ", ".join(f"{number} {what}" for what, number in sorted(left_out.items()))
    if not pictures:
        raise ImageError(f"The folder {folder!r} holds no images that Pillow opens{said and f' ({said})'}.")
    if said:
        warnings.warn(f"Left out of the folder {folder!r}: {said}.", RuntimeWarning, stacklevel=2)
    return sorted(pictures)


def _walk(folder: str, above: tuple[str, ...], left_out: Counter[str]) -> Iterator[Path]:
    """All files below a folder, also in folders that it links to, but for those that it lies in itself."""
    real = os.path.realpath(folder)
    if real in above:
        return
    try:
        entries = [*os.scandir(folder)]
    except PermissionError:
        left_out["folders that may not be read"] += 1
        return
    for entry in entries:
        if entry.is_dir():
            yield from _walk(entry.path, (*above, real), left_out)
        else:
            yield Path(entry.path)


def opened_endings() -> frozenset[str]:
    """The endings of files that Pillow opens, as far as it is extended by now."""
    from PIL import Image

    formats = Image.registered_extensions().items()
    return frozenset(suffix for suffix, name in formats if name in Image.OPEN and name not in NOT_DECODED)
