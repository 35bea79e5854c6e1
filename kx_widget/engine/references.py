"""References that an embedding is compared with: vectors, images or texts, as they were given and as vectors."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from kx_widget.engine.errors import ParameterError, did_you_mean
from kx_widget.engine.types import Floats

Measure = Literal["cosine", "dot", "logits"]
# What scores are, in a word that stands behind them; logits are made probabilities instead.
UNITS: Mapping[str, str] = {"cosine": "similarity", "dot": "dot product"}


@dataclass(frozen=True, eq=False)
class References:
    """What `similar_to` makes.

    Attributes:
        vectors: float32 (C, D); None where images or texts are embedded by the model.
        images: as `explain` takes them; None for others.
        texts: prompts, () for others.
        names: one a reference; None for what they are called by themselves.
        measure: how two embeddings are compared; None for what suits the model.
        tokenizer: texts -> what the text encoder takes.
    """

    vectors: Floats | None = None
    images: Any = None
    texts: tuple[str, ...] = ()
    names: tuple[str, ...] | None = None
    measure: Measure | None = None
    tokenizer: Any = None

    @classmethod
    def from_plain(cls, facts: Mapping[str, Any]) -> References:
        """What `plain_references` made.

        Raises:
            ValueError, KeyError, TypeError, ParameterError: it is something else.
        """
        vectors = np.frombuffer(base64.b64decode(facts["vectors"]), "<f4").reshape(len(facts["names"]), -1)
        return similar_to(vectors, names=facts["names"], measure=facts["measure"])


def plain_references(vectors: Floats, names: Sequence[str], measure: str) -> dict[str, Any]:
    """References that are vectors (C, D), as JSON has them."""
    text = base64.b64encode(np.ascontiguousarray(vectors, "<f4").tobytes()).decode()
    return {"names": list(names), "measure": measure, "vectors": text}


def similar_to(
    references: Any = None,
    *,
    texts: Sequence[str] | str | None = None,
    names: Sequence[str] | None = None,
    measure: Measure | None = None,
    tokenizer: Any = None,
) -> References:
    """References, to which images are more or less similar: the classes of a model that tells embeddings.

    The score of an image with the embedding z is, for each reference q, z·q / (|z| |q|) with `"cosine"`, z·q with
    `"dot"`, and with `"logits"` what the model itself makes of z and q: CLIP e^s z·q / (|z| |q|), whose softmax over
    all references are probabilities among these (arXiv 2103.00020), SigLIP the same + b, whose sigmoid is the
    probability of each pair (arXiv 2303.15343).

    Args:
        references: vectors (C, D) or one (D,), an array or a list of them; or images of every kind that `explain`
            takes, which the model embeds as it does those that are explained, once more when its weights have changed.
        texts: in place of these, prompts for the model's own text encoder.
        names: one a reference; by default names of files, the texts, or "reference 0"….
        measure: None is `"logits"` for texts where the model has such, else `"cosine"`.
        tokenizer: for texts: the preprocessor of keras-hub that belongs to the model, which also makes images ready
            where `preprocess="auto"`, or a function of a list of texts that returns what the text encoder takes; None
            for `model.preprocessor`.

    Returns:
        What `Explainer(model, references=…)`, `explain` and `KxWidget` take.

    Raises:
        ParameterError: no references or both kinds, another measure, names of another length, vectors that are NaN,
            ragged or 0.
    """
    if (references is None) == (texts is None):
        raise ParameterError("similar_to() takes vectors or images, or texts=: pass one of them.")
    if measure is not None and measure not in get_args(Measure):
        raise ParameterError(f"There is no measure {measure!r}.{did_you_mean(measure, get_args(Measure))}")
    if isinstance(names, str):
        raise ParameterError(f"names={names!r} must be a list of names, one for each reference.")
    named = None if names is None else tuple(map(str, names))
    if texts is not None:
        prompts = (texts,) if isinstance(texts, str) else tuple(texts)
        if not prompts or not all(str(text).strip() for text in prompts):
            raise ParameterError(f"texts={texts!r:.100} must be a list of texts, none of which is empty.")
        return References(texts=prompts, names=_checked(named, len(prompts)), measure=measure, tokenizer=tokenizer)
    if (vectors := _as_vectors(references)) is None:
        return References(images=references, names=named, measure=measure)
    return References(check_vectors(vectors, measure), names=_checked(named, len(vectors)), measure=measure)


def _checked(names: tuple[str, ...] | None, count: int) -> tuple[str, ...] | None:
    if names is not None and len(names) != count:
        raise ParameterError(f"There are {len(names)} names for {count} references: pass one for each.")
    return names


def names_of(references: References, count: int, files: Sequence[str] = ()) -> tuple[str, ...]:
    """One name for each of so many references.

    Raises:
        ParameterError: the names that were given are not as many.
    """
    by_themselves = references.texts or tuple(files) or tuple(f"reference {i}" for i in range(count))
    return _checked(references.names, count) or by_themselves


def _as_vectors(references: Any) -> Floats | None:
    """References as vectors (C, D); None where these are images."""
    if isinstance(references, np.ndarray) or hasattr(references, "__array__"):
        array = np.asarray(references)
        return np.atleast_2d(array) if array.ndim in (1, 2) and array.dtype.kind in "buif" else None
    if not isinstance(references, (list, tuple)) or not references:
        return None
    rows = [np.asarray(row) for row in references if not isinstance(row, (str, bytes)) and np.ndim(row) <= 1]
    if len(rows) < len(references) or any(row.dtype.kind not in "buif" for row in rows):
        return None
    if len({row.shape for row in rows}) > 1:
        lengths = sorted({row.size for row in rows})
        raise ParameterError(f"The references are vectors of {lengths} numbers: all must be as long as the embedding.")
    return np.atleast_2d(np.stack(rows))


def check_vectors(vectors: Any, measure: str | None, dimension: int | None = None) -> Floats:
    """Vectors (C, D) as float32.

    Raises:
        ParameterError: one of them is NaN, infinite or, but for the dot product, 0; or D is not the `dimension`.
    """
    vectors = np.asarray(vectors, np.float32)
    if not vectors.size:
        raise ParameterError("There are no references: pass at least one.")
    if dimension is not None and vectors.shape[1] != dimension:
        raise ParameterError(
            f"The references have {vectors.shape[1]} numbers each, and the model's embedding has {dimension}: embed "
            "them with this model, or pass images."
        )
    if len(broken := np.flatnonzero(~np.isfinite(vectors).all(1))):
        raise ParameterError(f"Reference {broken[0]} is NaN or infinite.")
    if measure != "dot" and len(zeros := np.flatnonzero(~vectors.any(1))):
        raise ParameterError(f"Reference {zeros[0]} is 0 everywhere, and has no direction to be similar to.")
    return vectors
