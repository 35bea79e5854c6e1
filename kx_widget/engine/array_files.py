"""Files that hold more than a picture: arrays, TIFF of bands, deep PNG, and medical images through their libraries."""

import importlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kx_widget.engine.errors import ImageError, plain

TIFF = (".tif", ".tiff")


def holds_array(file: Path) -> bool:
    """Whether the ending of a file is one of those that `read_array` reads."""
    suffix = file.suffix.lower()
    return suffix in (".npy", ".dcm", ".nii") or file.name.lower().endswith(".nii.gz")


def read_array(file: Path) -> NDArray[Any]:
    """What a `.npy`, DICOM or NIfTI file holds.

    Raises:
        ImageError: it cannot be read, or is a volume, or the library that reads it is not installed.
    """
    suffix = file.suffix.lower()
    read = {".npy": _numpy, ".dcm": _dicom}.get(suffix, _nifti)
    try:
        array = read(file)
    except ImageError:
        raise
    except Exception as error:
        raise ImageError(f"cannot be read as an image ({plain(error)})") from error
    if array.ndim > 3:
        raise ImageError(f"holds an array of shape {array.shape}, not one image: pass its slices as arrays")
    return array


def _numpy(file: Path) -> NDArray[Any]:
    return np.load(file, allow_pickle=False)


def _dicom(file: Path) -> NDArray[Any]:
    """Pixels in the unit that the file says, Hounsfield for instance; whole numbers where they are."""
    dataset = _library("pydicom", "medical").dcmread(file)
    array, frames = np.asarray(dataset.pixel_array), int(getattr(dataset, "NumberOfFrames", 1) or 1)
    if frames > 1:
        raise ImageError(f"holds {frames} frames: pass one of pydicom.dcmread(file).pixel_array")
    slope, intercept = (float(getattr(dataset, f"Rescale{n}", d)) for n, d in (("Slope", 1), ("Intercept", 0)))
    if (slope, intercept) == (1, 0):
        return array
    rescaled = array * slope + intercept
    is_whole = slope.is_integer() and intercept.is_integer() and array.dtype.kind in "ui"
    return rescaled.astype(np.int32) if is_whole else rescaled.astype(np.float32)


def _nifti(file: Path) -> NDArray[Any]:
    """A slice, its channels last, in the order of the file's own axes."""
    array = np.asarray(_library("nibabel", "medical").load(file).dataobj)
    return array[:, :, 0] if array.ndim == 3 and array.shape[2] == 1 else array


def _library(name: str, extra: str, why: str = "") -> Any:
    """A library that comes with an extra of the package; `why` opens the sentence that says that it is missing."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ImageError(
            f"{why}needs {name}, which is not installed: pip install {name}, or the extra {extra!r} of kx-widget"
        ) from None


def read_png(data: bytes) -> NDArray[Any] | None:
    """The channels of a PNG at full depth; None where imagecodecs is not installed.

    Raises:
        ImageError: it cannot be read.
    """
    try:
        codecs = importlib.import_module("imagecodecs")
    except ImportError:
        return None
    try:
        return np.asarray(codecs.png_decode(data))
    except Exception as error:
        raise ImageError(f"cannot be read as an image ({plain(error)})") from error


def read_tiff(file: Any, channels: int) -> NDArray[Any]:
    """The bands of a TIFF at full depth, channels last.

    Args:
        file: its path, or a file of bytes.
        channels: that the model takes; so many pages, or planes, are bands.

    Raises:
        ImageError: it cannot be read, or tifffile is not installed.
    """
    tifffile = _library("tifffile", "bands", "holds bands, or colours of more than 8 bits, and ")
    try:
        with tifffile.TiffFile(file) as opened:
            series = opened.series[0]
            array, axes = np.asarray(series.asarray()), series.axes
    except Exception as error:
        raise ImageError(f"cannot be read as an image ({plain(error)})") from error
    in_planes = array.ndim == 3 and axes[-1] == "X" and array.shape[0] == channels
    return np.moveaxis(array, 0, -1) if in_planes else array
