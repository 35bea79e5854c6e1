"""What a command line says of models and classes -> the objects."""

import json
import os
import re
import zipfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

from kx_widget.engine.errors import ModelError, UnknownTargetError, plain
from kx_widget.engine.folders import NOT_DECODED
from kx_widget.engine.lazy_modules import keras
from kx_widget.engine.model_files import load_model

# The first Keras whose safe mode holds for HDF5.
SAFE_HDF5 = (3, 11, 3)


@contextmanager
def hushed() -> Generator[None, None, None]:
    """Without what TensorFlow's libraries write to stderr as they are loaded, whatever the log level."""
    stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)


def read_model(path: Path) -> Any:
    """A model saved by Keras.

    Raises:
        ModelError: there is none, or it cannot be read; says why in a sentence.
    """
    if not path.exists():
        raise ModelError(f"There is no model {str(path)!r}: pass a file that model.save('….keras') wrote.")
    if path.is_dir() or _is_image(path):
        what = "a folder" if path.is_dir() else "an image"
        raise ModelError(
            f"{str(path)!r} is {what}, where the model belongs: kx explain MODEL PHOTOS…, the model first."
        )
    if path.suffix == ".keras" and not zipfile.is_zipfile(path):
        raise ModelError(
            f"{str(path)!r} cannot be read as a Keras model (a .keras file is a zip archive, and this is none): "
            "pass a file that model.save('….keras') wrote."
        )
    with hushed():
        keras.ops.zeros(1)

    if path.suffix in (".h5", ".hdf5") and _release(keras.__version__) < SAFE_HDF5:
        raise ModelError(
            f"{str(path)!r} is not loaded by Keras {keras.__version__}, which runs whatever code a {path.suffix} file "
            "holds (CVE-2025-9905): install Keras 3.11.3 or later, or save the model as .keras."
        )
    try:
        return load_model(path)
    except Exception as error:
        raise ModelError(f"{str(path)!r} cannot be read as a Keras model ({plain(error)}).") from error


def _is_image(path: Path) -> bool:
    try:
        with Image.open(path) as opened:
            return opened.format not in NOT_DECODED
    except (OSError, ValueError, Image.DecompressionBombError):
        return False


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def class_names_of(file: str | None) -> Any:
    """Names as an `Explainer` takes them, from a file of lines or JSON, or the word imagenet.

    Raises:
        UnknownTargetError: the file cannot be read.
    """
    if file in (None, "imagenet"):
        return file
    try:
        text = Path(file).read_text(encoding="utf-8")
        if not file.endswith(".json"):
            return [line.strip() for line in text.splitlines() if line.strip()]
        names = json.loads(text)
        return {int(k): v for k, v in names.items()} if isinstance(names, dict) else names
    except (OSError, ValueError) as error:
        raise UnknownTargetError(f"The class names in {file!r} cannot be read ({error}).") from error
