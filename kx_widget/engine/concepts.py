"""Concepts: the few parts that the activations of many images are made of, and what a class loses without each."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kx_widget.engine.errors import ModelError, ParameterError
from kx_widget.engine.factorisation import factorise, relative_error, weights_of
from kx_widget.engine.figures import percent
from kx_widget.engine.parameters import check_params
from kx_widget.engine.plots import empty_figure
from kx_widget.engine.probe import Probe
from kx_widget.engine.question import Question, model_failures
from kx_widget.engine.regions import connected_to
from kx_widget.engine.tiled import REFUSED, TiledQuestion
from kx_widget.engine.types import Floats, Parameter

MOST_CONCEPTS = 16
# Numbers that are factorised at once, 256 MiB; of more a part is drawn.
MOST_NUMBERS = 2**26
# How many typical parts are told of a concept; how strong they are at least, beside the strongest; how long a side is
# at least, in parts of the picture.
TYPICAL, STRONG, SHORTEST = 6, 0.25, 0.25
# Concepts that hold less of the activations, or keep less of the predicted classes, are said to be poor.
POOR_SHARE, POOR_AGREEMENT = 0.5, 0.8
CONCEPT_PARAMETERS = (
    Parameter("concepts", "int", 8, "How many parts to look for.", minimum=1, maximum=MOST_CONCEPTS),
    Parameter("seed", "int", 0, "Of random numbers.", minimum=0),
)


@dataclass(frozen=True)
class TypicalPart:
    """Where a concept is strongest in an image.

    Attributes:
        image: its number.
        box: (x0, y0, x1, y1) in fractions of what the model sees.
        strength: of the concept at the strongest cell.
    """

    image: int
    box: tuple[float, float, float, float]
    strength: float


@dataclass(frozen=True, eq=False)
class Concepts:
    """The parts that a layer's activations in N images are made of; equal to nothing but itself.

    Activations (K,) of each cell are approximately Σ_g maps_g directions_g. Concepts have no names: whether one means
    anything to people has to be seen in the pictures. The first ones hold most of the activations.

    Attributes:
        layer: its path.
        maps: float32 (N, G, h, w), how much of each concept is in each cell; never below 0.
        directions: float32 (G, K), of length 1; not below 0 where activations are not.
        losses: float32 (N, G, C), what each class's score before the softmax or sigmoid loses in each image when the
            concept is taken out of the activations: S_c(A) − S_c(A − maps_g directions_g). Before a linear head these
            are what is lost of Â = Σ_g maps_g directions_g, too; elsewhere Â may be too far from A to tell.
        shown: bool (N, C), in which images each class is predicted, or wins somewhere.
        error: ‖A − Â‖ / ‖A‖ over all images, NaN where A is 0.
        kept: in how many of the images the predicted class is the same with Â in the place of A; None where there is no
            such thing.
        typical: of each concept the parts of the images where it is strongest.
        images: uint8 (N, H, W, 3), what the model saw.
        class_names: C of them.
        signed: whether activations have both signs, and the factorisation is semi-non-negative.
        notes: sentences on what these concepts fail to say.
    """

    layer: str
    maps: Floats
    directions: Floats
    losses: Floats
    shown: NDArray[np.bool_]
    error: float
    kept: int | None
    typical: tuple[tuple[TypicalPart, ...], ...]
    images: NDArray[np.uint8]
    class_names: tuple[str, ...]
    signed: bool
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        n, g, h, w = self.maps.shape
        return f"Concepts({g} at {self.layer!r} in {n} images, maps of {h} × {w}; {self.sentence})"

    @property
    def names(self) -> tuple[str, ...]:
        """Numbers in words: nobody has named what they show."""
        return tuple(f"concept {number + 1}" for number in range(len(self.directions)))

    @property
    def importance(self) -> Floats:
        """What each class loses without each concept (G, C): the mean of `losses` over the images that show the class.

        Of a class that none shows, over all images.
        """
        images = np.where(self.shown.any(0), self.shown, True).astype(np.float32)
        return np.einsum("ngc,nc->gc", self.losses, images / images.sum(0))

    @property
    def share(self) -> float:
        """Which part of the activations' energy Σ A² the concepts hold, NaN where there is none."""
        return 1 - self.error**2

    @property
    def sentence(self) -> str:
        """How well they stand for the activations, in words."""
        if np.isnan(self.error):
            return "the layer is 0 everywhere"
        many = len(self.directions)
        return f"{many} concept{'s hold' if many > 1 else ' holds'} {percent(self.share)} of what the layer tells"

    def plot(self) -> Any:
        """A matplotlib figure of the parts of the images that are most typical of each concept, one row a concept.

        Raises:
            MissingPackageError: matplotlib is missing: install the extra `plot`.
        """
        figure = empty_figure(1.6 * TYPICAL, 1.9 * len(self.typical))
        table = figure.subplots(len(self.typical), TYPICAL, squeeze=False)
        for name, row, parts in zip(self.names, table, self.typical, strict=True):
            for place, axes in enumerate(row):
                axes.set_axis_off()
                if place < len(parts):
                    axes.imshow(self.crop(parts[place]))
                    axes.set_title(f"image {parts[place].image}", fontsize=8)
            row[0].text(0, 1.25, name, transform=row[0].transAxes, fontsize=9, weight="bold")
        figure.suptitle(f"{self.layer}: {self.sentence}", fontsize=9)
        return figure

    def crop(self, part: TypicalPart) -> NDArray[np.uint8]:
        """The pixels (h, w, 3) of a typical part, as the model saw them."""
        height, width = self.images.shape[1:3]
        x0, y0, x1, y1 = part.box
        rows, columns = (
            slice(int(a * n), max(int(a * n) + 1, round(b * n))) for a, b, n in ((y0, y1, height), (x0, x1, width))
        )
        return self.images[part.image, rows, columns]


def concepts_of(
    question: Question, settings: dict[str, Any], earlier: Concepts | None = None, progress: bool = False
) -> Concepts:
    """What `find_concepts` returns, with a progress bar if asked."""
    from tqdm.auto import tqdm

    search = find_concepts(question, settings, earlier)
    with model_failures(), tqdm(total=1, unit="part", disable=not progress) as bar:
        while True:
            try:
                done = next(search)
            except StopIteration as end:
                return end.value
            bar.update(done - bar.n)


def find_concepts(
    question: Question, settings: dict[str, Any], earlier: Concepts | None = None
) -> Generator[float, None, Concepts]:
    """Look for the parts that activations in the images of a question are made of.

    It takes no pass through the model where activations are kept, and one pass of the head an image and concept.

    Args:
        question: about classes, at a layer with a map.
        settings: those of `CONCEPT_PARAMETERS`.
        earlier: concepts whose directions are looked for, instead of others.

    Yields:
        How much is done, 0 to 1.

    Returns:
        The concepts.

    Raises:
        ParameterError: a setting out of its range, or another layer's concepts.
        ModelError: activations are no numbers.
    """
    defaults = {parameter.name: parameter.default for parameter in CONCEPT_PARAMETERS}
    concepts, seed = check_params("concepts", CONCEPT_PARAMETERS, defaults | settings).values()
    if isinstance(question, TiledQuestion):
        raise ParameterError(REFUSED)
    if question.spatial is None or question.layer is None:
        raise ParameterError(f"{question.layer or 'The model'} has no map.")
    if earlier is None:
        a = _activations(question, seed)
        _check_rank(concepts, a, question.layer)
        directions, signed = np.zeros((0, 0), np.float32), bool((a < 0).any())
        for number, factors in enumerate(factorise(a, concepts, seed)):
            directions = factors.directions
            yield 0.5 * number / (number + 10)
        del a
    else:
        directions, signed = earlier.directions, earlier.signed
        if earlier.layer != question.layer:
            raise ParameterError(f"These are concepts of the layer {earlier.layer!r}, not of {question.layer!r}.")
    parts: list[_Part] = []
    images = len(question.images.batch)
    for rows, probe in question.probes(backward=False, extra_bytes=4 * directions.size):
        for done, part in _measured(question, rows, probe, directions):
            if part is not None:
                parts.append(part)
            yield 0.5 + 0.5 * (rows.start + done * (rows.stop - rows.start)) / images
    return _joined(question, directions, signed, parts)


@dataclass(frozen=True)
class _Part:
    """What is known of some of the images; `squares` are ‖A − Â‖² and ‖A‖², `kept` whether Â has A's class (B,)."""

    maps: Floats
    losses: Floats
    shown: NDArray[np.bool_]
    squares: tuple[float, float]
    kept: NDArray[np.bool_]


def _activations(question: Question, seed: int) -> Floats:
    """Activations (n, K) of the cells of all images, or of as many of them as can be factorised, drawn by the seed.

    Raises:
        ModelError: they are no numbers.
    """
    assert question.spatial is not None
    rng, parts = np.random.default_rng(seed), list[Floats]()
    for _, probe in question.probes(backward=False):
        a = probe.activations()
        if not np.isfinite(a).all():
            raise ModelError(f"Activations of {question.layer!r} are NaN or infinite: choose another layer.")
        a = a.reshape(-1, a.shape[-1])
        most = MOST_NUMBERS * len(probe.x) // (len(question.images.batch) * a.shape[1])
        parts.append(a if len(a) <= most else a[np.sort(rng.choice(len(a), max(1, most), replace=False))])
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _check_rank(concepts: int, a: Floats, layer: str) -> None:
    if concepts > min(a.shape):
        raise ParameterError(
            f"concepts={concepts}: {layer!r} has {a.shape[1]} channels, and these images {len(a)} cells of it; look "
            f"for {min(a.shape)} concepts at most, or choose another layer."
        )


def _measured(
    question: Question, rows: slice, probe: Probe, directions: Floats
) -> Iterator[tuple[float, _Part | None]]:
    """What concepts there are in some of the images, and what classes lose without each; how much is done, and it."""
    a = probe.activations()
    flat = a.reshape(-1, a.shape[-1])
    w = weights_of(flat, directions)
    scores, of_concepts = probe.scores(), probe.scores_from((w.T @ directions).reshape(a.shape))
    yield 0.0, None
    maps = w.reshape(len(w), *a.shape[:3]).swapaxes(0, 1)
    losses = np.zeros((len(a), len(w), scores.shape[1]), np.float32)
    for concept, direction in enumerate(directions):
        # Of images that have none of it nothing is lost.
        has = np.flatnonzero(maps[:, concept].any((1, 2)))
        if len(has):
            less = a[has] - maps[has, concept, :, :, None] * direction
            losses[has, concept] = scores[has] - probe.scores_from(less, has)
        yield (concept + 1) / (len(w) + 1), None
    ranking = question.ranking(rows, probe)
    shown = ranking > 0 if question.regions else ranking == ranking.max(1, keepdims=True)
    norm = float(np.linalg.norm(flat))
    error = relative_error(flat, w, directions) * norm if norm else 0.0
    kept = of_concepts.argmax(1) == ranking.argmax(1)
    yield 1.0, _Part(np.ascontiguousarray(maps), losses, shown, (error**2, norm**2), kept)


def _joined(question: Question, directions: Floats, signed: bool, parts: Sequence[_Part]) -> Concepts:
    maps = np.concatenate([part.maps for part in parts])
    residual, energy = np.sum([part.squares for part in parts], 0)
    is_class = not question.regions and not question.model.meaning.units and question.columns.classes > 1
    concepts = Concepts(
        layer=question.layer or "",
        maps=maps,
        directions=directions,
        losses=np.concatenate([part.losses for part in parts]),
        shown=np.concatenate([part.shown for part in parts]),
        error=float(np.sqrt(residual / energy)) if energy else float("nan"),
        kept=int(np.concatenate([part.kept for part in parts]).sum()) if is_class else None,
        typical=tuple(tuple(_typical(maps[:, concept])) for concept in range(len(directions))),
        images=question.images.pixels,
        class_names=question.model.class_names,
        signed=signed,
        notes=(),
    )
    return replace(concepts, notes=tuple(_notes(concepts, question.images.names)))


def _typical(maps: Floats) -> Iterator[TypicalPart]:
    """The parts of different images where a concept with these maps (N, h, w) is strongest, the strongest first."""
    peaks = maps.max((1, 2))
    for image in np.argsort(-peaks, kind="stable")[:TYPICAL].tolist():
        if peaks[image] <= STRONG * peaks.max():
            return
        of_image = maps[image]
        row, column = (int(at) for at in np.unravel_index(of_image.argmax(), of_image.shape))
        part = connected_to(of_image >= peaks[image] / 2, (row, column))
        (top, bottom), (left, right) = (
            _side(np.flatnonzero(part.any(axis)), length)
            for axis, length in ((1, of_image.shape[0]), (0, of_image.shape[1]))
        )
        yield TypicalPart(image, (left, top, right, bottom), float(peaks[image]))


def _side(cells: Any, length: int) -> tuple[float, float]:
    """From where to where a part lies along one side, in fractions of it, a little more where it is short."""
    start, end = cells[0] / length, (cells[-1] + 1) / length
    middle, half = (start + end) / 2, max(end - start, SHORTEST) / 2
    start = min(max(0.0, middle - half), 1 - 2 * half)
    return float(start), float(start + 2 * half)


def _notes(concepts: Concepts, names: Sequence[str]) -> Iterator[str]:
    """What the concepts fail to say."""
    if np.isnan(concepts.error):
        yield f"No concepts: {concepts.layer!r} is 0 everywhere in these images. Choose another layer."
        return
    many = len(concepts.directions)
    if concepts.share < POOR_SHARE:
        yield (
            f"Poor: {concepts.sentence}. What is in none of them cannot be seen here; look for more concepts, or in "
            "fewer images that are more alike."
        )
    images = len(concepts.maps)
    if concepts.kept is not None and concepts.kept < POOR_AGREEMENT * images:
        yield (
            f"Rough: with the concepts alone in the place of what the layer tells, the predicted class stays "
            f"the same in only {concepts.kept} of {images} images. What is in none of them counts."
        )
    if empty := [number + 1 for number in range(many) if not concepts.maps[:, number].any()]:
        yield f"Empty: concept {', '.join(map(str, empty))}; the activations have fewer parts."
    if blank := [name for name, maps in zip(names, concepts.maps, strict=True) if not maps.any()]:
        yield f"No concept: {', '.join(blank[:5])}{', …' if len(blank) > 5 else ''} has none of them."
