"""The files of a store: each appears whole or not at all."""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from kx_widget.bulk.arrow import pa, pq
from kx_widget.bulk.schema import BESIDE, DTYPES, EMBEDDING, EPOCH, MAP, NOTES, REGION, RELEVANCE, schema
from kx_widget.engine.bands import Bands, bands_of
from kx_widget.engine.errors import FormatError, ParameterError
from kx_widget.engine.evidence_columns import LEVELS, EvidenceLevel
from kx_widget.engine.files import atomic_write, named_errors
from kx_widget.engine.images import Fit
from kx_widget.engine.ranges import DEPTHS
from kx_widget.engine.references import References

JOB = "_job.json"
DONE = "_done.json"
ORIGIN = b"kx_widget"
GROUP_BYTES = 2**20
# Columns of many numbers each.
NUMBERS = (MAP, EMBEDDING, RELEVANCE)
# What reading a damaged Parquet file raises, or closing one that could not be written.
DAMAGE = (OSError, pa.ArrowException, UnicodeDecodeError)
ANEW = "delete it and explain again; what is whole is kept."


def part_name(number: int) -> str:
    """The file of one part; names sort as the parts do."""
    return f"part-{number:06}.parquet"


def part_number(name: str) -> int | None:
    """The part that a file of this name holds; None for a name that `part_name` does not give."""
    number = name.removeprefix("part-").removesuffix(".parquet")
    return int(number) if number.isdecimal() and part_name(int(number)) == name else None


@dataclass(frozen=True)
class Origin:
    """What a part's file says of itself: its job, its number, and a digest of its images' sizes and times.

    A file of a version that did not write it has None for all.
    """

    job: str | None = None
    part: int | None = None
    stamp: str | None = None

    def metadata(self) -> dict[bytes, bytes]:
        """For the file's schema."""
        return {} if self.job is None else {ORIGIN: json.dumps(vars(self)).encode()}


def origin_of(name: str, footer: Any) -> Origin:
    """The origin that is written in a file.

    Raises:
        FormatError: what is written there is none.
    """
    data = (footer.metadata or {}).get(ORIGIN)
    if data is None:
        return Origin()
    value = as_json(name, data)
    job, part, stamp = (value.get(key) for key in ("job", "part", "stamp"))
    if not isinstance(job, str) or not isinstance(part, (int, type(None))) or not isinstance(stamp, (str, type(None))):
        raise FormatError(f"{name!r} is damaged (it does not say which part it is): {ANEW}")
    return Origin(job, part, stamp)


def check_part(path: str, footer: Any, job: dict[str, Any], done: dict[str, Any] | None) -> Origin:
    """Refuse a Parquet file that is no part of this job.

    Args:
        path: of the file.
        footer: what the end of the file says.
        job: what is written in the folder; empty if nothing is.
        done: what the end of a run wrote, if there was one.

    Raises:
        FormatError: it has other columns, belongs to another store, or is a copy of a part.
    """
    _check_columns(path, footer, job)
    name, origin = path.replace("\\", "/").rpartition("/")[2], origin_of(path, footer)
    number = part_number(name)
    if not job:
        return origin
    if origin.job != job.get("id"):
        why = "it was written for another one"
    elif job.get("by") == "ray":
        listed = (done or {}).get("files", [name])
        why = "" if number is None and name in listed else "the run that filled this one did not write it"
    elif number is None or origin.part not in (None, number):
        why = f"its parts are called {part_name(0)}, {part_name(1)}…, and none is there twice"
    else:
        why = "it has fewer parts" if number >= (done or {}).get("parts", number + 1) else ""
    if why:
        raise FormatError(f"{path!r} is no part of this store ({why}): move it out of the folder.")
    return origin


def complete_parts(folder: Path, job: dict[str, Any], stamps: Sequence[str] | None = None) -> set[int]:
    """The parts that are there, whole, and of images that are still the same; all of each file is read.

    Args:
        folder: of the store.
        job: what is written there.
        stamps: of each part's images, where these are files.

    Raises:
        FormatError: there is a file that is no part of the store.
    """
    done = read_json(folder / DONE)
    numbers: set[int] = set()
    for path in sorted(p for p in folder.glob("*.parquet") if is_part(p.name)):
        number = part_number(path.name)
        try:
            origin = check_part(str(path), pq.read_metadata(path), job, done)
        except DAMAGE:
            if number is not None and path.is_file():
                continue
            raise FormatError(f"{str(path)!r} is no part of this store: move it out of the folder.") from None
        now = None if stamps is None or number is None or number >= len(stamps) else stamps[number]
        replaced = origin.stamp is not None and now is not None and origin.stamp != now
        if number is not None and not replaced and is_whole(path):
            numbers.add(number)
    return numbers


def is_whole(path: Path) -> bool:
    """Whether all of a Parquet file can be read."""
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            for group in range(file.num_row_groups):
                file.read_row_group(group)
    except DAMAGE:
        return False
    return True


def _check_columns(name: str, footer: Any, job: dict[str, Any]) -> None:
    written = footer.schema.to_arrow_schema()
    missing = set(schema("float32").names) - {NOTES} - set(written.names)
    if missing:
        raise FormatError(
            f"{name!r} is no part of a store of explanations (it has no column {min(missing)!r}): "
            "move it out of the folder."
        )
    if EPOCH in written.names and (not job or EPOCH in job):
        written = written.remove(written.get_field_index(EPOCH))
    if not job and RELEVANCE in written.names:  # Nothing tells of how many channels.
        written = written.remove(written.get_field_index(RELEVANCE))
    counted = sum(footer.row_group(group).num_rows for group in range(footer.num_row_groups))
    levels: list[Any] = [job["evidence"]] if "evidence" in job else [None, *LEVELS]
    has_regions = "regions" in job if job else REGION in written.names
    beside = job.get("beside", ()) if job else [BESIDE] * (BESIDE in written.names)
    has_embeddings = "embeddings" in job if job else EMBEDDING in written.names
    about = job.get("channels", 0), has_regions, beside, has_embeddings
    allowed = [schema(dtype, level, *about) for dtype in DTYPES for level in levels]
    # Stores of 0.1 were written before there were notes.
    allowed += [columns.remove(columns.get_field_index(NOTES)) for columns in allowed]
    if counted != footer.num_rows or not any(written.equals(columns) for columns in allowed):
        raise FormatError(f"{name!r} is damaged (its columns or the number of its rows are others): {ANEW}")


def explainer_keywords(job: dict[str, Any]) -> dict[str, Any]:
    """The keywords of an `Explainer` that names scores and reads images as a job did, but for the preprocessing."""
    bands = Bands.from_plain(job.get("bands"))
    names: dict[str, Any] = {"class_names": job.get("class_names")}
    if job.get("references"):
        names = {"references": References.from_plain(job["references"])}
    elif job.get("units"):
        names = {"output_names": list(zip(job["class_names"], job["units"], strict=True))}
    return {**names, "fit": job.get("fit", "stretch"), "value_range": bands.value_range, "rgb": bands.rgb}


def check_can_be_asked(path: str, job: dict[str, Any]) -> None:
    """Refuse to ask a model about what the store at this path explains, where these are numbers of somebody's own.

    Raises:
        ParameterError: they are; the model tells nothing of them without their functions.
    """
    if "target_code" in job:
        raise ParameterError(
            f"{path!r} explains {', '.join(map(repr, job['targets']))} by functions of your own, which a store does "
            "not keep: open it without the model, and explain the images anew to ask more."
        )


def is_part(name: str) -> bool:
    """Whether a file of this name holds rows."""
    return name.endswith(".parquet") and not name.startswith((".", "_"))


def remove_unfinished(folder: Path) -> None:
    """Remove the unfinished files of runs that were killed; none may be at work."""
    for name in ("part-", JOB, DONE):
        for path in folder.glob(f".{name}*"):
            path.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write whole or not at all."""
    with atomic_write(path) as unfinished, named_errors(path):
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
        FormatError: something else is, or something of another kind than was written.
    """
    try:
        value, why = json.loads(data), "no JSON object"
    except (ValueError, RecursionError) as error:
        value, why = None, str(error)
    if isinstance(value, dict):
        wrong = [key for key, fits in FIELDS.items() if key in value and not fits(value[key])]
        if not wrong:
            return value
        why = f"{wrong[0]} is {_short(value[wrong[0]])}"
    cure = ANEW if name.endswith(DONE) else "bring it back, or delete the store and explain again."
    raise FormatError(f"{name!r} is damaged ({why}): {cure}")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 60 else f"{text[:60]}…"


def _list_of(kind: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(isinstance(one, kind) for one in value)


def _are_sides(value: Any) -> bool:
    return _list_of(int)(value) and len(value) == 3 and all(0 < side < 2**15 for side in value)


def _are_bands(value: Any) -> bool:
    try:
        bands = Bands.from_plain(value)
        return bands == bands_of(bands.channels, bands.value_range, bands.rgb)
    except (KeyError, TypeError, IndexError, ValueError):
        return False


def _are_references(value: Any) -> bool:
    try:
        return References.from_plain(value).vectors is not None
    except (KeyError, TypeError, ValueError):
        return False


def _are_embeddings(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("layer"), str) and _is_count(value.get("channels"))


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


# What readers rely on.
FIELDS: dict[str, Callable[[Any], bool]] = {
    "method": lambda value: isinstance(value, str),
    "layer": lambda value: value is None or isinstance(value, str),
    "params": lambda value: isinstance(value, dict),
    "signed": lambda value: isinstance(value, bool),
    "targets": _list_of(str),
    "class_names": _list_of(str),
    "model": lambda value: isinstance(value, dict) and all(isinstance(one, str) for one in value.values()),
    "source": lambda value: isinstance(value, dict),
    "fit": lambda value: value in get_args(Fit),
    "input_shape": _are_sides,
    "dtype": lambda value: value in DTYPES,
    "evidence": lambda value: value is None or value in LEVELS,
    "id": lambda value: isinstance(value, str),
    "parts": _is_count,
    "depth": lambda value: value in (0, *DEPTHS),
    "images": _is_count,
    "channels": _is_count,
    "embeddings": _are_embeddings,
    "units": _list_of(str),
    "regions": lambda value: isinstance(value, list),
    "bands": _are_bands,
    "references": _are_references,
    "beside": _list_of(str),
    EPOCH: lambda value: value is True,
    "files": _list_of(str),
}


class PartWriter:
    """Writes rows to one file in groups of about a megabyte, so that memory does not grow with the part.

    The file is whole when the writer's block ends without an error.

    Args:
        path: of the file.
        dtype: what a number of a map is kept as.
        origin: what the file says of itself.
        evidence: how much evidence the rows have.
        channels: whose relevance is in the rows.
        has_regions: whether the rows say which places count.
        beside: names of the inputs beside the image that the rows tell.
        has_embeddings: whether mean activations are in the rows.
    """

    def __init__(
        self,
        path: Path,
        dtype: str,
        origin: Origin = Origin(),
        evidence: EvidenceLevel | None = None,
        channels: int = 0,
        has_regions: bool = False,
        beside: Sequence[str] = (),
        has_embeddings: bool = False,
    ) -> None:
        columns = schema(dtype, evidence, channels, has_regions, beside, has_embeddings)
        strings = [f.name for f in columns if f.type in (pa.string(), pa.list_(pa.int32()))]
        self._path = path
        self._held: list[pa.Table] = []
        with named_errors(path):
            self._writer = pq.ParquetWriter(
                path,
                columns.with_metadata(origin.metadata()),
                compression="zstd",
                use_dictionary=[
                    *(name for name in strings if name not in ("id", "shape")),
                    "shape.list.element",
                    f"{NOTES}.list.element",
                ],
                column_encoding={f"{f.name}.list.element": "BYTE_STREAM_SPLIT" for f in columns if f.name in NUMBERS},
                write_statistics=[f.name for f in columns if f.name not in NUMBERS],
                write_page_checksum=True,
            )

    def __enter__(self) -> "PartWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                with named_errors(self._path):
                    self._flush()
                    self._writer.close()
        finally:
            # What has failed before is what is told; a writer that is closed stays so.
            with suppress(*DAMAGE):
                self._writer.close()

    def write(self, table: pa.Table) -> None:
        """Add rows."""
        self._held.append(table)
        if sum(t.nbytes for t in self._held) >= GROUP_BYTES:
            with named_errors(self._path):
                self._flush()

    def _flush(self) -> None:
        if self._held:
            group = pa.concat_tables(self._held)
            self._writer.write_table(group, row_group_size=len(group))
        self._held = []
