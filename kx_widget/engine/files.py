"""Files that appear whole or not at all."""

import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_write(path: Path) -> Generator[Path, None, None]:
    """Give a path to write to, which becomes `path` at once when the block ends without an error.

    Its name begins with a dot, so that readers of folders overlook it, and no other run has it. It is removed if
    the block fails; what was at `path` before stays then. A device is written to as it is.
    """
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        yield path
        return
    unfinished = path.with_name(f".{path.name[:60]}.{secrets.token_hex(4)}")
    try:
        yield unfinished
        with named_errors(path):
            with unfinished.open("rb+") as file:
                os.fsync(file.fileno())
            unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


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
