"""A region of `--region`."""

from typing import Annotated, Any

import typer

from kx_widget.engine.errors import ParameterError
from kx_widget.engine.regions import Region, region

KEYWORDS = {"pixel": "pixel", "box": "box", "object": "object_at"}
ACCEPTED = "wins, whole, pixel=X,Y, box=X0,Y0,X1,Y1 or object=X,Y"
RegionText = Annotated[
    str | None,
    typer.Option(
        "--region",
        metavar="REGION",
        help=f"Of a segmenter, which places are explained: {ACCEPTED}, in pixels of each picture.",
        show_default="wins: where the class wins",
    ),
]


def read_region(text: str | None) -> Region | None:
    """The region that a text like `"pixel=140,62"` names, None for the default.

    Raises:
        ParameterError: it names none.
    """
    if text is None:
        return None
    kind, _, numbers = text.partition("=")
    try:
        if kind in KEYWORDS:
            chosen: dict[str, Any] = {KEYWORDS[kind]: [float(number) for number in numbers.split(",")]}
            return region(**chosen)
        return region(text)
    except ValueError as error:
        reason = f" {error}" if isinstance(error, ParameterError) and kind in KEYWORDS else ""
        raise ParameterError(f"--region {text!r:.100} is none of {ACCEPTED}.{reason}") from error
