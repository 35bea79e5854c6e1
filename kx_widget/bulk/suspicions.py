"""Groups of images that a model takes for a class by something of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kx_widget.bulk.clusters import clusterings_of
from kx_widget.bulk.store import Store
from kx_widget.engine.types import Floats, Ints

# A class, and a cluster of it, needs so many images to say something of them.
LEAST_OF_CLASS, LEAST_OF_CLUSTER = 40, 8
# Two clusters are the same where so much of what either has is in both.
SAME = 0.5
EXAMPLES = 12


@dataclass(frozen=True, eq=False)
class Suspicion:
    """Images of one predicted class whose evidence is of another kind than that of the others.

    Attributes:
        target, target_name: the class.
        rows: of the store, those whose evidence is most like the mean first.
        others: rows of the others of the class.
        share: how large a part of the class they are.
        tightness, class_tightness: the mean cosine of their evidence with its mean, and that of the whole class.
        wrong, others_wrong: how many of them, and of the others of the class, are predicted wrong; NaN without labels.
        weights: of the channels (K,): how much of each one's relevance they have beyond the others, 0 to 1.
    """

    target: int
    target_name: str
    rows: Ints
    others: Ints
    share: float
    tightness: float
    class_tightness: float
    wrong: float
    others_wrong: float
    weights: Floats

    @property
    def rank(self) -> float:
        """How suspicious they are: for being few, alike beyond the class, and, counted twice, wrong more often."""
        alike = (self.tightness - self.class_tightness) / max(1 - self.class_tightness, 1e-6)
        excess = 0.0 if np.isnan(self.wrong - self.others_wrong) else max(self.wrong - self.others_wrong, 0)
        return 1 - self.share + max(alike, 0) + 2 * excess


@dataclass(frozen=True, eq=False)
class Suspicions:
    """The most suspicious first, with what was looked at.

    Attributes:
        found: the suspicions.
        rows: of the store that were looked at.
        available: how many rows there were to look at.
        classes: names of the classes that were looked at.
        left_out: names of classes of too few images.
    """

    found: tuple[Suspicion, ...]
    rows: Ints
    available: int
    classes: tuple[str, ...]
    left_out: tuple[str, ...]


def suspicions_in(store: Store, most_rows: int = 100_000, seed: int = 0) -> Suspicions:
    """Cluster the relevance of channels, class by class; every cluster is a suspicion, and no more than that.

    Of each image, the row of the class that it is predicted to be counts.

    Args:
        store: with the relevance of channels.
        most_rows: if there are more, so many of them are drawn.
        seed: of what is drawn.

    Raises:
        FormatError: the store does not tell the relevance of channels.
        MissingPackageError: scikit-learn is missing.

    Reference: Dreyer et al. 2023, arXiv 2311.16681.
    """
    every = _rows_of_predictions(store)
    rows = every
    if len(rows) > most_rows:
        rows = np.sort(np.random.default_rng(seed).choice(rows, most_rows, replace=False))
    directions, lengths = _directions(store, rows)
    tells = lengths > 0
    table = store.columns(["target", "target_name", "predicted", "label"]).take(rows[tells])
    rows, directions, lengths = rows[tells], directions[tells], lengths[tells]
    targets = table.column("target").to_numpy()
    labels = table.column("label").to_numpy(zero_copy_only=False).astype(np.float32)
    wrong = np.where(np.isnan(labels), np.nan, labels != targets).astype(np.float32)
    suspicions: list[Suspicion] = []
    names: dict[bool, list[str]] = {True: [], False: []}
    for target in np.unique(targets):
        of_class = np.flatnonzero(targets == target)
        name = table.column("target_name")[int(of_class[0])].as_py()
        names[len(of_class) >= LEAST_OF_CLASS].append(name)
        if len(of_class) >= LEAST_OF_CLASS:
            parts = directions[of_class], lengths[of_class], wrong[of_class]
            suspicions += _of_class(int(target), name, rows[of_class], *parts, seed)
    suspicions.sort(key=lambda suspicion: -suspicion.rank)
    return Suspicions(tuple(suspicions), rows, len(every), tuple(names[True]), tuple(names[False]))


def _rows_of_predictions(store: Store) -> Ints:
    """Rows that explain the class their image is predicted to be, one of each image."""
    numbers = store.select()
    table = store.columns(["id", "target", "predicted"]).take(numbers)
    of_prediction = np.flatnonzero(table.column("target").to_numpy() == table.column("predicted").to_numpy())
    ids: Any = table.column("id").take(of_prediction).to_numpy(zero_copy_only=False)
    # The rows of an image stand one after the other.
    is_first = np.ones(len(ids), bool)
    is_first[1:] = ids[1:] != ids[:-1]
    return numbers[of_prediction[is_first]]


def _directions(store: Store, rows: Ints) -> tuple[Any, Floats]:
    """The relevance of the channels in these rows, as float16 (n, K) of length 1, and how long it was (n,)."""
    directions = np.zeros((len(rows), store.channels), np.float16)
    lengths = np.zeros(len(rows), np.float32)
    start = 0
    for vectors in store.channel_relevance():
        at = slice(*np.searchsorted(rows, (start, start + len(vectors))))
        chosen = vectors[rows[at] - start]
        lengths[at] = np.nan_to_num(np.linalg.norm(chosen, axis=1), nan=0, posinf=0)
        tells = lengths[at] > 0
        directions[at][tells] = chosen[tells] / lengths[at][tells, None]
        start += len(vectors)
    return directions, lengths


def _of_class(
    target: int, name: str, rows: Ints, directions: Any, lengths: Floats, wrong: Floats, seed: int
) -> list[Suspicion]:
    mean = _unit(_weighted_sum(directions, np.ones(len(rows), np.float32)))
    class_tightness = float(np.mean(_dots(directions, mean)))
    total = _weighted_sum(directions, lengths)
    suspicions: list[Suspicion] = []
    for members in _candidates(clusterings_of(directions, seed)):
        count = int(members.sum())
        alike = _dots(directions, _unit(_weighted_sum(directions, members.astype(np.float32))))
        order = np.flatnonzero(members)[np.argsort(-alike[members], kind="stable")]
        relevance = _weighted_sum(directions, lengths * members)
        weights = channel_weights(relevance / count, (total - relevance) / (len(rows) - count))
        suspicions.append(
            Suspicion(
                target, name, rows[order], rows[~members], count / len(rows), float(alike[members].mean()),
                class_tightness, _mean(wrong[members]), _mean(wrong[~members]), weights,
            )
        )  # fmt: skip
    return suspicions


def _candidates(clusterings: Sequence[Ints]) -> list[NDArray[np.bool_]]:
    """The members (n,) of each cluster that is neither too small nor nearly one that a coarser cut had."""
    candidates: list[NDArray[np.bool_]] = []
    for clusters in clusterings:
        for cluster in np.unique(clusters):
            members = clusters == cluster
            is_new = all((members & other).sum() < SAME * (members | other).sum() for other in candidates)
            if is_new and min(members.sum(), (~members).sum()) >= LEAST_OF_CLUSTER:
                candidates.append(members)
    return candidates


def channel_weights(members: Any, others: Any) -> Floats:
    """How much of each channel's relevance to the members (K,) is beyond that to the others; 0 where it is negative."""
    positive = np.maximum(members, 0)
    own = np.maximum(positive - np.maximum(others, 0), 0)
    return np.divide(own, positive, out=np.zeros_like(positive), where=positive > 0).astype(np.float32)


def _weighted_sum(directions: Any, weights: Floats) -> Floats:
    """Σ_n weights_n directions_n, piece by piece, since float16 has to be widened."""
    parts = [weights[at] @ directions[at].astype(np.float32) for at in _pieces(len(directions))]
    return np.sum(parts, axis=0).astype(np.float32)


def _dots(directions: Any, direction: Floats) -> Floats:
    return np.concatenate([directions[at].astype(np.float32) @ direction for at in _pieces(len(directions))])


def _pieces(count: int) -> Sequence[slice]:
    return [slice(at, at + 4096) for at in range(0, count, 4096)]


def _unit(vector: Floats) -> Floats:
    return vector / max(float(np.linalg.norm(vector)), np.finfo(np.float32).tiny)


def _mean(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
