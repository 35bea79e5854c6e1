"""A question about pictures too large for the model, answered tile by tile."""

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import compress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kx_widget.engine.bands import Bands
from kx_widget.engine.cache import digest
from kx_widget.engine.decoding import decode, is_whole, items_of
from kx_widget.engine.display import Display
from kx_widget.engine.errors import ImageError, ParameterError
from kx_widget.engine.images import Fit, Images, load
from kx_widget.engine.preprocessing import Preprocessing
from kx_widget.engine.probe import Probe
from kx_widget.engine.question import Question, model_failures
from kx_widget.engine.ranges import Ranges, ValueRange
from kx_widget.engine.regions import OutputPlaces, Region
from kx_widget.engine.regions import region as make_region
from kx_widget.engine.targets import Targets
from kx_widget.engine.tiling import MergedMap, Tile, TileGrid, Tiling
from kx_widget.engine.types import WHOLE, Floats, Frame, Frames, Ints, LocatedRegion, Notes, Partial

# Tiles in one call: after each of them maps are shown, and a question can be cancelled.
TILES_AT_ONCE = 8
# Of what tells of exactness.
HIGHER_IS_BETTER = ("surrogate_r2",)
# How often the map of a picture is shown while its tiles come.
MOST_PARTIALS = 16
# What the maps of an answer may take of the memory budget.
MAPS_PART = 1 / 8
REFUSED = (
    "Parts of pictures in tiles are not covered: it would take the passes of all tiles for each of them. Pass a part "
    "of the picture to an Explainer without tile=."
)
NO_DATA_SET = (
    "Data sets and stores are not cut into tiles: explain pictures with explain(), one by one, or the data set with an "
    "Explainer without tile=."
)


class KnownRanges(Ranges):
    """The range that pictures have shown as a whole: of a tile alone it may be another one."""

    def __init__(self, span: ValueRange, depth: int) -> None:
        super().__init__(depth)
        self._span: ValueRange = span

    def span_of(self, floats: Sequence[NDArray[Any]]) -> ValueRange:
        """The range of all pictures."""
        return self._span


@dataclass(frozen=True, eq=False, kw_only=True)
class TiledImages(Images):
    """Pictures of one size that are cut into tiles; `batch` holds them shrunk to one tile, `pixels` their previews.

    Attributes:
        items: what `decode` takes of each picture; arrays are held as long as this is.
        grid: the tiles of each.
        load_tiles: makes tiles (h, w, C) ready for the model.
    """

    items: tuple[Any, ...]
    grid: TileGrid
    load_tiles: Callable[[list[NDArray[Any]]], Images]

    def where(self, mask: NDArray[np.bool_]) -> "TiledImages":
        """Those of the pictures that `mask` (N,) marks."""
        images = super().where(mask)
        assert isinstance(images, TiledImages)
        return replace(images, items=tuple(compress(self.items, mask)))

    def picture(self, number: int) -> NDArray[Any]:
        """A picture (H, W, C) at full size, as deep as it is.

        Raises:
            ImageError: it has changed since it was read.
        """
        array = decode(self.items[number], self.bands.channels)
        if array.shape[:2] != self.grid.size:
            raise ImageError(f"{self.names[number]} has changed since it was read: ask again.")
        # Whole numbers of other kinds may be taken for a mask where a tile holds but ones and zeros.
        return array.astype(np.uint16, copy=False) if is_whole(array) and array.max() < 2**16 else array


def load_tiled(
    images: Any,
    tiling: Tiling,
    declared: tuple[int | None, int | None, int],
    preprocessing: Preprocessing,
    fit: Fit,
    bands: Bands,
) -> TiledImages:
    """Read and check pictures of every accepted kind, all of one size, to be cut into tiles.

    Args:
        images: as in `Explainer.explain`.
        tiling: how they are cut.
        declared, preprocessing, fit, bands: as in `images.load`, which makes tiles ready; a picture that is smaller
            than a tile is one, which is stretched for a model of fixed size.

    Raises:
        ImageError: some cannot be used, have another size than the first one, or would be cropped or padded.
    """
    items = items_of(images, bands.channels)
    shape = tiling.height, tiling.width, declared[2]
    shrunk = load(images, shape, preprocessing, fit, bands=bands)
    sizes = [original.size for original in shrunk.originals]
    for (name, _), size in zip(items, sizes, strict=True):
        if size != sizes[0]:
            (h, w), (height, width) = sizes[0], size
            raise ImageError(
                f"Pictures in tiles must be of one size: {name} has {width} × {height} pixels, and {items[0][0]} "
                f"{w} × {h}. Explain them one by one."
            )
    grid = tiling.grid(sizes[0])
    height, width = (side or length for side, length in zip(declared[:2], grid.window, strict=True))
    (tall, wide), how = grid.window, preprocessing.fit(fit)
    if how != "stretch" and tall * width != wide * height:
        raise ImageError(
            f"Tiles are not cropped or padded (fit is {how!r}), and {items[0][0]} is smaller than one of {width} × "
            f"{height} pixels: explain it without tile=."
        )
    if (height, width, declared[2]) != shape:
        shape = height, width, declared[2]
        shrunk = load(images, shape, preprocessing, fit, bands=bands)
    ranges = KnownRanges(shrunk.span, shrunk.depth)
    facts = {each.name: getattr(shrunk, each.name) for each in fields(Images)}
    facts |= {
        "pixels": np.stack(shrunk.previews),
        "boxes": (WHOLE,) * len(items),
        "digests": tuple(_digest(item, bands, row) for (_, item), row in zip(items, shrunk.digests, strict=True)),
        "preprocessing": f"{shrunk.preprocessing}; in {grid}",
    }
    return TiledImages(
        **facts,
        items=tuple(item for _, item in items),
        grid=grid,
        load_tiles=lambda tiles: load(tiles, shape, preprocessing, fit, ranges, previews=False, bands=bands),
    )


def _digest(item: Any, bands: Bands, shrunk: Any) -> str:
    """What a picture at full size goes by; of a file what tells that it is another one now."""
    if isinstance(item, Path):
        facts = item.stat()
        return f"{item.absolute()} {facts.st_mtime_ns} {facts.st_size} {shrunk}"
    return digest(decode(item, bands.channels))


@dataclass(frozen=True, eq=False, kw_only=True)
class TiledQuestion(Question):
    """A question about pictures in tiles: what each tile says of the same targets, merged.

    A picture's score is the mean of its tiles' scores, so that the same class is explained in all of them. Of a model
    that has scores for several places it is the mean over the region in the whole picture, where each place counts as
    tiles weigh there; only tiles that hold a part of the region have a map.
    """

    images: TiledImages

    @property
    def samples_each(self) -> int:
        """In how many tiles a picture goes through the model."""
        return len(self.images.grid.tiles)

    @property
    def display(self) -> Display:
        """How the method's maps want to be drawn; where tiles overlap they have no areas of one value."""
        return replace(super().display, borders=False)

    def probes(self, backward: bool | None = None, extra_bytes: int = 0) -> Iterator[tuple[slice, Probe]]:
        """Nothing looks at whole pictures.

        Raises:
            ParameterError: always; says what to do.
        """
        raise ParameterError(REFUSED)

    def predictions(self) -> tuple[Floats, Floats]:
        """What classes of the pictures are ranked by, and probabilities, (N, C) each; NaN as of whole pictures."""
        version, pictures = self.model.weights.version(), []
        for number in range(len(self.images.items)):
            picture = CutPicture.of(self, number, version)
            pictures.append(picture.tell(list(picture.tell_tiles())))
        return self.where_won(
            np.stack([each.ranking for each in pictures]), np.stack([each.probabilities for each in pictures])
        )

    def winners(self, longest: int) -> list[Ints]:
        """Which class wins at each place of the pictures (h, w), in the tile that weighs most there.

        Args:
            longest: how many places a side may have; of more some are left out.
        """
        version = self.model.weights.version()
        with model_failures():
            return [CutPicture.of(self, number, version).winners(longest) for number in range(len(self.images.items))]

    def _stream(self, version: int, partials: bool) -> Generator[Frames, None, None]:
        done, pictures = 0, len(self.images.items)
        for number in range(pictures):
            total = 0
            for frames in self._of_picture(CutPicture.of(self, number, version), partials):
                total = frames.total
                yield replace(frames, done=done + frames.done, total=done + total * (pictures - number))
            done += total

    def _of_picture(self, picture: "CutPicture", partials: bool) -> Generator[Frames, None, None]:
        """The frames of one picture, whose passes are counted from 0."""
        groups, rows = self.columns.groups, slice(picture.number, picture.number + 1)
        of_tiles: list[TileScores] = []
        for scores in picture.tell_tiles():
            of_tiles.append(scores)
            yield Frames((), len(of_tiles), len(picture.batches) * (1 + len(groups)))
        of_picture = picture.tell(of_tiles)
        targets = self.columns.part(rows).resolve(of_picture.ranking[None])
        if self.regions:
            targets = self.with_reasons(targets, rows, of_picture.ranking[None], [picture.why])
            region = self.regions[picture.number]
            targets = replace(targets, regions=(LocatedRegion(region.kind, str(region), region.at, None),))
        # (T, tiles, C)
        weights = targets.weights[0][:, None] * of_picture.parts
        # One tile tells how large a map is that says nothing.
        numbers = np.flatnonzero(weights.any((0, 2))).tolist() or [0]
        chosen, weights = picture.only(numbers), weights[:, numbers]
        notes = chosen.notes()
        merges = {group: _Merges(self, chosen, group) for group in groups}
        done, before, total = len(of_tiles), 0, 1
        for batch in chosen.batches:
            probe = chosen.probe(batch)
            for group in groups:
                for partial in self.partials(probe, np.ascontiguousarray(weights[group[0], batch])):
                    total, frames = partial.total, ()
                    if partial.done == partial.total:
                        merges[group].add(batch, partial, self.maps_of(partial, batch.stop - batch.start))
                        if merges[group].is_whole or (partials and merges[group].is_due):
                            frames = merges[group].frames(targets, of_picture, notes)
                    passes = total * len(groups) * len(chosen.batches)
                    yield Frames(frames, done + before + partial.done, done + passes)
                before += total


class TileScores(NamedTuple):
    """What some tiles say, (tiles, C) each: `scores`, and of a region the mean of `probabilities`, where it counts.

    `inside` is how much of the region lies in each tile, `owned` the same where each place counts as the tile weighs
    there; `area` (tiles,) are all places of it, counted so.
    """

    scores: Floats
    probabilities: Floats
    inside: Floats
    owned: Floats
    area: Floats


@dataclass(frozen=True)
class PictureScores:
    """What all tiles say of a picture: `scores`, `probabilities` and what classes are ranked by, (C,) each.

    `parts` (tiles, C) are what a tile's map counts in that of the picture.
    """

    scores: Floats
    probabilities: Floats
    ranking: Floats
    parts: Floats


@dataclass(frozen=True)
class CutPicture:
    """One picture of a question, in tiles.

    Attributes:
        question: about it and others.
        number: which of the pictures.
        pixels: (H, W, C), as deep as they are.
        version: of the weights.
        parts: its tiles, each with the region as it lies there, or None.
        why: why no place of it counts, or "".
    """

    question: TiledQuestion
    number: int
    pixels: NDArray[Any]
    version: int
    parts: tuple[tuple[Tile, Region | None], ...]
    why: str

    @classmethod
    def of(cls, question: TiledQuestion, number: int, version: int) -> "CutPicture":
        """The picture of this number."""
        images, why = question.images, ""
        parts: list[tuple[Tile, Region | None]] = [(tile, None) for tile in images.grid.tiles]
        if question.regions:
            parts, why = regions_of_tiles(question.regions[number], images.grid)
            # One tile tells how large a map is that says nothing.
            parts = parts or [(images.grid.tiles[0], Region("whole"))]
        return cls(question, number, images.picture(number), version, tuple(parts), why)

    def only(self, numbers: Sequence[int]) -> "CutPicture":
        """The same with some of its tiles."""
        return replace(self, parts=tuple(self.parts[n] for n in numbers))

    @property
    def batches(self) -> list[slice]:
        """Its tiles in batches that fit the memory."""
        question = self.question
        sample = question.model.graph.bytes_per_sample[question.method.sees != "layer"]
        budget = question.model.functions.budget
        most = question.batch_size or min(TILES_AT_ONCE, budget.samples(sample))
        return list(budget.chunks(len(self.parts), sample, most))

    def probe(self, batch: slice) -> Probe:
        """Some of the tiles, at the question's layer."""
        return self._question_about(batch).probe(slice(0, batch.stop - batch.start), self.version)

    @property
    def _places(self) -> tuple[OutputPlaces, tuple[int, int]]:
        """The places of the model's output, and the (h, w) of its cells in each tile."""
        output = self.question.model.graph.output
        assert output is not None
        assert output.grid is not None
        return output, output.grid

    def _question_about(self, batch: slice) -> Question:
        """The question about some of the tiles."""
        parts, question = self.parts[batch], self.question
        images = question.images.load_tiles([self.pixels[tile.slices] for tile, _ in parts])
        name = question.images.names[self.number]
        images = replace(images, names=tuple(f"{name}, tile {tile.number + 1}" for tile, _ in parts))
        beside = [values[self.number : self.number + 1].repeat(len(parts), 0) for values in question.images.beside]
        facts: dict[str, Any] = {each.name: getattr(question, each.name) for each in fields(Question)}
        regions = tuple(region for _, region in parts if region is not None)
        facts |= {"images": images.with_beside(beside), "regions": regions}
        return Question(**facts)

    def tell_tiles(self) -> Iterator[TileScores]:
        """What each tile says, batch by batch.

        Raises:
            ModelError: the scores are no numbers.
        """
        for batch in self.batches:
            question, rows = self._question_about(batch), slice(0, batch.stop - batch.start)
            probe = question.probe(rows, self.version)
            scores = question.scores(rows, probe)
            if not question.regions:
                one = np.ones_like(scores)
                yield TileScores(scores, one, one, one, one[:, 0])
                continue
            output, cells = self._places
            shares = np.stack(
                [output.spread(self.question.images.grid.shares(tile, cells)) for tile, _ in self.parts[batch]]
            )
            if self.question.regions[self.number].kind == "object":
                # There is one tile, of which all counts.
                shares = np.ones_like(shares)
            inside, owned = (
                np.stack([_counted(*pair, scores.shape[1]) for pair in zip(probe.region, weights, strict=True)])
                for weights in (np.ones_like(shares), shares)
            )
            yield TileScores(scores, probe.scores_and_shares()[1], inside, owned, shares.sum(1))

    def tell(self, tiles: Sequence[TileScores]) -> PictureScores:
        """What is told of the picture by all its tiles."""
        question = self.question
        scores, shares, inside, owned, area = (np.concatenate(each) for each in zip(*tiles, strict=True))
        total = owned.sum(0)
        # A tile in which nothing counts has whatever score.
        parts = owned / np.maximum(total, 1e-12)
        mean = np.asarray((parts * scores).sum(0), np.float32)
        if not question.regions:
            return PictureScores(mean, question.model.probabilities(mean), mean, np.ones_like(scores))
        region = question.regions[self.number]
        ranking = np.asarray(total / area.sum(), np.float32) if region.kind == "wins" else mean.copy()
        if region.winner is not None:
            ranking[region.winner] = ranking.max() + 1
        probable = np.asarray((parts * shares).sum(0), np.float32)
        return PictureScores(mean, probable, ranking, np.asarray(inside / np.maximum(total, 1e-12), np.float32))

    def winners(self, longest: int) -> Ints:
        """Which class wins at each place (h, w) of the picture."""
        (output, of_tile), grid = self._places, self.question.images.grid
        full = grid.full_size(of_tile)
        steps = max(1, math.ceil(max(full) / longest))
        size = math.ceil(full[0] / steps), math.ceil(full[1] / steps)
        centres = [(np.arange(count) + 0.5) / count * length for count, length in zip(size, grid.size, strict=True)]
        owners = [axis.weights(at).argmax(0) for axis, at in zip(grid.axes, centres, strict=True)]
        # A centre on the line between two cells is in the one after it, however it was rounded.
        cells = [
            np.clip(np.round((at - np.take(axis.starts, owner)) / axis.window * count, 6), 0, count - 1).astype(
                np.int64
            )
            for axis, at, owner, count in zip(grid.axes, centres, owners, of_tile, strict=True)
        ]
        winners = np.zeros(size, np.int64)
        for batch in self.batches:
            in_tiles = self.probe(batch).outcome().winners[:, output.first :][:, : math.prod(of_tile)]
            for (tile, _), in_tile in zip(self.parts[batch], in_tiles, strict=True):
                rows, columns = np.flatnonzero(owners[0] == tile.row), np.flatnonzero(owners[1] == tile.column)
                places = np.ix_(cells[0][rows], cells[1][columns])
                winners[np.ix_(rows, columns)] = in_tile.reshape(of_tile)[places]
        return winners

    def notes(self) -> Notes:
        """What is to be said of its map, of which these tiles were computed."""
        grid = self.question.images.grid
        if len(self.parts) == len(grid.tiles):
            return (f"In {grid}: the score is the mean of theirs.",) if len(self.parts) > 1 else ()
        return (
            f"In {len(self.parts)} of {grid}: nothing of what is explained lies in the others, which were not computed "
            "and are 0.",
        )


def _counted(region: Floats, weights: Floats, classes: int) -> Floats:
    """How much of a region (R,), as `engine.regions` writes it, counts for each class (C,), with these weights."""
    own = region < 0
    counted = np.bincount((-1 - region[own]).astype(np.int64), weights[own], minlength=classes + 1)[:classes]
    return np.asarray(counted + (np.maximum(region, 0) * weights).sum(), np.float32)


def regions_of_tiles(region: Region, grid: TileGrid) -> tuple[list[tuple[Tile, Region | None]], str]:
    """The tiles that hold a part of a region, with the region as it lies in each; and why there are none, or ""."""
    (height, width), tiles = grid.size, grid.tiles
    picture = f"the picture, which has {width} × {height} pixels"
    if region.kind in ("wins", "whole"):
        return [(tile, region) for tile in tiles], ""
    if region.kind == "mask":
        marked = region.marked
        if marked.shape != grid.size:
            shape = " × ".join(map(str, marked.shape))
            return [], f"No region: the mask has {shape}, and must have {height} × {width}, height first, as {picture}."
        return [(tile, make_region(mask=marked[tile.slices])) for tile in tiles if marked[tile.slices].any()], ""
    if region.kind == "box":
        left, top, right, bottom = region.at
        boxes = [
            (max(left - t.left, 0), max(top - t.top, 0), min(right - t.left, t.width), min(bottom - t.top, t.height))
            for t in tiles
        ]
        parts = [
            (tile, make_region(box=b)) for tile, b in zip(tiles, boxes, strict=True) if b[0] < b[2] and b[1] < b[3]
        ]
        return list(parts), "" if parts else f"No region: nothing {region} is in {picture}."
    x, y = region.at
    if not region.touches(grid.size):
        return [], f"No region: ({x:g}, {y:g}) is outside of {picture}."
    # An object is followed in the tile that shows most around its point.
    holding = [grid.deepest(x, y)] if region.kind == "object" else [tile for tile in tiles if tile.holds(x, y)]
    return [(tile, replace(region, at=(x - tile.left, y - tile.top))) for tile in holding], ""


class _Merges:
    """The maps of some columns, that show bands of one map or are one, as tiles are added."""

    def __init__(self, question: TiledQuestion, picture: CutPicture, group: range) -> None:
        self._question, self._picture, self._group = question, picture, group
        self._maps: list[MergedMap] = []
        self._checks: dict[str, list[Floats]] = {}
        self._noise: list[Floats] = []
        self._added, self._shown = 0, 0

    @property
    def is_whole(self) -> bool:
        """Whether all tiles were added."""
        return self._added == len(self._picture.parts)

    @property
    def is_due(self) -> bool:
        """Whether enough was added since the last frames: to merge millions of cells takes a while."""
        return (self._added - self._shown) * MOST_PARTIALS >= len(self._picture.parts)

    def add(self, batch: slice, partial: Partial, maps: Floats) -> None:
        """Add the maps (B, h, w), or of bands (B, h, w, bands), of some tiles."""
        question = self._question
        if not self._maps:
            limit = question.model.functions.budget.bytes * MAPS_PART / 4
            most = limit / len(question.images.items) / len(question.columns.texts)
            cells = maps.shape[1], maps.shape[2]
            self._maps = [MergedMap(question.images.grid, cells, most) for _ in self._group]
        for column, merged in zip(self._group, self._maps, strict=True):
            for (tile, _), values in zip(self._picture.parts[batch], question.of_band(maps, column), strict=True):
                merged.add(tile, values)
        for name, values in partial.checks.items():
            self._checks.setdefault(name, []).append(np.broadcast_to(values, len(maps)))
        self._noise.append(np.broadcast_to(0 if partial.noise is None else partial.noise, len(maps)))
        self._added += len(maps)

    def frames(self, targets: Targets, scores: PictureScores, notes: Notes) -> tuple[Frame, ...]:
        """A frame of each column as it is now; what tells of exactness is that of the worst tile."""
        worst = {name: np.min if name in HIGHER_IS_BETTER else np.max for name in self._checks}
        checks = {name: worst[name](np.concatenate(values), keepdims=True) for name, values in self._checks.items()}
        noise = np.concatenate(self._noise).max(keepdims=True)
        elsewhere = 0.0 if self.is_whole else np.nan
        self._shown = self._added
        frames: list[Frame] = []
        for column, merged in zip(self._group, self._maps, strict=True):
            maps = merged.values(elsewhere)[None]
            partial = Partial(maps, self._added, len(self._picture.parts), checks, noise)
            (frame,) = self._question.frames_of(
                self._picture.number, column, partial, maps, targets, scores.scores[None], scores.probabilities[None]
            )
            frames.append(replace(frame, notes=self._noted(frame, merged, notes)) if frame.final else frame)
        return tuple(frames)

    def _noted(self, frame: Frame, merged: MergedMap, notes: Notes) -> Notes:
        if not np.isfinite(frame.score):
            return frame.notes
        reduced = ()
        if merged.is_reduced:
            (h, w), (height, width) = merged.size, merged.full_size
            reduced = (f"The map has {w} × {h} cells instead of {width} × {height}: raise memory_mib to keep all.",)
        return (*frame.notes, *notes, *reduced)
