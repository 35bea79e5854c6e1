"""What is told of several models that are compared; see `messages`."""

from typing import Literal, TypedDict


class ModelRecord(TypedDict):
    """One of several models: its name, and what becomes of images before it sees them."""

    name: str
    preprocessing: str


class AgreementRecord(TypedDict):
    """How far the maps of a column agree with those of the first one, which another model has made.

    `correlations` are Spearman's of each image, None where one of both maps is flat; `of_others` is the mean of those
    of maps of different images, None where there is one image.
    """

    column: int
    correlations: list[float | None]
    of_others: float | None


class Agreements(TypedDict):
    """How far the maps of the answer agree, where models are compared."""

    kind: Literal["agreements"]
    gen: int
    items: list[AgreementRecord]
