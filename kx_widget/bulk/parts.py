"""The files of a store: each appears whole or not at all."""

import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kx_widget.bulk.arrow import pa, pq
from kx_widget.bulk.rows import MAP, NOTES, schema
from kx_widget.engine.explanation import FormatError

JOB = "_job.json"
DONE = "_done.json"
GROUP_BYTES = 2**20


def part_name(number: int) -> str:
    """The file of one part; names sort as the parts do."""
    return f"part-{number:06}.parquet"


def finished_parts(folder: Path) -> set[int]:
    """The parts that are there and can be read."""
    named = ((path.stem.removeprefix("part-"), path) for path in folder.glob("part-*.parquet"))
    return {int(number) for number, path in named if number.isdecimal() and _is_whole(path)}


def _is_whole(path: Path) -> bool:
    try:
        check_columns(path.name, pq.read_metadata(path))
    except (OSError, pa.ArrowException, FormatError):
        return False
    return True


def check_columns(name: str, footer: Any) -> None:
    """Refuse a Parquet file that is nobody's part.

    Raises:
        FormatError: it lacks a column.
    """
    missing = set(schema("float32").names) - {NOTES} - set(footer.schema.to_arrow_schema().names)
    if missing:
        raise FormatError(
            f"{name!r} is no part of a store of explanations (it has no column {min(missing)!r}): "
            "move it out of the folder."
        )


def is_part(name: str) -> bool:
    """Whether a file of this name holds rows."""
    return name.endswith(".parquet") and not name.startswith((".", "_"))


@contextmanager
def replacing(path: Path) -> Generator[Path, None, None]:
    """A path to write to, which becomes `path` at once when everything has been written.

    Its name begins with a dot, so that readers of Parquet folders overlook it, and is always the same, so that
    the next run writes over what a killed one left.
    """
    unfinished = path.with_name(f".{path.name}")
    yield unfinished
    with unfinished.open("rb") as file:
        os.fsync(file.fileno())
    unfinished.replace(path)


def write_json(path: Path, value: Any) -> None:
    """Write whole or not at all."""
    with replacing(path) as unfinished:
        unfinished.write_text(json.dumps(value, indent=1), encoding="utf-8")


def read_json(path: Path) -> dict[str, Any] | None:
    """What `write_json` wrote; None if it is not there."""
    try:
        return as_json(str(path), path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FormatError(f"{str(path)!r} cannot be read ({error}).") from error


def as_json(name: str, data: bytes) -> dict[str, Any]:
    """What is in a file that `write_json` wrote.

    Raises:
        FormatError: something else is.
    """
    try:
        value, why = json.loads(data), "no JSON object"
    except ValueError as error:
        value, why = None, str(error)
    if not isinstance(value, dict):
        raise FormatError(f"{name!r} is damaged ({why}): bring it back, or delete the store and explain again.")
    return value


class PartWriter:
    """Writes rows to one file in groups of about a megabyte, so that memory does not grow with the part."""

    def __init__(self, path: Path, dtype: str) -> None:
        strings = [f.name for f in schema(dtype) if f.type in (pa.string(), pa.list_(pa.int32()))]
        others = [f.name for f in schema(dtype) if f.name != MAP]
        self._held: list[pa.Table] = []
        self._writer = pq.ParquetWriter(
            path,
            schema(dtype),
            compression="zstd",
            use_dictionary=[
                *(name for name in strings if name not in ("id", "shape")),
                "shape.list.element",
                f"{NOTES}.list.element",
            ],
            use_byte_stream_split=["map.list.element"],  # pyright: ignore[reportArgumentType]
            write_statistics=others,
        )

    def write(self, table: pa.Table) -> None:
        """Add rows."""
        self._held.append(table)
        if sum(t.nbytes for t in self._held) >= GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        held = pa.concat_tables(self._held)
        if len(held):
            self._writer.write_table(held, row_group_size=len(held))
        self._held = []

    def close(self, abandon: bool = False) -> None:
        """Write what is left, unless the file is given up."""
        if self._held and not abandon:
            self._flush()
        self._writer.close()
