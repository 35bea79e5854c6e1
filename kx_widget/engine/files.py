"""Files that people name: checked before they are written, and whole or not there."""

import json
import os
import secrets
import shutil
import zlib
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from kx_widget.engine.errors import FormatError

# What reading something else as .npz raises, or a damaged one.
DAMAGE = (OSError, EOFError, ValueError, KeyError, TypeError, BadZipFile, zlib.error)


def check_path(path: Any, hint: str) -> None:
    """Refuse what is not a path, with a hint at what to pass.

    Raises:
        FormatError: it is not.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise FormatError(f"{path!r} is not a path: {hint}")


def writable(path: Any) -> Path:
    """A file to write.

    Raises:
        FormatError: it is not a path, or its folder is not there.
    """
    check_path(path, "pass the name of a file.")
    folder = Path(path).parent
    if not folder.is_dir():
        raise FormatError(f"There is no folder {str(folder)!r} to write {Path(path).name!r} to: make it first.")
    return Path(path)


@contextmanager
def atomic_write(path: Path) -> Generator[Path, None, None]:
    """A path to write to, which becomes `path` at once when everything has been written.

    A file that was there is left as it was where writing fails. The other name begins with a dot, so that readers of
    folders overlook it, and no other process writes to it. A device is written to as it is.
    """
    path = path.resolve()
    if path.exists() and not path.is_file():
        yield path
        return
    unfinished = path.with_name(f".{path.name[:60]}.{secrets.token_hex(4)}")
    try:
        yield unfinished
        with named_errors(path):
            # Windows flushes only what is open for writing, which the mode of the old file may forbid.
            with unfinished.open("r+b") as file:
                os.fsync(file.fileno())
            if path.exists():
                shutil.copymode(path, unfinished)
            unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


@contextmanager
def named_errors(path: Path) -> Generator[None, None, None]:
    """Say which file an OSError is about; that of a full disk does not tell.

    Raises:
        OSError: the same, with a file name.
    """
    try:
        yield
    except OSError as error:
        if error.filename is not None:
            raise
        raise OSError(error.errno or 0, error.strerror or str(error), str(path)) from error


def shared_names(names: Sequence[str]) -> tuple[str, ...]:
    """Names of files for whoever is not to know where they lie: bare where no two are the same, else below a folder.

    What is no absolute path stays as it is.
    """
    paths = [name for name in names if os.path.isabs(name)]
    bare = {path: os.path.basename(path) for path in paths}
    if len(set(bare.values())) < len(bare) and (folder := common_folder(paths)):
        bare = {path: Path(below(folder, path)).as_posix() for path in paths}
    return tuple(bare.get(name, name) for name in names)


def common_folder(paths: Iterable[str]) -> str | None:
    """The folder below which all of these files lie.

    None where there is no such folder: they are on several drives, or some are absolute and others are not.
    """
    folders = {os.path.dirname(path) or os.curdir for path in paths}
    with suppress(ValueError):
        return os.path.commonpath(folders) if os.curdir not in folders else os.curdir
    return None


def below(folder: str | None, path: str) -> str:
    """A file's path from a folder on; the whole of it where there is no folder, or it is on another drive."""
    with suppress(ValueError):
        return os.path.relpath(path, folder) if folder is not None else path
    return path


def write_whole(path: Path, data: bytes) -> None:
    """Write a file, or leave the one that was there."""
    with atomic_write(path) as unfinished, named_errors(path):
        unfinished.write_bytes(data)


def write_arrays(path: Path, arrays: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    """Write arrays as .npz, with everything else as JSON beside them."""
    text = json.dumps(facts, default=_plain)
    with atomic_write(path) as unfinished, named_errors(path), unfinished.open("wb") as file:
        np.savez_compressed(file, meta=np.array(text), **arrays)


def read_arrays(path: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arrays and everything else that `write_arrays` wrote.

    Raises:
        FormatError: the file is missing or something else.
    """
    check_path(path, "pass the name of a file.")
    try:
        with np.load(path, allow_pickle=False) as data:
            return {name: data[name] for name in data.files if name != "meta"}, json.loads(str(data["meta"]))
    except DAMAGE as error:
        raise FormatError(f"{str(path)!r} is not an explanation saved as .npz ({error}).") from error


def _plain(value: Any) -> Any:
    """Numbers and arrays of numpy as Python's own; anything else as text."""
    return value.tolist() if isinstance(value, (np.generic, np.ndarray)) else str(value)
