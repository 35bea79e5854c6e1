"""Images that the model sees alike: the nearest neighbours by the activations of a layer."""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from kx_widget.engine.parameters import check_params
from kx_widget.engine.types import Floats, Ints, Parameter

NEAREST_PARAMETERS = (Parameter("k", "int", 10, "How many neighbours of each image.", minimum=1),)
# Similarities that differ by less are equal, and the first image is the nearer one.
DECIMALS = 5
# Rows that are widened from float16 at once.
ROWS_AT_ONCE = 4096


@dataclass(frozen=True, eq=False)
class NearestImages:
    """Which images are most like each of N others, the most similar first.

    Attributes:
        indices: of the neighbours (N, k), −1 where there are no more.
        similarities: cosines (N, k), NaN where there are no more.
        layer: path of the layer whose mean activations are compared.
        notes: why an image has no neighbours, or "", one of each (N,).
    """

    indices: Ints
    similarities: Floats
    layer: str
    notes: tuple[str, ...]


@runtime_checkable
class EmbeddedImages(Protocol):
    """Images whose mean activations are kept, a store for instance."""

    def embedding_layer(self, layer: str | None = None) -> str:
        """Path of the layer that they are of; a `layer` that is another one is refused."""
        ...

    def nearest(self, query: Any, k: int = 10, among: Any = None) -> NearestImages:
        """Those of them that are most like each query, by their numbers."""
        ...


def directions_of(vectors: Any) -> Floats:
    """Vectors (N, K) of length 1, float32; NaN where a vector is 0, or where any of its numbers is NaN or infinite."""
    vectors = np.asarray(vectors, np.float32)
    with np.errstate(invalid="ignore", divide="ignore"):
        # Squares of small numbers must not vanish, nor those of large ones overflow.
        scaled = vectors / np.abs(vectors).max(-1, keepdims=True)
        directions = scaled / np.linalg.norm(scaled, axis=-1, keepdims=True)
    directions[~np.isfinite(directions).all(-1)] = np.nan
    return directions


def reasons(vectors: Any, layer: str) -> list[str]:
    """Why each of these mean activations (N, K) of a layer is like no other, or ""."""
    texts = {
        "nan": f"Its activations at {layer!r} are NaN or infinite, and cannot be compared.",
        "zero": f"Its activations at {layer!r} are all 0, which is like nothing.",
        "": "",
    }
    kinds = np.where(~np.isfinite(vectors).all(-1), "nan", np.where(np.any(vectors, -1), "", "zero"))
    return [texts[kind] for kind in kinds.tolist()]


def nearest_images(
    vectors: Any, directions: Any, k: int, layer: str, own: Ints | None = None, among: Any = None
) -> NearestImages:
    """The k directions with the largest cosine to each vector; of equal ones the first.

    Args:
        vectors: mean activations (N, K).
        directions: of the images to look among (M, K), see `directions_of`.
        k: how many.
        layer: path of the layer that they are of.
        own: which of the M each vector is itself (N,), −1 for none of them.
        among: which of the M images count (M,), None for all.

    Raises:
        ParameterError: k is no number from 1.
    """
    k = check_params("nearest", NEAREST_PARAMETERS, {"k": k})["k"]
    similarities = cosines(directions_of(vectors), directions)
    if own is not None:
        itself = np.flatnonzero(own >= 0)
        similarities[itself, own[itself]] = np.nan
    if among is not None:
        similarities[:, ~among] = np.nan
    counts = (~np.isnan(similarities)).sum(1)
    # NaN comes last.
    order = np.argsort(-np.round(similarities, DECIMALS), axis=1, kind="stable")[:, : min(k, counts.max(initial=0))]
    chosen = np.take_along_axis(similarities, order, 1)
    indices = np.where(np.isnan(chosen), -1, order)
    alone = "There is no other image with activations to compare it with."
    notes = [why or ("" if count else alone) for why, count in zip(reasons(vectors, layer), counts, strict=True)]
    return NearestImages(indices, chosen, layer, tuple(notes))


def cosines(queries: Floats, directions: Any) -> Floats:
    """The cosine of each of N directions with each of M, float32 (N, M); NaN where one of the two is none."""
    table = np.empty((len(queries), len(directions)), np.float32)
    for first in range(0, len(directions), ROWS_AT_ONCE):
        rows = slice(first, first + ROWS_AT_ONCE)
        table[:, rows] = queries @ np.asarray(directions[rows], np.float32).T
    return np.clip(table, -1, 1)
