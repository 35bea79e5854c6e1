"""Interventions: what becomes of a class when what its images have in common is covered, or pasted elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kx_widget.bulk.arrow import pc
from kx_widget.bulk.loader import load_readable
from kx_widget.bulk.sources import file_of
from kx_widget.bulk.store import Store
from kx_widget.bulk.suspicions import Suspicion
from kx_widget.engine.cache import digest
from kx_widget.engine.channel_relevance import relevance_maps
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.figures import counted, fixed, percent
from kx_widget.engine.images import Images
from kx_widget.engine.postprocess import resize
from kx_widget.engine.statistics import bootstrap
from kx_widget.engine.types import Box, Floats, Ints

Verdict = Literal["confirmed", "not confirmed", "not testable"]
# Sides of the part that is covered, as shares of the picture's; the smallest that holds enough evidence is taken.
SIDES = (0.125, 0.16, 0.2, 0.25, 0.32)
HELD = 0.6
# Equally large parts elsewhere in the same image.
CONTROLS = 2
# Corners among which each of them is chosen.
DRAWN = 64
# Images of other classes that the part is pasted into.
HOSTS = 32
LEAST_IMAGES = 4
# What covering all takes from the score must be so much of it, for anything to be told by covering.
LEAST_REACH = 0.1
# How much more than parts elsewhere covering and pasting must do, and how much more than what others of the class show.
COVERED, PASTED, BEYOND = 0.1, 0.2, 0.3
SHOWN = 6


class Effect(NamedTuple):
    """What an intervention does, what it does to equally large parts, and the difference with its interval of 95 %."""

    mean: float
    control: float
    difference: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class PastedPicture:
    """A picture (H, W, 3) into which the part was pasted, and what it was predicted to be before and after."""

    pixels: NDArray[np.uint8]
    before: str
    after: str


@dataclass(frozen=True, eq=False)
class Trial:
    """What interventions say of a suspicion.

    Attributes:
        verdict: in a word or two.
        why: in sentences.
        members, hosts: how many images were covered, and pasted into.
        covered: shares of what speaks for the class that are lost by covering the part.
        pasted: shares of the hosts that become the class.
        usual: the same, compared with an equally large part of what the others of the class show.
        boxes: the part of each member, by its row in the store.
        pictures: some of the hosts.
    """

    verdict: Verdict
    why: str
    members: int = 0
    hosts: int = 0
    covered: Effect | None = None
    pasted: Effect | None = None
    usual: Effect | None = None
    boxes: dict[int, Box] = field(default_factory=dict[int, Box])
    pictures: tuple[PastedPicture, ...] = ()


@dataclass(frozen=True, eq=False)
class TestedSuspicion:
    """A suspicion, and what became of it."""

    suspicion: Suspicion
    trial: Trial

    def facts(self) -> dict[str, Any]:
        """What is known of it, as JSON can hold it; NaN is None."""
        s, trial = self.suspicion, self.trial
        effects = {
            name: effect and effect._asdict()
            for name, effect in (("covered", trial.covered), ("pasted", trial.pasted), ("usual", trial.usual))
        }
        numbers = {
            "share": s.share, "tightness": s.tightness, "class_tightness": s.class_tightness, "wrong": s.wrong,
            "others_wrong": s.others_wrong,
        }  # fmt: skip
        known = {name: None if np.isnan(value) else value for name, value in numbers.items()}
        return {
            "target": s.target, "target_name": s.target_name, "verdict": trial.verdict, "why": trial.why,
            "images": len(s.rows), **known, **effects, "members": trial.members, "hosts": trial.hosts,
            "rows": s.rows.tolist(),
        }  # fmt: skip

    def examples(self, most: int) -> list[int]:
        """The rows of the images that show it best, those that were tested where any was."""
        boxes = self.trial.boxes
        return [int(row) for row in self.suspicion.rows if not boxes or int(row) in boxes][:most]

    @property
    def description(self) -> str:
        """Who is suspected, and why."""
        s = self.suspicion
        text = f"{counted(len(s.rows), 'image')} taken for {s.target_name}, {percent(s.share)} of all these"
        if not np.isnan(s.wrong):
            text += f"; {percent(s.wrong)} of them are predicted wrong, of the others {percent(s.others_wrong)}"
        return f"{text}; evidence alike by {fixed(s.tightness)}, in the whole class by {fixed(s.class_tightness)}."


def not_testable(why: str) -> Trial:
    """No verdict, and why there is none."""
    return Trial("not testable", why)


class Interventions:
    """Tests suspicions on the images of a store.

    Args:
        explainer: of the model that was explained.
        store: which tells the files of the images.
        cover: what covers, see `Explainer.what_if`.
        members: images of a suspicion that are tested; if there are more, so many of them are drawn.
        seed: of what is drawn.
    """

    def __init__(self, explainer: Explainer, store: Store, cover: str, members: int, seed: int) -> None:
        self._explainer = explainer
        self._store = store
        self._cover = cover
        self._members = members
        self._seed = seed

    def trial(self, suspicion: Suspicion) -> Trial:
        """Cover what the members have beyond the others of their class, paste it elsewhere, and compare."""
        rng = np.random.default_rng((self._seed, suspicion.target, int(suspicion.rows[0])))
        rows, images = self._load(suspicion.rows, self._members, rng)
        if images is None or len(rows) < LEAST_IMAGES:
            return not_testable("The files of its images are not there any more, or cannot be read.")
        maps = self._maps(images, suspicion.target, suspicion.weights)
        if not maps.any():
            return not_testable("What its images have in common is nowhere in them: less speaks against the class.")
        parts = Parts.of(maps, rng)
        boxes = {int(row): parts.box(i) for i, row in enumerate(rows)}
        covered = self._covered(images, suspicion.target, parts)
        if covered is None:
            return not_testable("Covering the whole picture leaves the score as high: choose another cover.")
        hosts, others = self._hosts(suspicion.target, rng), self._load(suspicion.others, self._members, rng)[1]
        if hosts is None or others is None:
            why = "There are too few images of other classes to paste it into, or of its own to compare with."
            return Trial("not testable", why, len(rows), 0, covered, boxes=boxes)
        usual = Parts.of(self._maps(others, suspicion.target, np.ones_like(suspicion.weights)), rng, parts.sides)
        patches = [(images, parts, number) for number in range(1 + CONTROLS)]
        flips, pictures = self._pasted(hosts, suspicion.target, [*patches, (others, usual, 0)])
        pasted, beyond = _effect(flips[0], flips[1:-1].mean(0)), _effect(flips[0], flips[-1])
        verdict, why = _verdict(suspicion.target_name, covered, pasted, beyond)
        return Trial(verdict, why, len(rows), len(hosts.batch), covered, pasted, beyond, boxes, pictures)

    def _load(self, rows: Ints, most: int, rng: np.random.Generator) -> tuple[Ints, Images | None]:
        """Up to so many of these rows whose images can be read, and the images."""
        if len(rows) > most:
            rows = rows[np.sort(rng.choice(len(rows), most, replace=False))]
        paths = [file_of(row["id"]) for row in self._store.rows(rows, ["id"])]
        problems, images = load_readable(self._explainer, paths, self._store.beside(rows))
        return rows[np.array([not problem for problem in problems], bool)], images

    def _maps(self, images: Images, target: int, weights: Floats) -> Floats:
        """Where what these channels (K,) contribute to the class lies (N, H, W), at least 0."""
        question = self._explainer.ask(images, target, method="hirescam", layer=self._store.job["layer"])
        maps = relevance_maps(question, weights[None])[:, 0, 0]
        return np.maximum(resize(maps, images.batch.shape[1:3]), 0)

    def _covered(self, images: Images, target: int, parts: Parts) -> Effect | None:
        """The share of the score that goes when the part is covered; None where covering all leaves it."""
        masks = np.concatenate([parts.masks, np.ones_like(parts.masks[:, :1])], 1)
        before = self._explainer.uncovered(images)[0][:, target]
        after = self._explainer.what_if(images, masks, self._cover)[0][:, :, target]
        reach = before - after[:, -1]
        tells = reach > LEAST_REACH * np.abs(before)
        if tells.sum() < LEAST_IMAGES:
            return None
        lost = (before[:, None] - after)[tells] / reach[tells, None]
        return _effect(lost[:, 0], lost[:, 1:-1].mean(1))

    def _hosts(self, target: int, rng: np.random.Generator) -> Images | None:
        """Some images that are predicted to be something else, and are not known to be of the class."""
        column, predicted, label = pc.field("column"), pc.field("predicted"), pc.field("label")
        others = (column == 0) & (predicted != target) & (label.is_null() | (label != target))
        rows, images = self._load(self._store.select(others), HOSTS, rng)
        return None if len(rows) < LEAST_IMAGES else images

    def _pasted(
        self, hosts: Images, target: int, patches: Sequence[tuple[Images, Parts, int]]
    ) -> tuple[Floats, tuple[PastedPicture, ...]]:
        """Which hosts become the class (patches, hosts) when windows of other images are pasted into them.

        All go to where the first of them is; pictures are of that one.
        """
        first = patches[0][1]
        before = self._explainer.predict(hosts)[0].argmax(-1)
        pictures, after = [], []
        for images, parts, number in patches:
            pixels, batch = hosts.pixels.copy(), hosts.batch.copy()
            for i in range(len(batch)):
                place, source = i % len(first.corners), i % len(parts.corners)
                window, part = first.window(place, 0), parts.window(source, number)
                pixels[i][window], batch[i][window] = images.pixels[source][part], images.batch[source][part]
            pictures.append(pixels)
            # What the model gets may be more than pictures of 8 bits.
            pasted = replace(hosts, batch=batch, pixels=pixels, digests=tuple(map(digest, batch)))
            after.append(self._explainer.predict(pasted.with_beside(hosts.beside))[0].argmax(-1))
        names = self._explainer.class_names
        shown = tuple(
            PastedPicture(pictures[0][i], names[before[i]], names[after[0][i]])
            for i in range(min(SHOWN, len(hosts.batch)))
        )
        return np.array([labels == target for labels in after], np.float32), shown


class Parts(NamedTuple):
    """Windows of one size in images: of each, the one that holds most evidence, and others to compare with.

    `corners` are the top left ones (N, 1 + CONTROLS, 2) in pixels of images of `size` (H, W), `sides` (h, w) those of
    all windows.
    """

    corners: Ints
    sides: tuple[int, int]
    size: tuple[int, int]

    @classmethod
    def of(cls, maps: Floats, rng: np.random.Generator, sides: tuple[int, int] | None = None) -> Parts:
        """The smallest windows that hold enough of maps (N, H, W), or else the largest; or windows of these sides."""
        _, height, width = maps.shape
        totals = np.maximum(maps.sum((1, 2)), np.finfo(np.float32).tiny)
        sizes = [(max(1, round(side * height)), max(1, round(side * width))) for side in SIDES]
        corners = np.zeros((len(maps), 2), np.int64)
        for tried in sizes if sides is None else (sides,):
            sides = tried
            held = window_sums(maps, tried)
            best = held.reshape(len(maps), -1).argmax(-1)
            corners = np.stack(np.unravel_index(best, held.shape[1:]), -1)
            if np.median(held.reshape(len(maps), -1).max(-1) / totals) >= HELD:
                break
        assert sides is not None
        others = [[elsewhere(corner, sides, (height, width), rng) for _ in range(CONTROLS)] for corner in corners]
        return cls(np.concatenate([corners[:, None], np.array(others)], 1), sides, (height, width))

    def window(self, image: int, number: int) -> tuple[slice, slice]:
        """Rows and columns of a window: number 0 holds the evidence."""
        top, left = self.corners[image, number].tolist()
        return slice(top, top + self.sides[0]), slice(left, left + self.sides[1])

    def box(self, image: int) -> Box:
        """The window that holds the evidence, in fractions of the image."""
        rows, columns = self.window(image, 0)
        height, width = self.size
        return columns.start / width, rows.start / height, columns.stop / width, rows.stop / height

    @property
    def masks(self) -> NDArray[np.bool_]:
        """All windows as masks (N, 1 + CONTROLS, H, W)."""
        masks = np.zeros((*self.corners.shape[:2], *self.size), bool)
        for image, number in np.ndindex(*self.corners.shape[:2]):
            masks[image, number][self.window(image, number)] = True
        return masks


def window_sums(maps: Floats, sides: tuple[int, int]) -> Floats:
    """Sums (N, H − h + 1, W − w + 1) of maps (N, H, W) over all windows of h × w."""
    h, w = sides
    table = np.pad(maps.astype(np.float64).cumsum(1).cumsum(2), ((0, 0), (1, 0), (1, 0)))
    return table[:, h:, w:] - table[:, :-h, w:] - table[:, h:, :-w] + table[:, :-h, :-w]


def elsewhere(corner: Ints, sides: tuple[int, int], size: tuple[int, int], rng: np.random.Generator) -> Ints:
    """The corner of a window that does not touch another one, or as little as can be."""
    drawn = np.stack([rng.integers(0, length - side + 1, DRAWN) for side, length in zip(sides, size, strict=True)], -1)
    shared = np.maximum(np.array(sides) - np.abs(drawn - corner), 0).prod(-1)
    return drawn[shared.argmin()]


def _effect(values: Any, controls: Any) -> Effect:
    difference, low, high = bootstrap(values - controls)
    return Effect(float(np.mean(values)), float(np.mean(controls)), difference, low, high)


def _verdict(name: str, covered: Effect, pasted: Effect, usual: Effect) -> tuple[Verdict, str]:
    loses = covered.low > 0 and covered.difference >= COVERED
    carries = pasted.low > 0 and pasted.difference >= PASTED
    stands_out = usual.low > 0 and usual.difference >= BEYOND
    why = [
        f"Covering this part takes {_percent(covered.mean)} of what speaks for {name}, an equally large part elsewhere "
        f"{_percent(covered.control)}.",
        f"Pasted into images of other classes, it turns {_percent(pasted.mean)} of them into {name}; an equally large "
        f"part from elsewhere {_percent(pasted.control)}, of what others of the class show {_percent(usual.control)}.",
    ]
    if loses and carries and not stands_out:
        why.append(
            "So it does hardly more than what the others show: rather another look of the class than a shortcut."
        )
    return "confirmed" if loses and carries and stands_out else "not confirmed", " ".join(why)


def _percent(part: float) -> str:
    return f"−{percent(-part)}" if part < 0 else percent(part)
