"""Images that are alike, as kernel and page tell each other; see `messages`."""

from typing import Literal, TypedDict


class Neighbour(TypedDict):
    """An image that is like another one, and the cosine of their mean activations."""

    image: int
    similarity: float


class NearestRecord(TypedDict):
    """The images most like one, the nearest first, and those among all that are predicted right.

    `right` is empty where no true class is known; `why` says why no image is like it, "" where some are.
    """

    image: int
    nearest: list[Neighbour]
    right: list[Neighbour]
    why: str


class Nearest(TypedDict):
    """Which images are most like some of them, as a layer sees them.

    What was told of another `edition`, of other weights, another layer or other labels, is void.
    """

    kind: Literal["nearest"]
    edition: str
    layer: str
    items: list[NearestRecord]
