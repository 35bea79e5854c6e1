"""Maps drawn over images, as arrays, PNG and HTML."""

import base64
import io
from collections.abc import Sequence
from html import escape
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kx_widget.engine.display import check_choice
from kx_widget.engine.errors import ParameterError
from kx_widget.engine.parameters import check_params
from kx_widget.engine.types import Floats, Parameter

Photo = Literal["gray", "colour"]
Style = Literal["fill", "contours"]
PHOTOS: tuple[str, ...] = get_args(Photo)
STYLES: tuple[str, ...] = get_args(Style)
SEQUENTIAL = ("inferno", "viridis", "magma", "plasma", "turbo", "cividis", "gray")
DIVERGING = ("coldhot", "rdbu")
COLORMAP = SEQUENTIAL[0]
# Dark at zero and bright at either end, to be seen over grey pictures; as in `js/src/canvas/colormap.ts`.
COLD = ((180, 240, 255), (30, 140, 255), (10, 20, 110))
HOT = ((110, 10, 10), (240, 60, 20), (255, 240, 120))
OPACITY = (Parameter("alpha", "float", 0.7, "Opacity of the map.", minimum=0, maximum=1),)
# A class of less probability is drawn fainter, so that it does not glow like one that the model sees.
UNLIKELY, FAINT = 0.01, 0.5
# As browsers take the saturation out of a picture; a little darker, so that the palest colours are seen on white.
GRAY = 0.8 * np.array([0.3, 0.59, 0.11], np.float32)
HALO = 0.5
BORDER_LIGHT, BORDER_DARK = 0.75, 0.5


def blend(
    maps: Floats,
    images: NDArray[np.uint8],
    colormap: str,
    alpha: float,
    strength: Floats,
    diverging: Sequence[bool],
    photo: Photo,
    style: Style,
) -> NDArray[np.uint8]:
    """Maps (N, T, H, W) in colours over images (N, H, W, 3), (N, T, H, W, 3); NaN is left out.

    Args:
        maps: from 0 to 1, or from −1 to 1 if `diverging`.
        images: what they lie over.
        colormap: name of a colour table; a diverging map takes a diverging one in place of one of `SEQUENTIAL`.
        alpha: opacity of the map, 0 to 1.
        strength: what the opacity of each map is multiplied by (N, T).
        diverging: whether 0 is the middle of the table, for each target.
        photo: whether images keep their colours.
        style: whether maps are filled, or drawn as lines.

    Raises:
        ParameterError: unknown colour table, photo or style, or alpha outside 0 to 1.
    """
    alpha = check_params("overlay", OPACITY, {"alpha": alpha})["alpha"]
    check_choice("photo", photo, PHOTOS)
    check_choice("style", style, STYLES)
    below = images.astype(np.float32)
    if photo == "gray":
        below = np.broadcast_to((below @ GRAY)[..., None], below.shape)
    draw = _filled if style == "fill" else _contoured
    out = np.empty((*maps.shape, 3), np.uint8)
    for t, both in enumerate(diverging):
        table = color_table(DIVERGING[0] if both and colormap in SEQUENTIAL else colormap)
        colors, opacity = draw(maps[:, t], table, both)
        opacity = (opacity * alpha * strength[:, t, None, None])[..., None]
        out[:, t] = np.clip(below * (1 - opacity) + colors * opacity + 0.5, 0, 255)
    return out


def _colors(maps: NDArray[Any], table: NDArray[np.uint8], diverging: bool) -> NDArray[np.uint8]:
    return table[np.clip((maps / 2 + 0.5 if diverging else maps) * 255 + 0.5, 0, 255).astype(np.uint8)]


def _filled(maps: Floats, table: NDArray[np.uint8], diverging: bool) -> tuple[NDArray[np.uint8], Floats]:
    """Colours (N, H, W, 3) of maps, and the opacity of each pixel: where it is weak, the picture is seen."""
    values = np.nan_to_num(maps)
    return _colors(values, table, diverging), np.minimum(1, 1.4 * np.abs(values)) * ~np.isnan(maps)


def _contoured(maps: Floats, table: NDArray[np.uint8], diverging: bool) -> tuple[NDArray[np.uint8], Floats]:
    """Lines around a quarter, half and three quarters of the scale, and a dark edge of one pixel about them."""
    levels = np.trunc(np.nan_to_num(maps) * 4).clip(-3, 3).astype(np.float32)
    lines = np.zeros_like(levels)
    for axis in (1, 2):
        first, second = _neighbours(levels, axis)
        stronger = np.where(first == second, 0, np.where(np.abs(first) > np.abs(second), first, second))
        for part in _neighbours(lines, axis):
            part[...] = np.where(np.abs(stronger) > np.abs(part), stronger, part)
    edges = np.zeros(lines.shape, bool)
    for axis in (1, 2):
        (first, second), (a, b) = _neighbours(edges, axis), _neighbours(lines != 0, axis)
        first |= b
        second |= a
    colors = _colors(lines / 4 + np.sign(lines) / 4, table, diverging)
    return colors * (lines != 0)[..., None], np.where(lines != 0, 1, HALO * edges).astype(np.float32)


def with_borders(pictures: NDArray[np.uint8], maps: Floats, alpha: float) -> NDArray[np.uint8]:
    """Pictures (N, H, W, 3) with a light and a dark line side by side where the values of maps (N, h, w) change.

    Args:
        pictures: on which they are drawn.
        maps: raw.
        alpha: opacity of the maps, 0 to 1, and so of the lines.
    """
    rows, columns = (np.arange(to) * of // to for to, of in zip(pictures.shape[1:3], maps.shape[1:], strict=True))
    # All that is not a number is one area.
    cells = np.nan_to_num(maps[:, rows][:, :, columns], nan=np.inf)
    light, dark = np.zeros((2, *cells.shape), bool)
    for axis in (1, 2):
        changes = np.not_equal(*_neighbours(cells, axis))
        for lines, pixels in zip((light, dark), (0, 1), strict=True):
            _neighbours(lines, axis)[pixels][...] |= changes
    opacity = alpha * np.where(light, BORDER_LIGHT, np.where(dark, BORDER_DARK, 0))[..., None]
    return (pictures * (1 - opacity) + 255 * opacity * light[..., None] + 0.5).astype(np.uint8)


def _neighbours(maps: NDArray[Any], axis: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """All but the last pixels along an axis, and all but the first."""
    moved = maps.swapaxes(axis, -1)
    return moved[..., :-1].swapaxes(axis, -1), moved[..., 1:].swapaxes(axis, -1)


def color_table(name: Any) -> NDArray[np.uint8]:
    """The 256 colours (256, 3) of a table of that name.

    Raises:
        ParameterError: there is none.
    """
    from cmap import Colormap

    if isinstance(name, str) and name == "coldhot":
        at = np.arange(128)
        halves = [
            [np.interp(at, (0, 63.75, 127.5), part) for part in zip(*half, strict=True)] for half in (COLD, HOT[::-1])
        ]
        return (np.hstack([halves[0], np.flip(halves[1], 1)]).T + 0.5).astype(np.uint8)
    try:
        lut = Colormap("colorbrewer:RdBu_r" if isinstance(name, str) and name == "rdbu" else name).lut(256)
        return np.asarray(lut[:, :3] * 255 + 0.5, np.uint8)
    except Exception as error:
        raise ParameterError(
            f"colormap={name!r} is not known. Try inferno, viridis, magma, plasma, turbo, cividis or gray."
        ) from error


def contact_sheet(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pictures (N, T, H, W, 3) as one (N·H, T·W, 3) with a row for each image."""
    n, t, h, w, _ = pictures.shape
    return pictures.transpose(0, 2, 1, 3, 4).reshape(n * h, t * w, 3)


def encode(picture: NDArray[np.uint8] | Image.Image, kind: Literal["png", "jpeg"] = "png", **options: Any) -> bytes:
    """A picture (H, W, 3) as the bytes of a file; options are those of Pillow for its kind."""
    file = io.BytesIO()
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(np.ascontiguousarray(picture))
    image.save(file, kind, **options)
    return file.getvalue()


def data_url(data: bytes, kind: Literal["png", "jpeg"] = "png") -> str:
    """The address of a picture that lies in the address."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def html_cell(picture: NDArray[np.uint8], caption: str, notes: tuple[str, ...]) -> str:
    """A picture with its caption and what is to be said of it, as a cell of a table."""
    caption = escape(caption)
    text = "<br>".join([caption, *map(escape, notes)])
    return (
        '<td style="padding:4px;text-align:left;vertical-align:top;max-width:170px">'
        f'<img alt="{caption}" width="160" src="{data_url(encode(picture))}">'
        f"<br><small>{text}</small></td>"
    )
