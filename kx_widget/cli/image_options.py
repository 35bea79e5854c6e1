"""What a command line says of the numbers in images -> what an `Explainer` takes."""

from typing import Annotated, Any

import typer

from kx_widget.engine.errors import ImageError

Rgb = Annotated[
    str | None,
    typer.Option(
        metavar="BANDS",
        help="Bands that are shown as red, green and blue, 3,2,1; or one, 3 in grey, or 3,viridis through a colour "
        "table. They are counted from 0.",
    ),
]
ValueRange = Annotated[
    str | None,
    typer.Option(
        metavar="LOW,HIGH",
        help="What black and white are in the numbers of the images, 0,4095 for 12 bits.",
        show_default="told from the images",
    ),
]


def about_images(rgb: str | None, value_range: str | None) -> dict[str, Any]:
    """The keywords of an `Explainer` that say what is shown of bands, and what black and white are.

    Raises:
        ImageError: the range is no two numbers.
    """
    keywords: dict[str, Any] = {}
    if rgb is not None:
        parts = [int(part) if part.isdecimal() else part for part in map(str.strip, rgb.split(","))]
        keywords["rgb"] = parts[0] if len(parts) == 1 else tuple(parts)
    if value_range is not None:
        try:
            low, high = map(float, value_range.split(","))
        except ValueError:
            raise ImageError(f"--value-range {value_range!r} must be LOW,HIGH, 0,4095 for instance.") from None
        keywords["value_range"] = low, high
    return keywords
