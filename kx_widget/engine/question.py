"""A checked question about images, and the driver that answers it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kx_widget.engine.budget import Budget
from kx_widget.engine.cache import Cache
from kx_widget.engine.errors import KxError, ModelError, ParameterError, plain
from kx_widget.engine.explanation import Explanation, versions
from kx_widget.engine.functions import Functions
from kx_widget.engine.graph import Call, Graph
from kx_widget.engine.heads import Link, probabilities
from kx_widget.engine.images import Images
from kx_widget.engine.methods import METHODS
from kx_widget.engine.notes import Notes, advice_for, notes_on
from kx_widget.engine.probe import Probe
from kx_widget.engine.registry import Method, MethodFunction
from kx_widget.engine.targets import Columns
from kx_widget.engine.types import Floats, Inspection, Partial, Step
from kx_widget.engine.weights import Weights


@dataclass(frozen=True)
class Ready:
    """A model prepared for one input size."""

    graph: Graph
    functions: Functions
    inspection: Inspection
    class_names: tuple[str, ...]
    link: Link | None

    def probabilities(self, scores: Floats) -> Floats:
        """Probabilities of scores (…, C); NaN where the model is not known to be a classifier."""
        return probabilities(scores, self.link)


@dataclass
class Question:
    """What to compute, checked; `stream` computes it."""

    ready: Ready
    budget: Budget
    cache: Cache
    weights: Weights
    images: Images
    columns: Columns
    entry: Method
    fn: MethodFunction
    params: Mapping[str, Any]
    call: Call | None
    spatial: tuple[int, int] | None
    wrappers: Mapping[str, Any]
    batch_size: int | None
    seed: int
    answer: dict[str, Any] = field(default_factory=dict)

    @property
    def layer(self) -> str | None:
        """Path of the layer, None for methods that see the input."""
        return self.call.path if self.call else None

    @property
    def signed(self) -> bool:
        """Whether the maps have a meaningful sign."""
        return self.entry.is_signed(self.params)

    @property
    def wrapped(self) -> bool:
        """Whether a wrapper goes around the method."""
        return any(self.wrappers.values())

    def _chunks(self, backward: bool, beside: int = 0) -> list[slice]:
        sample = self.ready.graph.bytes_per_sample[backward] + beside
        return list(self.budget.chunks(len(self.images.batch), sample, self.batch_size))

    def probes(
        self, backward: bool | None = None, beside: int = 0, version: int | None = None
    ) -> Iterator[tuple[slice, Probe]]:
        """The images in chunks that fit the memory budget.

        Args:
            backward: whether a pass back through the whole model is made, by default if the method sees the input.
            beside: bytes per image that are needed besides.
            version: of the weights, if it was looked up just now.
        """
        version = self.weights.version() if version is None else version
        for rows in self._chunks(self.entry.sees != "layer" if backward is None else backward, beside):
            yield rows, self.probe(rows, version)

    def probe(self, rows: slice, version: int | None = None) -> Probe:
        """Some of the images, at the question's layer."""
        version = self.weights.version() if version is None else version
        digests = [(version, digest) for digest in self.images.digests[rows]]
        return Probe(
            self.ready.graph, self.ready.functions, self.cache, self.images.batch[rows], self.call,
            self.spatial, digests, lambda: self.images.black[rows], self.seed, self.batch_size,
            attends=self.entry.sees == "attention",
        )  # fmt: skip

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

    def stream(self, version: int | None = None) -> Iterator[Step]:
        """Partial answers, the last one whole; `version` is that of the weights, if it was looked up just now."""
        n, t = len(self.images.batch), len(self.columns.texts)
        scores = np.full((n, t), np.nan, np.float32)
        indices = np.full((n, t), -1, np.int64)
        probabilities = np.full((n, t), np.nan, np.float32)
        complete = np.zeros((n, t), np.bool_)
        names: list[tuple[str, ...]] = [()] * n
        notes: list[list[Notes]] = [[()] * t for _ in range(n)]
        checks: dict[str, Floats] = {}
        maps: Floats | None = None
        self.answer = {"indices": indices, "probabilities": probabilities, "names": names, "checks": checks}
        self.answer["notes"] = notes
        done, chunks = 0, len(self._chunks(self.entry.sees != "layer"))
        for rows, probe in self.probes(version=version):
            all_scores = self.scores(rows, probe) if self._needs_scores() else None
            known = np.zeros((rows.stop - rows.start, self.columns.classes), np.float32)
            targets = self.columns.part(rows).resolve(known if all_scores is None else all_scores)
            indices[rows], names[rows] = targets.indices, list(targets.names)
            for column in range(t):
                target = np.ascontiguousarray(targets.weights[:, column])
                passes = 0
                for partial in self._partials(probe, target):
                    found = self._maps(partial, rows.stop - rows.start)
                    if maps is None:
                        maps = np.full((n, t, *found.shape[1:]), np.nan, np.float32)
                    maps[rows, column] = found
                    for name, values in partial.checks.items():
                        checks.setdefault(name, np.full((n, t), np.nan, np.float32))[rows, column] = values
                    if all_scores is None:
                        all_scores = self.scores(rows, probe)
                    self._note(scores, probabilities, all_scores, targets, rows, column)
                    passes = partial.total
                    total = passes * t * chunks
                    complete[rows, column] = partial.done == partial.total
                    if partial.done == partial.total:
                        for i, said in enumerate(self._said(found, partial, targets.names, column), rows.start):
                            notes[i][column] = said
                    yield Step(maps.copy(), scores.copy(), done + partial.done, total, complete.copy())
                done += passes

    def _partials(self, probe: Probe, target: Floats) -> Iterator[Any]:
        """What the method yields; what goes wrong in one that a user brought is told as that."""
        try:
            found: Any = self.fn(probe, target, **self.params)
            if not isinstance(found, Iterable):
                raise ParameterError(
                    f"{self.entry.title} returned {type(found).__name__}; it must yield kx.Partial(maps)."
                )
            yield from found
        except Exception as error:
            if isinstance(error, KxError) or METHODS.get(self.entry.id) is self.entry:
                raise
            raise KxError(f"{self.entry.title} ({self.entry.id!r}) raised {plain(error)}") from error

    def _maps(self, partial: Any, images: int) -> Floats:
        """What a method yielded, as maps."""
        if not isinstance(partial, Partial):
            raise ParameterError(
                f"{self.entry.title} yielded {type(partial).__name__}; wrap its maps: kx.Partial(maps)."
            )
        maps = partial.maps if self.entry.finish is None else self.entry.finish(partial.maps, **self.params)
        if np.ndim(maps) != 3 or len(maps) != images:
            raise ParameterError(
                f"{self.entry.title} yielded maps of shape {np.shape(maps)}; it was asked for (images, height, width)"
                f" with {images} images."
            )
        return maps

    def _said(self, maps: Floats, partial: Partial, names: Any, column: int) -> Iterator[Notes]:
        """What is to be said of each of these finished maps (B, h, w)."""
        advice = advice_for(self.entry, self.layer, self.ready.inspection, METHODS)
        cautions = self.ready.inspection.cautions
        caution = cautions.get(self.entry.id, cautions.get(self.entry.sees))
        noise = np.zeros(len(maps)) if partial.noise is None else partial.noise
        for values, limit, name in zip(maps, noise, names, strict=True):
            on_values = notes_on(np.asarray(values), self.signed, float(limit), name[column], advice)
            yield (*on_values, caution) if caution else on_values

    def _needs_scores(self) -> bool:
        return self.columns.needs_scores or self.entry.sees == "layer"

    def _note(
        self,
        scores: Floats,
        probabilities: Floats,
        all_scores: Floats,
        targets: Any,
        rows: slice,
        column: int,
    ) -> None:
        scores[rows, column] = (all_scores * targets.weights[:, column]).sum(-1)
        indices = targets.indices[:, column]
        chosen = self.ready.probabilities(all_scores)[np.arange(len(indices)), np.maximum(indices, 0)]
        probabilities[rows, column] = np.where(indices < 0, np.nan, chosen)

    def explanation(self, step: Step, seconds: float) -> Explanation:
        """The whole answer, once `stream` has ended with `step`."""
        used = {name: value for name, value in self.wrappers.items() if value}
        notes: list[list[Notes]] = self.answer["notes"]
        return Explanation(
            maps=step.maps,
            scores=step.scores,
            probabilities=self.answer["probabilities"],
            targets=self.answer["indices"],
            target_names=tuple(self.answer["names"]),
            method=self.entry.id,
            layer=self.layer,
            params={**self.params, **used},
            signed=self.signed,
            seconds=seconds,
            versions=versions(),
            checks=dict(self.answer["checks"]),
            images=self.images.seen(),
            names=self.images.names,
            notes=tuple(map(tuple, notes)) if any(map(any, notes)) else (),
        )


def with_bar(steps: Iterator[Step]) -> Iterator[Step]:
    """The same steps, with a progress bar that counts their passes."""
    from tqdm.auto import tqdm

    with tqdm(unit="pass") as bar:
        for step in steps:
            bar.total = step.total
            bar.update(step.done - bar.n)
            yield step
