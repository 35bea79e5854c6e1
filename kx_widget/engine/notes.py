"""What a map fails to say, in sentences that people read beside it.

A note on the values of a map opens with a heading: `Flat:` (the same everywhere), `No numbers:`, `Against:` (nothing
speaks for the target) or `Gaps:` (some values are no numbers). `Control:` says that the method explains nothing.
`No label:` and `Same class:` tell why an image has nothing to explain, see `engine.targets`, and so do `No region:` and
`Wins nowhere:`, see `engine.question`.
A note without one is about the model and the method.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from kx_widget.engine.registry import Method
from kx_widget.engine.types import Floats, Inspection, Notes

Evidence = Literal["some", "against", "none"]

HEADINGS: tuple[str, ...] = (
    "Flat",
    "No numbers",
    "Against",
    "Gaps",
    "No label",
    "Same class",
    "No region",
    "Wins nowhere",
    "Control",
)
# Notes of these headings leave nothing to draw.
NOTHING = ("Flat", "No numbers", "No label", "Same class", "No region", "Wins nowhere")
# What float32 rounds away when some hundred terms are added: differences below this part of a map's largest value
# are none.
ROUNDING = 1e-6
BAND = (10, 12, 16)


def notes_on(values: Floats, signed: bool, noise: float, target: str, advice: str) -> Notes:
    """What is to be said of a finished map.

    Args:
        values: the raw map (h, w).
        signed: whether its sign has a meaning.
        noise: values up to this magnitude mean nothing.
        target: the name of what is explained.
        advice: a sentence that tells what to do instead.

    Returns:
        Sentences, none where the map can speak for itself.
    """
    finite = np.asarray(values)[np.isfinite(values)]
    if not finite.size:
        return (f"No numbers: every value of the map is NaN or infinite. {advice}",)
    low, high = float(finite.min()), float(finite.max())
    largest = max(-low, high)
    notes: list[str] = []
    if largest == 0:
        notes.append(f"Flat: the map is 0 everywhere, no evidence for {target!r}. {advice}")
    elif high - low <= ROUNDING * largest:
        notes.append(f"Flat: the map is {high:.3g} everywhere, so no place counts more than another. {advice}")
    elif largest <= noise:
        notes.append(f"Flat: the map is rounding error or chance alone, no evidence for {target!r}. {advice}")
    elif signed and high <= ROUNDING * largest:
        notes.append(
            f"Against: no value of the map is above 0, nothing in it speaks for {target!r}. "
            "Draw it with the sign “signed” to see what speaks against."
        )
    if finite.size < np.size(values):
        missing = np.size(values) - finite.size
        notes.append(f"Gaps: {missing} of the map's {np.size(values)} values are NaN or infinite. {advice}")
    return tuple(notes)


def advice_for(entry: Method, layer: str | None, inspection: Inspection, methods: Mapping[str, Method]) -> str:
    """A sentence that names the recommended layer, if another one was chosen, and another method."""
    ways = ("integrated_gradients", "occlusion")
    if entry.sees != "input":
        ways = (inspection.recommended_method, "integrated_gradients")
    method = next(methods[way].title for way in ways if way != entry.id)
    layers = [f"layer {inspection.recommended!r}"] if layer and inspection.recommended not in (None, layer) else []
    return f"Try {' or '.join([*layers, method])}."


def heading_of(notes: Sequence[str]) -> str:
    """The heading of the first note on a map's values, "" where there is none."""
    headings = (note.partition(":")[0] for note in notes)
    return next((heading for heading in headings if heading in HEADINGS), "")


def evidence_of(notes: Sequence[str]) -> Evidence:
    """What a map with these notes has to show: `"none"` is nothing to draw, `"against"` nothing that is positive."""
    heading = heading_of(notes)
    return "none" if heading in NOTHING else "against" if heading == "Against" else "some"


def marked(drawn: NDArray[np.uint8], picture: NDArray[np.uint8], notes: Sequence[str], sign: str) -> NDArray[np.uint8]:
    """A map drawn over a picture (H, W, 3), with its note's heading; the bare picture where nothing is to be drawn."""
    heading, evidence = heading_of(notes), evidence_of(notes)
    if not heading or (evidence == "against" and sign != "positive"):
        return drawn
    return labelled(drawn if evidence == "some" else picture, heading)


def labelled(picture: NDArray[np.uint8], text: str) -> NDArray[np.uint8]:
    """A picture (H, W, 3) with a word or two on a band at its foot."""
    image = Image.fromarray(picture)
    size = max(8, min(image.size) // 10)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, image.height - 1.6 * size, image.width, image.height), BAND)
    pen.text((size / 2, image.height - 1.4 * size), text, "white", ImageFont.load_default(size))
    return np.asarray(image)
