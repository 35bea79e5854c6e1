"""Maps drawn over images, as arrays, PNG and HTML."""

import base64
import io
from html import escape
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kx_widget.engine.errors import ParameterError
from kx_widget.engine.parameters import check_params
from kx_widget.engine.types import Floats, Parameter

DIVERGING = "colorbrewer:RdBu_r"
OPACITY = (Parameter("alpha", "float", 0.5, "Opacity of the map.", minimum=0, maximum=1),)


def blend(maps: Floats, images: NDArray[np.uint8], colormap: str, alpha: float, diverging: bool) -> NDArray[np.uint8]:
    """Maps (N, T, H, W) in colours over images (N, H, W, 3), (N, T, H, W, 3); NaN is left out.

    Args:
        maps: from 0 to 1, or from −1 to 1 if `diverging`.
        images: what they lie over.
        colormap: name of a colour table; a diverging map takes a diverging one unless another than viridis is named.
        alpha: opacity of the map, 0 to 1.
        diverging: whether 0 is the middle of the table.

    Raises:
        ParameterError: unknown colour table, or alpha outside 0 to 1.
    """
    alpha = check_params("overlay", OPACITY, {"alpha": alpha})["alpha"]
    table = color_table(DIVERGING if diverging and colormap == "viridis" else colormap)
    at = np.nan_to_num((maps + 1) / 2 if diverging else maps) * 255
    colors = table[np.clip(at + 0.5, 0, 255).astype(np.uint8)]
    opacity = alpha * ~np.isnan(maps)[..., None]
    mixed = images[:, None] * (1 - opacity) + colors * opacity
    return np.clip(mixed + 0.5, 0, 255).astype(np.uint8)


def color_table(name: Any) -> NDArray[np.uint8]:
    """The 256 colours (256, 3) of a table of that name.

    Raises:
        ParameterError: there is none.
    """
    from cmap import Colormap

    try:
        return np.asarray(Colormap(name).lut(256)[:, :3] * 255 + 0.5, np.uint8)
    except Exception as error:
        raise ParameterError(
            f"colormap={name!r} is not known. Try viridis, magma, inferno, plasma, turbo, cividis or gray."
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
