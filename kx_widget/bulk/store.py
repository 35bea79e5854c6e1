"""Reading a store: columns at once, maps when somebody looks at them."""

import json
import os
from bisect import bisect_right
from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kx_widget.bulk.arrow import ds, fs, pa, pc, pq
from kx_widget.bulk.embeddings import StoredEmbeddings
from kx_widget.bulk.parts import ANEW, DAMAGE, DONE, JOB, NUMBERS, as_json, check_part, is_part
from kx_widget.bulk.schema import BESIDE, EMBEDDING, EPOCH, EPOCH_FIELD, MAP, NOTES, RELEVANCE, schema
from kx_widget.bulk.sources import file_of
from kx_widget.engine.bands import Bands
from kx_widget.engine.cache import Cache
from kx_widget.engine.display import Display
from kx_widget.engine.errors import FormatError, ParameterError
from kx_widget.engine.evidence_columns import EVIDENCE, EvidenceColumn
from kx_widget.engine.explanation import Explanation
from kx_widget.engine.files import check_path
from kx_widget.engine.images import read
from kx_widget.engine.methods import METHODS
from kx_widget.engine.nearest import NearestImages
from kx_widget.engine.notes import Notes, heading_of
from kx_widget.engine.ranges import Ranges
from kx_widget.engine.regions import Region
from kx_widget.engine.types import Floats, Ints

CACHE_BYTES = 64 * 2**20
THREADS = 8
NO_EMBEDDINGS = (
    "does not tell which images are alike: explain into another folder with embeddings=True (in a shell --embeddings)."
)


class _RowGroup(NamedTuple):
    """What is kept in memory of a group of rows: `maps` one after the other, which begin at `offsets`."""

    maps: Any
    offsets: Any
    shapes: Ints
    scales: Floats
    notes: Any


class Store:
    """Explanations in a folder of Parquet files, one row an image and target, in the order of the images.

    Opening reads what the files say of themselves; columns are read when they are first asked for, maps in groups
    of rows of about a megabyte, of which the last ones stay in memory.

    Args:
        path: the folder, or an address that `pyarrow.fs` knows, such as `s3://bucket/maps.parquet`.

    Attributes:
        job: what was asked when the store was begun: method, layer, targets, model and the like, as its files say it.
        complete: whether all images of the job are in it.

    Raises:
        FormatError: there is no store, or one of its files is damaged.
    """

    def __init__(self, path: str | Path) -> None:
        check_path(path, "pass the folder of a store.")
        self.path: str = str(path)
        address = self.path if "://" in self.path else Path(path).absolute().as_uri()
        try:
            self._files, root = fs.FileSystem.from_uri(address)
            entries = self._files.get_file_info(fs.FileSelector(root))
            names = sorted(entry.path for entry in entries if is_part(entry.base_name))
        except (OSError, pa.ArrowException) as error:
            # Arrow writes the system's words twice.
            why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else error
            raise FormatError(f"{self.path!r} is not a store of explanations ({why}).") from error
        paths = {entry.base_name: entry.path for entry in entries}
        self.job: dict[str, Any] = self._json(paths.get(JOB))
        done = self._json(paths[DONE]) if DONE in paths else None
        with ThreadPoolExecutor(THREADS) as pool:
            footers = list(pool.map(lambda name: self._footer(name, done), names))
        if not names and not self.job:
            raise FormatError(f"{self.path!r} is not a store of explanations: it holds no Parquet files.")
        self._depth: int = (done or {}).get("depth", 0)
        self.complete = done is not None and done.get("parts", len(done.get("files", names))) == len(names)
        self._groups = [(name, f, g) for name, f in zip(names, footers, strict=True) for g in range(f.num_row_groups)]
        self._starts = [0, *accumulate(f.row_group(g).num_rows for _, f, g in self._groups)]
        checked = ds.ParquetFragmentScanOptions(page_checksum_verification=True)
        parquet = ds.ParquetFileFormat(default_fragment_scan_options=checked)
        about = self.job.get("evidence"), self.channels, "regions" in self.job, self.job.get("beside", ())
        columns = schema(self.job.get("dtype", "float32"), *about, "embeddings" in self.job)
        columns = columns.append(EPOCH_FIELD) if EPOCH in self.job else columns
        self._dataset = ds.dataset(names, columns, parquet, self._files)
        self._cache = Cache(CACHE_BYTES)
        self._columns: dict[str, Any] = {}

    def _json(self, path: str | None) -> dict[str, Any]:
        if path is None:
            return {}
        with self._files.open_input_stream(path) as file:
            return as_json(path, file.read())

    def _footer(self, name: str, done: dict[str, Any] | None) -> Any:
        with _reading(name):
            footer = pq.read_metadata(name, filesystem=self._files)
        check_part(name, footer, self.job, done)
        return footer

    def __len__(self) -> int:
        return self._starts[-1]

    @property
    def bands(self) -> Bands:
        """The channels of images, and which of them are shown."""
        return Bands.from_plain(self.job.get("bands"))

    @property
    def depth(self) -> int:
        """The bits that whole numbers beyond 8 bits were taken to use; 0 without such, or where it was not kept."""
        return self._depth

    @property
    def class_names(self) -> list[str]:
        """One name per class."""
        return self.job.get("class_names", [])

    @property
    def evidence(self) -> dict[str, EvidenceColumn]:
        """The columns that tell how far maps can be believed, by name; none in stores that nobody asked for them."""
        return {name: EVIDENCE[name] for name in self._dataset.schema.names if name in EVIDENCE}

    @property
    def names(self) -> list[str]:
        """The columns, without the maps, the relevance of channels and the embeddings."""
        return [name for name in self._dataset.schema.names if name not in NUMBERS]

    @property
    def channels(self) -> int:
        """How many channels' relevance each row tells; 0 where it was not asked for."""
        return self.job.get("channels", 0)

    def beside(self, numbers: Sequence[int] | Ints) -> list[tuple[Any, ...]]:
        """What else the model took of the images of some rows, in the order of its inputs; () where nothing is kept."""
        names = self.job.get("beside", ())
        if not names:
            return [()] * len(numbers)
        rows = (json.loads(row[BESIDE]) for row in self.rows(numbers, [BESIDE]))
        return [tuple(np.asarray(values[name]) for name in names) for values in rows]

    def channel_relevance(self) -> Iterator[Floats]:
        """The relevance of the channels (n, K) of all rows, in their order and piece by piece.

        Raises:
            FormatError: it was not written.
        """
        if not self.channels:
            raise FormatError(
                f"{self.path!r} does not tell the relevance of channels: explain into another folder with "
                "channel_relevance=True (in a shell --channel-relevance)."
            )
        for batch in self._dataset.to_batches(columns=[RELEVANCE]):
            yield batch.column(0).flatten().to_numpy().reshape(-1, self.channels)

    def embedding_layer(self, layer: str | None = None) -> str:
        """Path of the layer whose mean activations are kept.

        Args:
            layer: the one that is asked for, if any.

        Raises:
            FormatError: they were not written.
            ParameterError: they are of another layer.
        """
        if "embeddings" not in self.job:
            raise FormatError(f"{self.path!r} {NO_EMBEDDINGS}")
        path: str = self.job["embeddings"]["layer"]
        if layer not in (None, path):
            raise ParameterError(f"layer={layer!r}: {self.path!r} keeps what images are at {path!r}.")
        return path

    @cached_property
    def _embeddings(self) -> StoredEmbeddings:
        layer, channels = self.embedding_layer(), self.job["embeddings"]["channels"]
        try:
            batches = (batch.column(0) for batch in self._dataset.to_batches(columns=[EMBEDDING]))
            return StoredEmbeddings.read(batches, len(self), layer, channels)
        except (*DAMAGE, ValueError) as error:
            raise FormatError(f"{self.path!r} is damaged (its embeddings cannot be read: {error}): {ANEW}") from error

    def nearest(self, query: Any, k: int = 10, among: Sequence[int] | Ints | None = None) -> NearestImages:
        """The images that the model sees most like others, by the cosine of their mean activations; no map is read.

        They are read when this is first asked, and stay in memory.

        Args:
            query: numbers of rows, ids of images, or vectors (N, K) that `Explainer.embed` told at the store's layer;
                of one image also a number, an id or (K,). An image of the store is not its own neighbour.
            k: how many neighbours of each.
            among: numbers of rows to look among, `select(pc.field("predicted") == pc.field("label"))` for instance.

        Returns:
            A `NearestImages` whose indices (N, k) are the first row of each image; `rows(n.indices[0])` tells more.

        Raises:
            FormatError: the store has no embeddings.
            ParameterError: there is no such row, id or vector, or its image was skipped.
        """
        embeddings = self._embeddings
        places = None if among is None else self._places(self._checked(among))
        if places is not None:
            places = places[places >= 0]
        values = np.atleast_1d(np.asarray(query))
        if values.dtype.kind == "f":
            vectors = np.atleast_2d(values)
            if vectors.ndim > 2 or vectors.shape[1] != embeddings.directions.shape[1]:
                raise ParameterError(
                    f"A query of shape {values.shape}: a vector has {embeddings.directions.shape[1]} numbers here, "
                    f"which explainer.embed(images, {embeddings.layer!r}) tells."
                )
            return embeddings.nearest_to(vectors, k, places)
        numbers = self._named(values.tolist()) if values.dtype.kind in "UO" else self._checked(values)
        own = self._places(numbers)
        if (own < 0).any():
            row = self.rows(numbers[own < 0][:1], ["id", "error"])[0]
            raise ParameterError(f"{row['id']!r} was skipped, and is like no other image: {row['error']}")
        return embeddings.nearest(own, k, places)

    def _places(self, numbers: Ints) -> Ints:
        """Where the images of rows are among the embeddings; −1 for those that were skipped."""
        column = self.column("column").take(pa.array(numbers)).fill_null(-1).to_numpy()
        places = np.searchsorted(self._embeddings.rows, numbers - column)
        return np.where(column < 0, -1, places)

    def _named(self, ids: Sequence[str]) -> Ints:
        """The first row of each of these ids."""
        numbers = [pc.index(self.column("id"), str(name)).as_py() for name in ids]
        for name, number in zip(ids, numbers, strict=True):
            if number < 0:
                raise ParameterError(f"There is no image {name!r} in {self.path!r}; its column 'id' tells their names.")
        return np.asarray(numbers, np.int64)

    def column(self, name: str) -> Any:
        """One column of all rows, as a pyarrow ChunkedArray; read once."""
        return self.columns([name]).column(0)

    def columns(self, names: Sequence[str]) -> Any:
        """Some columns of all rows, as a pyarrow Table; each is read once.

        Raises:
            FormatError: there is no such column.
            ParameterError: the names are no list.
        """
        _check_columns(names, self.names)
        missing = [name for name in names if name not in self._columns]
        if missing:
            table = self._read({name: pc.field(name) for name in missing})
            if "id" in missing and table.column("id").null_count:
                raise FormatError(f"{self.path!r} is damaged (there are rows without an id): explain again.")
            self._columns |= {name: table.column(name) for name in missing}
        return pa.table({name: self._columns[name] for name in names})

    def _read(self, columns: dict[str, Any]) -> Any:
        """Expressions of all rows."""
        try:
            return self._dataset.to_table(columns)
        except DAMAGE:
            for name in self._dataset.files:  # which of them it was
                with _reading(name):
                    pq.read_table(name, columns=self.names, filesystem=self._files, page_checksum_verification=True)
            raise

    def select(self, where: Any = None, sort: str | None = None, descending: bool = False) -> Ints:
        """Numbers of the rows that hold an explanation, chosen and sorted without reading a map.

        Args:
            where: a condition on columns, `pyarrow.compute.field("probability") < 0.5` for instance.
            sort: the column to sort by; equal rows keep their order.
            descending: largest first.

        Returns:
            int64 (n,), for `rows`, `maps` and `explanations`.

        Raises:
            FormatError: there is no such column.
            ParameterError: `where` is no condition, or `sort` no name.
        """
        _check_choice(where, sort)
        chosen = pc.invert(pc.is_valid(self.column("error")))
        if where is not None:
            chosen = pc.and_(chosen, pc.fill_null(self._verdicts(where), False))
        rows = np.flatnonzero(chosen.to_numpy())
        if sort is None:
            return rows
        column = self.column(sort)
        if pa.types.is_nested(column.type):
            raise ParameterError(f"There is no order in the column {sort!r}: sort by one of single values.")
        table = pa.table({sort: column.take(pa.array(rows)), "#": rows})
        order = "descending" if descending else "ascending"
        return rows[pc.sort_indices(table, [(sort, order), ("#", "ascending")]).to_numpy()]

    def _verdicts(self, where: Any) -> Any:
        """What a condition says of each row, true, false or null; only the columns in it are read."""
        schema = self._dataset.schema
        try:
            schema.remove(schema.get_field_index(MAP)).empty_table().filter(where)
            return self._read({"verdict": where}).column(0)
        except (pa.ArrowException, TypeError) as error:
            raise FormatError(f"The condition does not fit the columns {', '.join(self.names)} ({error}).") from error

    def rows(self, numbers: Sequence[int] | Ints, names: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """Some rows as dicts, without their maps.

        Raises:
            FormatError: there is no such column.
            ParameterError: there is no such row.
        """
        chosen = self._checked(numbers)
        return self.columns(self.names if names is None else names).take(pa.array(chosen)).to_pylist()

    def maps(self, numbers: Sequence[int] | Ints) -> list[Floats]:
        """Raw maps of some rows, float32 (h, w) each; only the groups of rows that hold them are read.

        Raises:
            ParameterError: there is no such row.
        """
        maps: list[Floats] = []
        for group, row in self._located(numbers):
            values = group.maps[group.offsets[row] : group.offsets[row + 1]].astype(np.float32)
            maps.append((values * group.scales[row]).reshape(group.shapes[row]))
        return maps

    def notes(self, numbers: Sequence[int] | Ints) -> list[Notes]:
        """What the maps of some rows fail to say, in sentences; read with the maps.

        Raises:
            ParameterError: there is no such row.
        """
        return [tuple(group.notes[row].as_py() or ()) for group, row in self._located(numbers)]

    def headings(self) -> dict[str, int]:
        """How many maps have a note of each heading (see `engine.notes`), "" being notes on model and method."""
        counts: dict[str, int] = {}
        for note in pc.value_counts(pc.list_flatten(self.column(NOTES))).to_pylist():
            heading = heading_of([note["values"]])
            counts[heading] = counts.get(heading, 0) + note["counts"]
        return counts

    def _checked(self, numbers: Any) -> Ints:
        try:
            chosen = np.asarray(numbers)
        except ValueError:  # lists of different lengths
            chosen = np.zeros((), object)
        if chosen.ndim != 1 or (chosen.size and chosen.dtype.kind not in "iu"):
            raise ParameterError(f"{numbers!r} are not numbers of rows: pass a list of them, or what select() returns.")
        outside = chosen[(chosen < 0) | (chosen >= len(self))] if chosen.size else chosen
        if outside.size:
            last = f"they are numbered 0 to {len(self) - 1}" if len(self) else "the store is empty"
            raise ParameterError(f"There is no row {outside[0]}: {last}.")
        return chosen.astype(np.int64)

    def _located(self, numbers: Any) -> Iterator[tuple["_RowGroup", int]]:
        """The group of each row, and where the row is in it."""
        for number in self._checked(numbers).tolist():
            at = bisect_right(self._starts, number) - 1
            yield self._group(at), number - self._starts[at]

    def _group(self, at: int) -> "_RowGroup":
        arrays: Any = self._cache.get(at)
        if arrays is None:
            name, footer, number = self._groups[at]
            with (
                _reading(name),
                pq.ParquetFile(name, metadata=footer, filesystem=self._files, page_checksum_verification=True) as file,
            ):
                table = file.read_row_group(number, [MAP, "shape", "scale", NOTES]).combine_chunks()
            maps, shapes, scales = (table.column(name).chunk(0) for name in (MAP, "shape", "scale"))
            arrays = _RowGroup(
                maps.values.to_numpy(),
                maps.offsets.to_numpy(),
                np.asarray([shape or (0, 0) for shape in shapes.to_pylist()], np.int64),
                scales.to_numpy(zero_copy_only=False).astype(np.float32),
                table.column(NOTES) if NOTES in table.column_names else pa.nulls(len(table)),
            )
            self._cache.put(at, arrays)
        return _RowGroup(*arrays)

    @property
    def skipped(self) -> list[tuple[str, str]]:
        """(id, reason) of each image that could not be used."""
        table = self.columns(["id", "error"]).filter(pc.field("error").is_valid())
        return [(row["id"], row["error"]) for row in table.to_pylist()]

    def explanation(self, number: int) -> Explanation:
        """One row as an `Explanation` of one image and target; a picture that is not there any more is grey.

        Raises:
            ParameterError: there is no such row, or its image was skipped.
        """
        return self.explanation_of(np.array([[number]]))

    def explanation_of(self, numbers: Ints, images: NDArray[np.uint8] | None = None) -> Explanation:
        """Rows (N, T) of N images as one `Explanation` of T targets.

        Args:
            numbers: of the rows.
            images: what was explained (N, H, W, 3), where it is at hand.

        Raises:
            ParameterError: there is no such row, its image was skipped, or the maps are of several sizes.
        """
        (n, t), every = numbers.shape, numbers.ravel()
        rows, maps = self.rows(every), self.maps(every)
        for number, row in zip(every, rows, strict=True):
            if row["error"] is not None:
                raise ParameterError(f"Row {number} holds no explanation, for its image was skipped: {row['error']}")
        if len({values.shape for values in maps}) > 1:
            raise ParameterError("The maps of these rows are of several sizes: ask for fewer of them at once.")
        checks = [json.loads(row["checks"] or "{}") for row in rows]
        notes = [tuple(row[NOTES] or ()) for row in rows]

        def grid(values: Iterable[Any], dtype: Any = np.float32) -> Any:
            return np.array([*values], dtype).reshape(n, t)

        def lines(values: Sequence[Any]) -> tuple[tuple[Any, ...], ...]:
            return tuple(tuple(values[at : at + t]) for at in range(0, n * t, t))

        first = rows[0]
        method = METHODS.get(first["method"])
        return Explanation(
            maps=np.stack(maps).reshape(n, t, *maps[0].shape),
            scores=grid(row["score"] for row in rows),
            probabilities=grid(row["probability"] for row in rows),
            targets=grid((row["target"] for row in rows), np.int64),
            target_names=lines([row["target_name"] for row in rows]),
            method=first["method"],
            layer=first["layer"],
            params=json.loads(first["params"]),
            signed=self.job.get("signed", True),
            seconds=0.0,
            versions=json.loads(first["versions"]),
            images=np.stack([self._picture(row["id"]) for row in rows[::t]]) if images is None else images,
            checks={name: grid(check.get(name, np.nan) for check in checks) for name in checks[0]},
            names=tuple(row["id"] for row in rows[::t]),
            notes=lines(notes) if any(notes) else (),
            display=method.display_for(json.loads(first["params"])) if method else Display(),
            evidence={name: grid(row[name] for row in rows) for name in self.evidence},
            units=tuple(self.job.get("units", ())),
            regions=tuple(map(Region.from_plain, self.job.get("regions", ()))) * n,
        )

    @cached_property
    def _side(self) -> tuple[int, int]:
        height, width, _ = self.job.get("input_shape", (224, 224, 3))
        return height, width

    def _picture(self, path: str) -> NDArray[np.uint8]:
        try:
            pixels = read(file_of(path), self._side, self.job.get("fit", "stretch"), self.bands, Ranges(self.depth))
        except ValueError:
            return np.full((*self._side, 3), 128, np.uint8)
        return pixels if pixels.shape[-1] == 3 else pixels.repeat(3, -1)


def _check_columns(names: Any, columns: list[str]) -> None:
    if isinstance(names, str) or not isinstance(names, Collection):
        raise ParameterError(f'{names!r} is not a list of columns: pass ["id", "score"] for instance.')
    for name in names:
        if not isinstance(name, str) or name not in columns:
            raise FormatError(f"There is no column {name!r}; there are {', '.join(columns)}.")


def _check_choice(where: Any, sort: Any) -> None:
    if not (where is None or isinstance(where, pc.Expression)):
        raise ParameterError(
            f"where={where!r} is not a condition: pass an expression of pyarrow, "
            '`pyarrow.compute.field("probability") < 0.5` for instance.'
        )
    if not (sort is None or isinstance(sort, str)):
        raise ParameterError(f'sort={sort!r} is not a column: pass its name, "probability" for instance.')


@contextmanager
def _reading(name: str) -> Generator[None, None, None]:
    try:
        yield
    except DAMAGE as error:
        why = " ".join(str(error).split())
        raise FormatError(f"{name!r} is damaged, or no Parquet file ({why}): {ANEW}") from error
