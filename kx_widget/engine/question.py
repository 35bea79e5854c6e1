"""A checked question about images, and the driver that answers it."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kx_widget.engine.box_places import overlapping
from kx_widget.engine.cache import Cache
from kx_widget.engine.display import Display
from kx_widget.engine.errors import KxError, ModelError, ParameterError, plain
from kx_widget.engine.graph.compiled import Functions
from kx_widget.engine.graph.outputs import Outcome
from kx_widget.engine.graph.trace import Call, Graph
from kx_widget.engine.heads import Meaning, probabilities
from kx_widget.engine.images import Images
from kx_widget.engine.lazy_modules import tf
from kx_widget.engine.methods import METHODS
from kx_widget.engine.notes import advice_for, notes_on
from kx_widget.engine.partials import check_maps
from kx_widget.engine.probe import LocatedRegions, Probe
from kx_widget.engine.references import UNITS
from kx_widget.engine.regions import NUMBERS, NoRegionError, Region, SeenPicture, located
from kx_widget.engine.registry import Method, MethodFunction
from kx_widget.engine.scalars import Target
from kx_widget.engine.targets import TargetColumns, Targets
from kx_widget.engine.types import Floats, Frame, Frames, Inspection, Notes, Partial
from kx_widget.engine.weights import Weights
from kx_widget.engine.wrappers import WRAPPERS

# What rounding leaves of a similarity to 1 and, where that is all, of its gradient.
ALIKE = 1e-5
ALIKE_NOTE = (
    "Flat: the image and {} are as similar as can be, so that no small change makes them more so, and the map is "
    "rounding error. {}"
)


@contextmanager
def model_failures() -> Generator[None, None, None]:
    """Name what the model's own code raised, which TensorFlow hides in a list of nodes.

    Raises:
        ModelError: instead of TensorFlow's error.
    """
    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        raise ModelError(
            f"The device has not enough memory for one image at a time ({plain(error)}). Choose a layer nearer to the "
            "output, a method that sees a layer, or smaller images."
        ) from error
    except tf.errors.OpError as error:
        raise ModelError(f"The model raised {plain(error)}") from error


@dataclass(frozen=True)
class CompiledModel:
    """A model compiled for one input size; its scores are those of classes, or of targets of one's `own`."""

    graph: Graph
    functions: Functions
    inspection: Inspection
    meaning: Meaning
    weights: Weights
    own: tuple[Target, ...] = ()

    @property
    def class_names(self) -> tuple[str, ...]:
        """One name per class, or per value of a regression."""
        return self.meaning.names

    def probabilities(self, scores: Floats) -> Floats:
        """Probabilities of scores (…, C); NaN where the model is not known to be a classifier, or has many of them.

        A mean of scores over a region does not tell the mean of probabilities: `Probe.scores_and_shares` does.
        """
        return probabilities(scores, None if self.graph.output is not None else self.meaning.link)


@dataclass(frozen=True, eq=False, kw_only=True)
class Question:
    """What to compute, checked; `stream` computes it.

    Attributes:
        model: what is explained, compiled for the size of the images.
        cache: where facts about the images are looked up and kept.
        images: what it is explained about, N images.
        columns: T targets.
        method: how, and its `params`, all of them.
        generator: the method's function with its wrappers around it.
        wrappers: settings of the wrappers in effect, by id.
        call: the layer, None for methods that see the input.
        batch_size: images in one model call; None goes by memory.
        seed: of random numbers.
        regions: which places count, one of each image, of a model that has scores for several places; else ().
    """

    model: CompiledModel
    cache: Cache
    images: Images
    columns: TargetColumns
    method: Method
    params: Mapping[str, Any]
    generator: MethodFunction
    wrappers: Mapping[str, Any]
    call: Call | None
    batch_size: int | None
    seed: int
    regions: tuple[Region, ...] = ()

    @property
    def layer(self) -> str | None:
        """Path of the layer, None for methods that see the input."""
        return self.call.path if self.call else None

    @property
    def spatial(self) -> tuple[int, int] | None:
        """The (h, w) of the layer's map."""
        return next((info.spatial for info in self.model.inspection.layers if info.path == self.layer), None)

    @property
    def samples_each(self) -> int:
        """How many images of the model's size one image is."""
        return 1

    @property
    def signed(self) -> bool:
        """Whether the maps have a meaningful sign."""
        is_kept = all(WRAPPERS[name].keeps_sign(settings) for name, settings in self.wrappers.items())
        return is_kept and self.method.is_signed(self.params)

    def part(self, rows: slice, columns: Sequence[int]) -> "Question":
        """The same about some of the images and columns."""
        is_chosen = np.zeros(len(self.images.batch), np.bool_)
        is_chosen[rows] = True
        images = self.images if is_chosen.all() else self.images.where(is_chosen)
        return replace(self, images=images, columns=self.columns.part(rows).only(columns), regions=self.regions[rows])

    @property
    def display(self) -> Display:
        """How the method's maps want to be drawn."""
        return self.method.display_for([*self.params, *self.wrappers])

    @property
    def displays(self) -> tuple[Display, ...]:
        """How the maps of each target are drawn, unless a user chooses."""
        display, sees_input = self.display, self.call is None
        # What lowers a value says as much as what raises it.
        is_value = bool(self.model.meaning.units)
        return tuple(
            display.resolved(sees_input=sees_input, signed=self.signed, contrast=is_value or c)
            for c in self.columns.contrasts
        )

    def _chunks(self, backward: bool | None, extra_bytes: int = 0) -> list[slice]:
        if backward is None:
            backward = self.method.sees != "layer"
        sample = self.model.graph.bytes_per_sample[backward] + extra_bytes
        return list(self.model.functions.budget.chunks(len(self.images.batch), sample, self.batch_size))

    def probes(self, backward: bool | None = None, extra_bytes: int = 0) -> Iterator[tuple[slice, Probe]]:
        """The images in chunks that fit the memory budget.

        Args:
            backward: whether a pass back through the whole model is made, by default if the method sees the input.
            extra_bytes: bytes per image that are needed besides.
        """
        version = self.model.weights.version()
        for rows in self._chunks(backward, extra_bytes):
            yield rows, self.probe(rows, version)

    def probe(self, rows: slice, version: int | None = None) -> Probe:
        """Some of the images, at the question's layer."""
        version = self.model.weights.version() if version is None else version
        # Two images of one colour differ in their shape alone.
        about = (version, self.model.own) if self.model.own else version
        of_images = [digest if isinstance(digest, tuple) else (digest,) for digest in self.images.digests[rows]]
        digests: list[tuple[Any, ...]] = [(about, self.images.batch.shape[1:], *digest) for digest in of_images]
        return Probe(
            self.model.graph, self.model.functions, self.cache.of_weights(version), self.images.batch[rows], self.call,
            self.spatial, digests, lambda: self.images.black[rows], self.seed, self.batch_size,
            attends=self.method.sees == "attention", beside=tuple(values[rows] for values in self.images.beside),
            region_of=(lambda probe: self._located(rows, probe)) if self.regions else None,
        )  # fmt: skip

    def _located(self, rows: slice, probe: Probe) -> LocatedRegions:
        """Which places (B, R) count in some of the images, and why none does, or ""."""
        graph, images = self.model.graph, self.images
        assert graph.output is not None
        chosen = self.regions[rows]
        needs_outcome = graph.proposals is not None or any(region.kind in ("wins", "object") for region in chosen)
        outcome = probe.outcome() if needs_outcome else None
        regions = np.zeros((len(chosen), graph.output.count), np.float32)
        reasons = [""] * len(chosen)
        for i, (region, number) in enumerate(zip(chosen, range(len(images.batch))[rows], strict=True)):
            picture = self.picture(number)
            winners = None if outcome is None else outcome.winners[i]
            try:
                if outcome is not None and outcome.boxes is not None and region.kind in NUMBERS:
                    regions[i] = overlapping(region, outcome.boxes[i], picture)
                else:
                    regions[i] = located(region, graph.output, picture, winners, graph.classes)
            except NoRegionError as error:
                reasons[i] = f"No region: {error}."
        return regions, reasons

    def picture(self, number: int) -> SeenPicture:
        """One of the images as far as the model sees it."""
        height, width = self.images.batch.shape[1:3]
        return SeenPicture(*self.images.seen_of(number), (height, width))

    def ranking(self, rows: slice, probe: Probe) -> Floats:
        """What classes of some of the images are ranked by (B, C): their scores, or where each wins, how much it does.

        Of a detector they are ranked by the mean probability of the boxes that show each, 0 for classes of no box.

        Raises:
            ModelError: the scores are no numbers.
        """
        scores = self.scores(rows, probe)
        if not self.regions:
            return scores
        ranking = scores.copy()
        outcome = probe.outcome() if any(region.kind == "wins" for region in self.regions[rows]) else None
        for i, region in enumerate(self.regions[rows]):
            if outcome is not None and region.kind == "wins":
                ranking[i] = self._won(outcome, i)
            if region.winner is not None:
                ranking[i, region.winner] = ranking[i].max() + 1
        return ranking

    def _won(self, outcome: Outcome, i: int) -> Floats:
        """How much of an image each class (C,) wins, or how probable the boxes of a detector are that show it."""
        if outcome.boxes is not None:
            return outcome.shares[i]
        winners, classes = outcome.winners[i], self.columns.classes
        return np.bincount(winners, minlength=classes)[:classes] / winners.size

    def targets(self, rows: slice, probe: Probe, ranking: Floats | None = None) -> Targets:
        """The targets of some of the images, by the `ranking` of their classes where that is known.

        Raises:
            ModelError: as in `ranking`, which is asked where a target goes by it.
        """
        columns = self.columns.part(rows)
        if ranking is None and (columns.needs_scores or self.regions):
            ranking = self.ranking(rows, probe)
        if ranking is None:
            ranking = np.zeros((rows.stop - rows.start, columns.classes), np.float32)
        targets = columns.resolve(ranking)
        if not self.regions:
            return targets
        assert self.model.graph.output is not None
        regions = tuple(map(self.model.graph.output.shown, self.regions[rows], probe.region))
        return replace(self.with_reasons(targets, rows, ranking, probe.no_region), regions=regions)

    def with_reasons(self, targets: Targets, rows: slice, ranking: Floats, located: Sequence[str]) -> Targets:
        """The targets of some of the images, but none where no place of an image counts.

        Args:
            targets: of these images.
            rows: which these are.
            ranking: of their classes, see `ranking`.
            located: why no place of an image counts whatever the class, or "".
        """
        reasons = [[why] * targets.indices.shape[1] for why in located]
        for i, column in np.ndindex(targets.indices.shape):
            lost = (targets.weights[i, column] != 0) & (ranking[i] == 0)
            if self.regions[rows][i].kind == "wins" and lost.any():
                reasons[i][column] = self._lost(self.columns.class_names[int(lost.argmax())])
        return targets.without(reasons)

    def _lost(self, name: str) -> str:
        """Why a class that wins nowhere in an image has no map there."""
        if self.model.graph.proposals is not None:
            return (
                f"Wins nowhere: no box of this image shows {name!r}. Choose a box that the model proposes, "
                "region=kx.region(box=…), and its score for this class is explained."
            )
        return (
            f"Wins nowhere: at no place of this image {name!r} is the most probable class. Choose another region, "
            'kx.region("whole") for instance.'
        )

    def scores(self, rows: slice, probe: Probe) -> Floats:
        """Scores before the final softmax or sigmoid (B, C) of some of the images.

        Raises:
            ModelError: they are no numbers; says for which images.
        """
        scores = probe.scores()
        if not np.isfinite(scores).all():
            bad = np.flatnonzero(~np.isfinite(scores).all(-1))
            names = ", ".join(self.images.names[rows][i] for i in bad[:5])
            raise ModelError(
                f"The model's scores are NaN or infinite for {names}{', …' if len(bad) > 5 else ''}. "
                "Look for weights that are NaN or infinite, and for values too large for float16."
            )
        return scores

    def probabilities(self, probe: Probe, scores: Floats) -> Floats:
        """Probabilities (B, C) of images with these scores; of a region their mean."""
        return probe.scores_and_shares()[1] if self.regions else self.model.probabilities(scores)

    def predictions(self) -> tuple[Floats, Floats]:
        """What classes are ranked by, see `ranking`, and probabilities, (N, C) each; NaN where a class wins nowhere."""
        rankings: list[Floats] = []
        probable: list[Floats] = []
        for rows, probe in self.probes():
            rankings.append(self.ranking(rows, probe))
            probable.append(self.probabilities(probe, rankings[-1]))
        return self.where_won(np.concatenate(rankings), np.concatenate(probable))

    def where_won(self, ranking: Floats, probable: Floats) -> tuple[Floats, Floats]:
        """What classes are ranked by, and their probabilities (N, C): NaN where a class wins nowhere."""
        return ranking, np.where(ranking > 0, probable, np.float32(np.nan)) if self.regions else probable

    def stream(self, version: int | None = None, *, partials: bool = True) -> Generator[Frames, None, None]:
        """Compute the answer, some images and one target at a time.

        Args:
            version: of the weights, if it was looked up just now.
            partials: whether to yield maps that will still change; without them, only the passes are counted.

        Yields:
            The maps that have changed. The end of the generator is the end of the answer; closing it cancels.

        Raises:
            ModelError: the model failed, or its scores are no numbers.
            UnsupportedMethodError: the model has not got what the method needs.
            ParameterError: the method does not yield maps, or yields maps of several sizes.
        """
        with model_failures():
            yield from self._stream(self.model.weights.version() if version is None else version, partials)

    def _stream(self, version: int, partials: bool) -> Generator[Frames, None, None]:
        chunks, groups = self._chunks(None), self.columns.groups
        done, left = 0, len(chunks) * len(groups)
        size: tuple[int, ...] | None = None
        for rows in chunks:
            probe = self.probe(rows, version)
            needs_scores = self.columns.needs_scores or self.method.sees == "layer"
            scores = self.scores(rows, probe) if needs_scores else None
            targets = self.targets(rows, probe, None if self.regions else scores)
            for columns in groups:
                total = 1
                for partial in self.partials(probe, np.ascontiguousarray(targets.weights[:, columns[0]])):
                    frames, total = (), partial.total
                    # The first pass often tells them too; what is no number is told before all others are made.
                    scores = self.scores(rows, probe) if scores is None else scores
                    if partials or partial.done == total:
                        maps = self.maps_of(partial, rows.stop - rows.start)
                        size = self._one_size(maps.shape[1:3], size)
                        probable = self.probabilities(probe, scores)
                        frames = tuple(
                            frame
                            for column in columns
                            for frame in self.frames_of(
                                rows.start, column, partial, self.of_band(maps, column), targets, scores, probable
                            )
                        )
                    yield Frames(frames, done + partial.done, done + total * left)
                done, left = done + total, left - 1

    def partials(self, probe: Probe, target: Floats) -> Iterator[Partial]:
        """What the method yields; an error in a method that a user brought names the method."""
        try:
            yield from self.generator(probe, target, **self.params)
        except Exception as error:
            if isinstance(error, KxError) or METHODS.get(self.method.id) is self.method:
                raise
            raise KxError(f"{self.method.title} ({self.method.id!r}) raised {plain(error)}") from error

    def maps_of(self, partial: Partial, images: int) -> Floats:
        """What the method yielded, as maps (B, h, w)."""
        if self.method.finish is None:
            return partial.maps
        maps = self.method.finish(partial.maps, **self.params)
        check_maps(self.method.title, maps, images, in_bands=bool(self.columns.bands))
        return maps

    def of_band(self, maps: Floats, column: int) -> Floats:
        """The maps (B, h, w) of one column among those of all bands (B, h, w, bands)."""
        return maps[..., self.columns.bands[column]] if self.columns.bands else maps

    def _one_size(self, size: tuple[int, ...], before: tuple[int, ...] | None) -> tuple[int, ...]:
        if before not in (None, size):
            sizes = " and ".join(" × ".join(map(str, sides)) for sides in (before or (), size))
            raise ParameterError(f"{self.method.title} yielded maps of {sizes}; all maps of an answer are of one size.")
        return size

    def frames_of(
        self,
        first: int,
        column: int,
        partial: Partial,
        maps: Floats,
        targets: Targets,
        scores: Floats,
        probable: Floats,
    ) -> tuple[Frame, ...]:
        """Frames of the maps (B, h, w) of one target, from image `first` on."""
        final, indices = partial.done == partial.total, targets.indices[:, column]
        absent = [row[column] for row in targets.absent]
        is_absent = np.array(absent) != ""
        maps = np.where(is_absent[:, None, None], np.float32(np.nan), maps)
        score = np.where(is_absent, np.nan, (scores * targets.weights[:, column]).sum(-1))
        chosen = probable[np.arange(len(indices)), np.maximum(indices, 0)]
        checks = {name: np.where(is_absent, np.nan, values) for name, values in partial.checks.items()}
        names = [row[column] for row in targets.names]
        notes = self._notes(maps, partial, names, score) if final else [()] * len(maps)
        if final:
            notes = [(why,) if why else note for why, note in zip(absent, notes, strict=True)]
        return tuple(
            Frame(
                image=first + i,
                column=column,
                values=np.array(maps[i], np.float32),
                score=float(score[i]),
                probability=float("nan") if indices[i] < 0 else float(chosen[i]),
                target=int(indices[i]),
                target_name=names[i],
                final=final,
                notes=notes[i],
                checks={name: float(values[i]) for name, values in checks.items()},
                done=partial.done / partial.total,
                unit=self.model.meaning.unit_of(int(indices[i])),
                region=targets.regions[i] if targets.regions else None,
            )
            for i in range(len(maps))
        )

    def _origin(self) -> str:
        """Which of a detector's boxes come from the layer, in a sentence, if not all do."""
        graph = self.model.graph
        pieces = graph.pieces if self.call is None else graph.pieces_from(self.call)
        if graph.output is None or len(pieces) == len(graph.pieces):
            return ""
        spans = " and ".join(f"{piece.first} to {piece.end - 1}" for piece in pieces)
        return f"Of the model's {graph.output.count} boxes, only boxes {spans} come from this layer. "

    def _notes(self, maps: Floats, partial: Partial, names: list[str], scores: Floats) -> list[Notes]:
        """What is to be said of each of these finished maps (B, h, w) of targets with these scores (B,)."""
        advice = self._origin() + advice_for(self.method, self.layer, self.model.inspection, METHODS)
        cautions = self.model.inspection.cautions
        caution = cautions.get(self.method.id, cautions.get(self.method.sees))
        noise = np.broadcast_to(0 if partial.noise is None else partial.noise, len(maps))
        notes: list[Notes] = []
        is_cosine = UNITS["cosine"] in self.model.meaning.units
        for values, limit, name, score in zip(maps, noise, names, scores, strict=True):
            on_values = notes_on(np.asarray(values), self.signed, float(limit), name, advice)
            if is_cosine and score > 1 - ALIKE and float(np.abs(values).max()) < ALIKE:
                on_values = (ALIKE_NOTE.format(repr(name), advice),)
            control = (f"Control: {self.method.control}",) if self.method.control else ()
            notes.append((*on_values, *control, *((caution,) if caution and not control else ())))
        return notes


def with_progress_bar(frames: Iterator[Frames]) -> Iterator[Frames]:
    """The same frames, with a progress bar that counts their passes."""
    from tqdm.auto import tqdm

    with tqdm(unit="pass") as bar:
        for each in frames:
            bar.total = each.total
            bar.update(each.done - bar.n)
            yield each
