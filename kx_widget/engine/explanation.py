"""The answer: raw maps, and ways to look at, keep and share them."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kx_widget.engine.display import ChosenSign, Display
from kx_widget.engine.drawing import (
    COLORMAP,
    FAINT,
    UNLIKELY,
    Photo,
    Style,
    blend,
    contact_sheet,
    encode,
    html_cell,
    with_borders,
)
from kx_widget.engine.errors import FormatError, MissingPackageError, ParameterError
from kx_widget.engine.figures import fixed, percent
from kx_widget.engine.files import read_arrays, shared_names, writable, write_arrays, write_whole
from kx_widget.engine.heads import unit_of
from kx_widget.engine.lazy_modules import keras, tf
from kx_widget.engine.notes import heading_of, labelled, marked
from kx_widget.engine.plots import empty_figure
from kx_widget.engine.postprocess import Scale, apply_scale, apply_sign, resize
from kx_widget.engine.regions import Region
from kx_widget.engine.subjects import WHERE, Subject
from kx_widget.engine.targets import is_of_several
from kx_widget.engine.types import Floats, Ints, Notes
from kx_widget.version import __version__

ARRAYS = ("maps", "scores", "probabilities", "targets", "images")


@dataclass(frozen=True, eq=False)
class Explanation:
    """Maps of N images and T targets; equal to nothing but itself.

    Attributes:
        maps: float32 (N, T, h, w), raw: signed where the method is, of its own resolution, not rectified.
        scores: float32 (N, T), before the final softmax or sigmoid; a difference for a contrast.
        probabilities: float32 (N, T); NaN for a contrast or a model not known to be a classifier.
        targets: int (N, T), −1 for a contrast.
        target_names: N × T names.
        method: id of the method.
        layer: path of the layer, None for methods that see the input.
        params: the method's parameters, and `smooth` or `tta` settings.
        signed: whether the maps have a meaningful sign.
        seconds: how long it took.
        versions: of kx_widget, keras and tensorflow.
        checks: by name, float32 (N, T): what the method can say of its own exactness.
        images: uint8 (N, H, W, 3), what the model saw.
        names: of the images, N: their paths, or where they were in what was given.
        notes: N × T × sentences: what a map fails to say, see `engine.notes`; () where all can speak for themselves.
        display: how the method's maps want to be drawn.
        done: float32 (N, T), 0 to 1: how much of each map's passes was made where the answer was cancelled or is still
            being computed; None where all are whole. A map that was not begun is NaN.
        evidence: by name of a column of `EVIDENCE`, float32 (N, T): how far each map can be believed, NaN where it
            cannot be told; {} where nobody asked.
        regions: which places of the output count, one of each image; () for models of one score per class. Scores and
            probabilities are then means over them.
        units: of the values that a regression tells, one a value, "" where it has none; () for the scores of classes.
            Of a value a map shows what raises it and, below 0, what lowers it.
        own: the targets of one's own that are explained, which files do not keep; () where these are classes.
        model: its name where several are compared, else "".
    """

    maps: Floats
    scores: Floats
    probabilities: Floats
    targets: Ints
    target_names: tuple[tuple[str, ...], ...]
    method: str
    layer: str | None
    params: Mapping[str, Any]
    signed: bool
    seconds: float
    versions: Mapping[str, str]
    images: NDArray[np.uint8]
    checks: Mapping[str, Floats] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    notes: tuple[tuple[Notes, ...], ...] = ()
    display: Display = field(default_factory=Display)
    done: Floats | None = None
    evidence: Mapping[str, Floats] = field(default_factory=dict)
    regions: tuple[Region, ...] = ()
    units: tuple[str, ...] = ()
    own: tuple[Any, ...] = ()
    model: str = ""

    @property
    def progress(self) -> float:
        """How much of the answer is there, 0 to 1: 1 unless it was cancelled, or is still being computed."""
        return 1.0 if self.done is None else float(self.done.mean())

    def __repr__(self) -> str:
        different = list(dict.fromkeys(name for row in self.target_names for name in row if name))
        names = ", ".join(map(repr, different[:3])) + (", …" if len(different) > 3 else "")
        model = f"model={self.model!r}, " if self.model else ""
        return (
            f"Explanation({model}maps={self.maps.shape}, images={self.images.shape}, method={self.method!r}, "
            f"layer={self.layer!r}, targets=[{names}]{self._where()}{self._noted()}{self._unfinished()})"
        )

    def _where(self) -> str:
        words = list(dict.fromkeys(map(str, self.regions)))
        return f", {', '.join(words[:2])}{', …' if len(words) > 2 else ''}" if words else ""

    @property
    def _asked(self) -> str:
        """What made the maps, in words."""
        return " · ".join(filter(None, (self.model, self.method, self.layer or "input")))

    def _noted(self) -> str:
        count = sum(bool(notes) for row in self.notes for notes in row)
        return f", notes on {count} of {self.targets.size} maps" if count else ""

    def _unfinished(self) -> str:
        return "" if self.done is None else f", {partial_text(self.progress)}"

    def _done(self, image: int, target: int) -> float:
        return 1.0 if self.done is None else float(self.done[image, target])

    def notes_of(self, image: int, target: int) -> Notes:
        """What is to be said of one map.

        Raises:
            ParameterError: there is no such image or target.
        """
        self._check(image, target)
        return self.notes[image][target] if self.notes else ()

    def of_image(self, image: int) -> "Explanation":
        """The part of one image, whose arrays are views of these.

        Raises:
            ParameterError: there is no such image.
        """
        self._check(image, 0)
        rows = slice(image % len(self.targets), image % len(self.targets) + 1)
        return replace(
            self,
            **{name: getattr(self, name)[rows] for name in ARRAYS},
            target_names=self.target_names[rows],
            checks={name: values[rows] for name, values in self.checks.items()},
            evidence={name: values[rows] for name, values in self.evidence.items()},
            names=self.names[rows],
            notes=self.notes[rows],
            regions=self.regions[rows],
            done=None if self.done is None or self.done[rows].min() == 1 else self.done[rows],
        )

    def _check(self, image: Any, target: Any) -> None:
        for name, index, count in zip(("image", "target"), (image, target), self.targets.shape, strict=True):
            if not isinstance(index, (int, np.integer)) or not -count <= index < count:
                raise ParameterError(f"There is no {name} {index!r}: this explanation has 0 to {count - 1}.")

    def display_of(self, target: int, sign: ChosenSign = "auto", clip: float | None = None) -> Display:
        """How the maps of a target are drawn: as the method wants, or with the sign and clip that are given.

        Raises:
            ParameterError: there is no such target, sign or percentile.
        """
        self._check(0, target)
        # Images without a label, or that nothing is computed of yet, have no score; of a contrast none has an index.
        indices = self.targets[np.isfinite(self.scores[:, target]), target]
        has_both_signs = bool(self.units) or (indices.size > 0 and bool((indices < 0).all()))
        display = self.display.resolved(sees_input=self.layer is None, signed=self.signed, contrast=has_both_signs)
        return display.chosen(sign if self.signed else "auto", clip)

    def heatmaps(
        self,
        size: str | tuple[int, int] | None = "input",
        sign: ChosenSign = "auto",
        scale: Scale = "map",
        clip: float | None = None,
    ) -> Floats:
        """Maps to look at: sign, then scale, then bilinear interpolation.

        Args:
            size: `"input"`, (height, width) in pixels, or None for the maps' own.
            sign: `"positive"` part, `"absolute"` value, or `"signed"`; unsigned maps stay as they are. `"auto"` is the
                method's own: both signs of contrasts and of pixels that have one, else what lies above the lower
                quartile of the positive part.
            scale: 1 is the end of each `"map"`, the widest of each `"image"`, or the widest of `"all"`.
            clip: the percentile of a map's magnitudes that is its end, 50 to 100, which is the largest; None is the
                method's own, 99 for most.

        Returns:
            float32 (N, T, H, W) in [0, 1], or in [−1, 1] for signed maps with both signs.

        Raises:
            ParameterError: another choice.
        """
        displays = [self.display_of(t, sign, clip) for t in range(self.targets.shape[1])]
        maps = np.stack([apply_sign(self.maps[:, t], d.sign or "signed") for t, d in enumerate(displays)], 1)
        maps = apply_scale(maps, scale, displays)
        if size is not None:
            maps = resize(maps, self.images.shape[1:3] if size == "input" else _size(size))
        least = np.array([-1 if display.origin == "zero" else 0 for display in displays], np.float32)
        return np.clip(maps, least[:, None, None], 1)

    def overlay(
        self,
        colormap: str = COLORMAP,
        alpha: float = 0.7,
        sign: ChosenSign = "auto",
        scale: Scale = "map",
        clip: float | None = None,
        photo: Photo = "gray",
        style: Style = "fill",
    ) -> NDArray[np.uint8]:
        """The coloured maps over the images.

        Args:
            colormap: name of a colour table, for instance inferno, viridis, turbo, gray; maps with both signs take the
                diverging coldhot, centred at 0, in place of these; rdbu is another.
            alpha: opacity of the map, 0 to 1; it is lower where the map is weak, and halved for a class of less than
                1 %.
            sign, scale, clip: as in `heatmaps`.
            photo: whether the image is `"gray"` and a little darker below its map, or keeps its `"colour"`.
            style: `"fill"`, or `"contours"` around a quarter, half and three quarters of the scale.

        Returns:
            uint8 (N, T, H, W, 3).

        Raises:
            ParameterError: unknown colour table, or alpha outside 0 to 1.
        """
        diverging = [self._is_diverging(t, sign) for t in range(self.targets.shape[1])]
        strength = np.where(self.probabilities < UNLIKELY, FAINT, 1)
        maps = self.heatmaps("input", sign, scale, clip)
        drawn = blend(maps, self.images, colormap, alpha, strength, diverging, photo, style)
        for t in range(self.targets.shape[1]):
            if self.display_of(t).borders:
                drawn[:, t] = with_borders(drawn[:, t], self.maps[:, t], alpha)
        return drawn

    def _is_diverging(self, target: int, sign: ChosenSign) -> bool:
        display = self.display_of(target, sign)
        return self.signed and display.sign == "signed" and display.origin == "zero"

    def pictures(self, **look: Any) -> NDArray[np.uint8]:
        """The overlays (N, T, H, W, 3) as they are kept: a map with nothing to show is left out and says why.

        Args:
            **look: as in `overlay`.
        """
        drawn, sign = self.overlay(**look), look.get("sign", "auto")
        for i, t in np.ndindex(self.targets.shape):
            display = self.display_of(t, sign)
            drawn[i, t] = marked(drawn[i, t], self.images[i], self.notes_of(i, t), display.sign or "signed")
            if (done := self._done(i, t)) < 1:
                drawn[i, t] = labelled(drawn[i, t], partial_text(done))
        return drawn

    def plot(self, **look: Any) -> Any:
        """A matplotlib figure of the overlays, one row an image; keywords as in `overlay`.

        Raises:
            MissingPackageError: matplotlib is missing: install the extra `plot`.
        """
        pictures = self.pictures(**look)
        n, t = pictures.shape[:2]
        figure = empty_figure(2.4 * t, 2.6 * n)
        for i, row in enumerate(np.asarray(figure.subplots(n, t, squeeze=False))):
            for j, axes in enumerate(row):
                axes.imshow(pictures[i, j])
                axes.set_axis_off()
                axes.set_title(self.caption(i, j), fontsize=9)
        if self.legend:
            figure.suptitle(self.legend, fontsize=9)
        return figure

    def caption(self, image: int, target: int) -> str:
        """Name and probability of one target, or its score where there is none; where that is, how its map is limited.

        Raises:
            ParameterError: there is no such image or target.
        """
        self._check(image, target)
        if not self.target_names[image][target]:
            return "not computed"
        p = self.probabilities[image, target]
        value = f" · {self._score_text(image, target)}" if np.isnan(p) else f" · {percent(p)}"
        # Without a score nothing was there to be explained, and the note says so.
        value = "" if np.isnan(self.scores[image, target]) else value
        heading = heading_of(self.notes_of(image, target)).lower()
        remark = heading or ("unlikely, drawn faint" if p < UNLIKELY else "")
        if (done := self._done(image, target)) < 1:
            remark = partial_text(done)
        where = f" {self.regions[image]}" if self.regions else ""
        return f"{self.target_names[image][target]}{value}{where}" + (f" ({remark})" if remark else "")

    def _score_text(self, image: int, target: int) -> str:
        """A score, or a value with its unit; of a difference of values only one that both have."""
        number, unit = fixed(self.scores[image, target]), unit_of(self.units, int(self.targets[image, target]))
        return f"score {number}" if unit is None else f"{number} {unit}".strip()

    def subject(self, image: int, target: int) -> Subject:
        """What one map explains, for sentences about it.

        Raises:
            ParameterError: there is no such image or target.
        """
        self._check(image, target)
        index, name = int(self.targets[image, target]), self.target_names[image][target]
        where = WHERE[self.regions[image].kind] if self.regions else ""
        if self.units:
            kind = self.own[index].kind if self.own and index >= 0 else "value"
            return Subject(kind, name, unit_of(self.units, index) or "", where)
        if index >= 0:
            return Subject(where=where)
        return Subject("contrast of several" if is_of_several(name) else "contrast", where=where)

    @property
    def legend(self) -> str:
        """What the signs of maps of values mean, "" for those of classes; a difference has both of its sides in it."""
        if not self.units or not self.signed:
            return ""
        names = {name for row in self.target_names for name in row if name}
        return f"warm raises {names.pop() if len(names) == 1 else 'the value'}, cool lowers it"

    def save(self, path: str | Path) -> None:
        """Write everything (`.npz`), or the overlays as one picture (`.png`) or page (`.html`).

        Of the images' paths it keeps the file names, or what lies below the folder that they share.

        Raises:
            FormatError: another ending, or no such folder.
        """
        path = writable(path)
        if path.suffix == ".npz":
            arrays = {name: getattr(self, name) for name in ARRAYS}
            arrays |= {f"check_{name}": value for name, value in self.checks.items()}
            arrays |= {f"evidence_{name}": value for name, value in self.evidence.items()}
            arrays |= {} if self.done is None else {"done": self.done}
            others = (f.name for f in fields(self) if f.name not in (*ARRAYS, "checks", "done", "evidence", "own"))
            facts = {name: getattr(self, name) for name in others}
            plain: dict[str, Any] = {
                "params": dict(self.params),
                "versions": dict(self.versions),
                "display": asdict(self.display),
            }
            plain["regions"] = [region.as_plain() for region in self.regions]
            write_arrays(path, arrays, facts | plain | {"names": shared_names(self.names)})
        elif path.suffix == ".png":
            write_whole(path, encode(contact_sheet(self.pictures())))
        elif path.suffix == ".html":
            title = escape(self._asked)
            head = f'<!doctype html><meta charset="utf-8"><title>{title}</title>'
            write_whole(path, (head + self._repr_html_()).encode())
        else:
            raise FormatError(f"{path.name!r} must end in .npz, .png or .html.")

    @classmethod
    def load(cls, path: str | Path) -> "Explanation":
        """Read what `save("….npz")` wrote.

        Raises:
            FormatError: the file is missing or something else.
        """
        arrays, facts = read_arrays(path)
        checks, evidence = (
            {name.removeprefix(kind): arrays.pop(name) for name in list(arrays) if name.startswith(kind)}
            for kind in ("check_", "evidence_")
        )
        try:
            facts["target_names"] = tuple(map(tuple, facts["target_names"]))
            facts["names"] = tuple(facts.get("names", ()))
            facts["notes"] = tuple(tuple(map(tuple, row)) for row in facts.get("notes", ()))
            facts["display"] = Display(**facts.get("display", {}))
            facts["units"] = tuple(facts.get("units", ()))
            facts["regions"] = tuple(map(Region.from_plain, facts.get("regions", ())))
            return cls(**arrays, **facts, checks=checks, evidence=evidence)
        except (KeyError, TypeError, ValueError) as error:
            raise FormatError(f"{str(path)!r} is not an explanation saved as .npz ({error}).") from error

    def _repr_html_(self) -> str:
        pictures = self.pictures()
        n, t = self.targets.shape
        rows = [
            "".join(html_cell(pictures[i, j], self.caption(i, j), self.notes_of(i, j)) for j in range(t))
            for i in range(n)
        ]
        legend = f" · {self.legend}" if self.legend else ""
        where = escape(f"{self._asked} · {self.seconds:.2f} s{self._unfinished()}{legend}")
        return f"<table><caption>{where}</caption>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


def versions() -> dict[str, str]:
    """Versions of what had a part in a result; of what is read where TensorFlow is not installed, our own alone."""
    installed = {"kx_widget": __version__}
    with suppress(MissingPackageError):
        installed |= {"keras": keras.__version__, "tensorflow": tf.__version__}
    return installed


def partial_text(done: float) -> str:
    """How far something has come that is not finished, 0 to 1, in words."""
    return f"partial {'<1' if 0 < done < 0.01 else int(100 * done)} %"


def _size(size: Any) -> tuple[int, int]:
    try:
        height, width = (int(s) for s in size)
    except (TypeError, ValueError):
        height = width = 0
    if height < 1 or width < 1 or isinstance(size, str):
        raise ParameterError(f'size={size!r} must be "input", None, or (height, width) in pixels.')
    return height, width
