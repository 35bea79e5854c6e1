"""The answer: raw maps, and ways to look at, keep and share them."""

import base64
import io
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kx_widget.engine.errors import KxError, ParameterError
from kx_widget.engine.notes import Notes, heading_of, marked
from kx_widget.engine.postprocess import Scale, Sign, apply_scale, apply_sign, resize
from kx_widget.engine.types import Floats, Ints
from kx_widget.install import how_to_install

DIVERGING = "colorbrewer:RdBu_r"
ARRAYS = ("maps", "scores", "probabilities", "targets", "images")


class FormatError(KxError, ValueError):
    """A file cannot be read, or is asked for in a format that is not known."""


@dataclass(frozen=True)
class Explanation:
    """Maps of N images and T targets.

    Attributes:
        maps: float32 (N, T, h, w), raw: signed where the method is, of its own resolution, not rectified.
        scores: float32 (N, T), before the final softmax or sigmoid; a difference for a contrast.
        probabilities: float32 (N, T); NaN for a contrast or a model not known to be a classifier.
        targets: int (N, T), −1 for a contrast.
        target_names: N × T names.
        method, layer, params: the question; `layer` is None for methods that see the input.
        signed: whether the maps have a meaningful sign.
        seconds: how long it took.
        versions: of kx_widget, keras and tensorflow.
        checks: by name, float32 (N, T): what the method can say of its own exactness.
        images: uint8 (N, H, W, 3), what the model saw.
        names: of the images, N: their paths, or where they were in what was given.
        notes: N × T × sentences: what a map fails to say, see `engine.notes`; () where all can speak for themselves.
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

    def __repr__(self) -> str:
        found = list(dict.fromkeys(name for row in self.target_names for name in row))
        names = ", ".join(map(repr, found[:3])) + (", …" if len(found) > 3 else "")
        return (
            f"Explanation(maps={self.maps.shape}, images={self.images.shape}, method={self.method!r}, "
            f"layer={self.layer!r}, targets=[{names}]{self._noted()})"
        )

    def _noted(self) -> str:
        count = sum(bool(notes) for row in self.notes for notes in row)
        return f", notes on {count} of {self.targets.size} maps" if count else ""

    def notes_of(self, image: int, target: int) -> Notes:
        """What is to be said of one map."""
        return self.notes[image][target] if self.notes else ()

    def heatmaps(
        self, size: str | tuple[int, int] | None = "input", sign: Sign = "positive", scale: Scale = "map"
    ) -> Floats:
        """Maps to look at: sign, then scale, then bilinear interpolation.

        Args:
            size: `"input"`, (height, width) in pixels, or None for the maps' own.
            sign: `"positive"` part, `"absolute"` value, or `"signed"`; unsigned maps stay as they are.
            scale: divide by the largest absolute value of each `"map"`, of each `"image"`, or of `"all"`.

        Returns:
            float32 (N, T, H, W) in [0, 1], or in [−1, 1] for signed maps with `sign="signed"`.

        Raises:
            ParameterError: another choice.
        """
        maps = apply_sign(self.maps, sign)
        maps = apply_scale(maps if self.signed else self.maps, scale)
        if size is None:
            return maps
        height, width = self.images.shape[1:3] if size == "input" else _size(size)
        return np.clip(resize(maps, (height, width)), -1, 1)

    def overlay(
        self,
        colormap: str = "viridis",
        alpha: float = 0.5,
        sign: Sign = "positive",
        scale: Scale = "map",
    ) -> NDArray[np.uint8]:
        """The coloured maps over the images.

        Args:
            colormap: name of a colour table, for instance viridis, magma, turbo, gray; signed maps shown with
                `sign="signed"` take the diverging RdBu, centred at 0, unless another is named.
            alpha: opacity of the map, 0 to 1.
            sign, scale: as in `heatmaps`.

        Returns:
            uint8 (N, T, H, W, 3).

        Raises:
            ParameterError: unknown colour table, or alpha outside 0 to 1.
        """
        if not 0 <= alpha <= 1:
            raise ParameterError(f"alpha={alpha!r} is outside its range 0 to 1.")
        maps = self.heatmaps("input", sign, scale)
        diverging = self.signed and sign == "signed"
        lut = _lut(DIVERGING if diverging and colormap == "viridis" else colormap)
        at = np.nan_to_num((maps + 1) / 2 if diverging else maps) * 255
        colours = lut[np.clip(at + 0.5, 0, 255).astype(np.uint8)]
        opacity = alpha * ~np.isnan(maps)[..., None]
        mixed = self.images[:, None] * (1 - opacity) + colours * opacity
        return np.clip(mixed + 0.5, 0, 255).astype(np.uint8)

    def pictures(self, **look: Any) -> NDArray[np.uint8]:
        """The overlays (N, T, H, W, 3) as they are kept: a map with nothing to show is left out and says why.

        Args:
            **look: as in `overlay`.
        """
        drawn, sign = self.overlay(**look), look.get("sign", "positive")
        for i, t in np.ndindex(self.targets.shape):
            drawn[i, t] = marked(drawn[i, t], self.images[i], self.notes_of(i, t), sign)
        return drawn

    def plot(self, **look: Any) -> Any:
        """A matplotlib figure of the overlays, one row an image; keywords as in `overlay`.

        Raises:
            ImportError: matplotlib is missing: install the extra `plot`.
        """
        try:
            from matplotlib.figure import Figure
        except ImportError as error:
            raise ImportError(f"plot() needs matplotlib: {how_to_install('plot')}.") from error
        pictures = self.pictures(**look)
        n, t = pictures.shape[:2]
        figure = Figure(figsize=(2.4 * t, 2.6 * n), layout="constrained")
        for i, row in enumerate(np.asarray(figure.subplots(n, t, squeeze=False))):
            for j, axes in enumerate(row):
                axes.imshow(pictures[i, j])
                axes.set_axis_off()
                axes.set_title(self.caption(i, j), fontsize=9)
        return figure

    def caption(self, image: int, target: int) -> str:
        """Name and probability of one target, or its score where there is no probability; whether its map is flat."""
        p = self.probabilities[image, target]
        value = f"score {self.scores[image, target]:.2f}" if np.isnan(p) else f"{100 * p:.1f} %"
        heading = heading_of(self.notes_of(image, target))
        return f"{self.target_names[image][target]} · {value}" + (f" ({heading.lower()})" if heading else "")

    def save(self, path: str | Path) -> None:
        """Write everything (`.npz`), or the overlays as one picture (`.png`) or page (`.html`).

        Raises:
            FormatError: another ending, or no such folder.
        """
        path = writable(path)
        if path.suffix == ".npz":
            meta = {k: v for k, v in asdict(self).items() if k not in (*ARRAYS, "checks")}
            arrays: dict[str, Any] = {name: getattr(self, name) for name in ARRAYS}
            arrays |= {f"check_{name}": value for name, value in self.checks.items()}
            with path.open("wb") as file:
                np.savez_compressed(file, meta=np.array(json.dumps(meta)), **arrays)
        elif path.suffix == ".png":
            path.write_bytes(_png(_sheet(self.pictures())))
        elif path.suffix == ".html":
            title = escape(f"{self.method} · {self.layer or 'input'}")
            head = f'<!doctype html><meta charset="utf-8"><title>{title}</title>'
            path.write_text(head + self._repr_html_(), encoding="utf-8")
        else:
            raise FormatError(f"{path.name!r} must end in .npz, .png or .html.")

    @classmethod
    def load(cls, path: str | Path) -> "Explanation":
        """Read what `save("….npz")` wrote.

        Raises:
            FormatError: the file is missing or something else.
        """
        try:
            with np.load(path, allow_pickle=False) as data:
                meta = json.loads(str(data["meta"]))
                meta["target_names"] = tuple(tuple(row) for row in meta["target_names"])
                meta["names"] = tuple(meta.get("names", ()))
                meta["notes"] = tuple(tuple(map(tuple, row)) for row in meta.get("notes", ()))
                checks = {k.removeprefix("check_"): data[k] for k in data.files if k.startswith("check_")}
                return cls(**{name: data[name] for name in ARRAYS}, **meta, checks=checks)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise FormatError(f"{str(path)!r} is not an explanation saved as .npz ({error}).") from error

    def _repr_html_(self) -> str:
        pictures = self.pictures()
        n, t = self.targets.shape
        rows = ["".join(self._cell(i, j, pictures[i, j]) for j in range(t)) for i in range(n)]
        where = escape(f"{self.method} · {self.layer or 'input'} · {self.seconds:.2f} s")
        return f"<table><caption>{where}</caption>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"

    def _cell(self, image: int, target: int, picture: NDArray[np.uint8]) -> str:
        caption = escape(self.caption(image, target))
        said = "<br>".join([caption, *map(escape, self.notes_of(image, target))])
        return (
            '<td style="padding:4px;text-align:left;vertical-align:top;max-width:170px">'
            f'<img alt="{caption}" width="160" src="data:image/png;base64,{base64.b64encode(_png(picture)).decode()}">'
            f"<br><small>{said}</small></td>"
        )


def versions() -> dict[str, str]:
    """Versions of what had a part in a result."""
    import keras
    import tensorflow as tf

    from kx_widget import __version__

    return {"kx_widget": __version__, "keras": keras.__version__, "tensorflow": tf.__version__}


def check_path(path: Any, hint: str) -> None:
    """Refuse what is not a path, with a hint at what to pass.

    Raises:
        FormatError: it is not.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise FormatError(f"{path!r} is not a path: {hint}")


def writable(path: Any) -> Path:
    """A file to write.

    Raises:
        FormatError: it is not a path, or its folder is not there.
    """
    check_path(path, "pass the name of a file.")
    folder = Path(path).parent
    if not folder.is_dir():
        raise FormatError(f"There is no folder {str(folder)!r} to write {Path(path).name!r} to: make it first.")
    return Path(path)


def _size(size: Any) -> tuple[int, int]:
    try:
        height, width = (int(s) for s in size)
    except (TypeError, ValueError):
        height = width = 0
    if height < 1 or width < 1 or isinstance(size, str):
        raise ParameterError(f'size={size!r} must be "input", None, or (height, width) in pixels.')
    return height, width


def _lut(name: str) -> NDArray[np.uint8]:
    from cmap import Colormap

    try:
        return np.asarray(Colormap(name).lut(256)[:, :3] * 255 + 0.5, np.uint8)
    except Exception as error:
        raise ParameterError(
            f"colormap={name!r} is not known. Try viridis, magma, inferno, plasma, turbo, cividis or gray."
        ) from error


def _sheet(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(N, T, H, W, 3) as one picture with rows of images."""
    n, t, h, w, _ = pictures.shape
    return pictures.transpose(0, 2, 1, 3, 4).reshape(n * h, t * w, 3)


def _png(picture: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()
