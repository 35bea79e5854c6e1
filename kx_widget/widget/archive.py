"""Answers that are kept, and the block of bytes that keeps them without a kernel; `js/src/kernel/archive.ts` reads it.

The block is gzip of: the header's length (uint32, little-endian), the header (JSON), zeros up to a multiple of four,
and the buffer that the maps' headers point into.
"""

import gzip
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kx_widget.engine.types import Floats
from kx_widget.widget.codec import encode
from kx_widget.widget.concept_search import ConceptMessage, KnownConcepts
from kx_widget.widget.evidence import Records
from kx_widget.widget.messages import VERSION, Column
from kx_widget.widget.model_messages import AgreementRecord
from kx_widget.widget.ranking import Ranking
from kx_widget.widget.reduced_maps import factor_of, reduce
from kx_widget.widget.scored_curves import ScoredCurves
from kx_widget.widget.segmentations import PackedLabels
from kx_widget.widget.serialize import Tile, prediction_numbers

KEPT_BYTES = 64 * 2**20
# Maps up to so many bytes are kept as they are, larger ones in 16 bits.
EXACT_BYTES = 4096
# What the longest side of a map may be, largest first; the last two only for an answer that fits in no other way.
SIDES = (None, 112, 56, 28)
LAST_SIDES = (14, 7)
# Of a page so much may be what was scored along curves.
CURVES_PART = 0.5
# So much may be which classes win where.
SEGMENTATIONS_PART = 0.25
# So much may be concepts.
CONCEPTS_PART = 0.25
# So much may be what was explained while the model was trained.
EPOCHS_PART = 0.5


@dataclass(frozen=True)
class KeptAnswer:
    """An answer, whole or as far as it had come, the traits of its question, and how long it took if that is known.

    `evidence` grows while its maps are measured; `curves` are what was scored to measure some of them; `rankings` are
    the tables of methods for its targets; `agreements` say how far the maps of several models agree, `models` are the
    scores and probabilities (N, C) of those that are compared with the first, by name.
    """

    traits: Mapping[str, Any]
    columns: Sequence[Column]
    tiles: Sequence[Tile]
    seconds: float | None
    is_whole: bool = True
    evidence: Records = field(default_factory=dict)
    curves: Sequence[ScoredCurves] = ()
    rankings: Sequence[Ranking] = ()
    agreements: Sequence[AgreementRecord] = ()
    models: Mapping[str, tuple[Floats, Floats]] = field(default_factory=dict)


@dataclass(frozen=True)
class SavedEpochs:
    """What was explained while the model was trained: of each moment its record and the bytes of its maps."""

    moments: Sequence[tuple[Mapping[str, Any], bytes]] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Asides:
    """What a page keeps beside answers.

    Attributes:
        segmentations: which classes win where, by image; those that would take too much room are left out.
        concepts: of the images; those of images that would take too much room are left out.
        nearest: which images are alike, as the page is told it.
        epochs: what was explained while the model was trained.
    """

    segmentations: Mapping[int, PackedLabels] = field(default_factory=dict)
    concepts: KnownConcepts | None = None
    nearest: Mapping[str, Any] | None = None
    epochs: SavedEpochs = SavedEpochs()


BlockParts = tuple[Sequence[ScoredCurves], Mapping[int, PackedLabels], Sequence[ConceptMessage], SavedEpochs]


class Archive:
    """The answers of one widget; those asked longest ago go first.

    Args:
        limit: bytes of maps that are kept.
    """

    def __init__(self, limit: int = KEPT_BYTES) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._answers: OrderedDict[str, KeptAnswer] = OrderedDict()
        self._version = 0

    def keep(self, answer: KeptAnswer, version: int) -> None:
        """Keep an answer, unless it is part of one that is kept.

        One of another version of the weights drops all others, which are of another model.
        """
        key = json.dumps(answer.traits, sort_keys=True, default=str)
        with self._lock:
            if version != self._version:
                self._answers.clear()
                self._version = version
            last = self._answers.pop(key, answer)
            self._answers[key] = last if last.is_whole and not answer.is_whole else answer
            size = sum(map(_size, self._answers.values()))
            while size > self._limit and len(self._answers) > 1:
                size -= _size(self._answers.popitem(last=False)[1])

    def drop(self, is_stale: Callable[[Mapping[str, Any]], bool]) -> None:
        """Drop the answers to questions of which this is true."""
        with self._lock:
            stale = [key for key, answer in self._answers.items() if is_stale(answer.traits)]
            for key in stale:
                del self._answers[key]

    def answers(self) -> list[KeptAnswer]:
        """All answers, the latest one last."""
        with self._lock:
            return list(self._answers.values())

    def clear(self) -> None:
        """Drop all answers."""
        with self._lock:
            self._answers.clear()


def pack(
    welcome: Mapping[str, Any],
    predictions: tuple[Floats, Floats] | None,
    answers: Sequence[KeptAnswer],
    limit: int,
    alone: bool = False,
    asides: Asides = Asides(),
) -> bytes:
    """A block of at most `limit` bytes, or the header alone.

    Where not everything fits, large maps are averaged down first; then the oldest answers are left out.

    Args:
        welcome: what the kernel greets a view with.
        predictions: scores and probabilities (N, C).
        answers: the one to show first is the last.
        limit: in bytes.
        alone: no kernel will ever answer the page that this is for.
        asides: what else it keeps.
    """
    concept_parts = [] if asides.concepts is None else asides.concepts.saved(int(CONCEPTS_PART * limit))
    segmented = _segmentations_within(asides.segmentations, int(SEGMENTATIONS_PART * limit))
    chosen = list(answers)
    curves = _curves_within(answers, int(CURVES_PART * limit)) if alone else []
    while chosen:
        for side in SIDES if len(chosen) > 1 else SIDES + LAST_SIDES:
            # Compression rarely halves maps: what is far too large need not be tried.
            if sum(_size(answer, side) for answer in chosen) <= 4 * limit:
                left_out = len(answers) - len(chosen)
                facts = {"alone": alone, "left_out": left_out, "nearest": asides.nearest}
                parts = curves, segmented, concept_parts, asides.epochs
                block = _block(welcome, predictions, chosen, facts, side, parts)
                if len(block) <= limit:
                    return block
        chosen = chosen[(len(chosen) + 3) // 4 :]
    return _block(welcome, predictions, [], {"alone": alone, "left_out": len(answers)}, None)


def _curves_within(answers: Sequence[KeptAnswer], limit: int) -> list[ScoredCurves]:
    """What was scored along curves, of the latest answers first, in at most so many bytes; equal parts count once."""
    curves, parts = list[ScoredCurves](), set[bytes]()
    for each in (each for answer in reversed(answers) for each in answer.curves):
        more = parts.union(each.parts)
        if sum(map(len, more)) <= limit:
            curves.append(each)
            parts = more
    return curves


def _segmentations_within(segmentations: Mapping[int, PackedLabels], limit: int) -> dict[int, PackedLabels]:
    """Those of the first images, in at most so many bytes."""
    segmented = dict[int, PackedLabels]()
    for image, each in sorted(segmentations.items()):
        limit -= len(each.data)
        if limit < 0:
            break
        segmented[image] = each
    return segmented


def _block(
    welcome: Mapping[str, Any],
    predictions: tuple[Floats, Floats] | None,
    answers: Sequence[KeptAnswer],
    facts: Mapping[str, Any],
    side: int | None,
    parts: BlockParts = ((), {}, (), SavedEpochs()),
) -> bytes:
    curves, segmentations, concepts, epochs = parts
    maps = [reduce(values, side) for answer in answers for _, values in answer.tiles]
    models = answers[-1].models if answers else {}
    tables: list[tuple[Floats, Floats]] = [*([] if predictions is None else [predictions]), *models.values()]
    maps += [prediction_numbers(*each, welcome["predicts"]) for each in tables]
    headers, buffer = encode(maps, EXACT_BYTES)
    rest = iter(headers)
    places: dict[bytes, int] = {}

    def placed(part: bytes) -> list[int]:
        """Where it lies in the buffer, and its length."""
        nonlocal buffer
        if part not in places:
            places[part] = len(buffer)
            buffer += part
        return [places[part], len(part)]

    header = {
        **facts,
        "version": VERSION,
        "side": side,
        "welcome": welcome,
        "answers": [
            _answer_record(answer, rest, [c for c in answer.curves if c in curves], placed) for answer in answers
        ],
        "segmentations": [each.record(image, placed(each.data)[0]) for image, each in segmentations.items()],
        "concepts": [{**message, "parts": list(map(placed, buffers))} for message, buffers in concepts],
        "epochs": [{**record, "part": placed(data)} for record, data in epochs.moments],
        "epoch_notes": list(epochs.notes),
        "predictions": predictions and {**next(rest), "best": predictions[0].argmax(-1).tolist()},
        "models": [{**next(rest), "best": each[0].argmax(-1).tolist(), "model": name} for name, each in models.items()],
    }
    text = json.dumps(header, default=str).encode()
    padding = bytes(-(4 + len(text)) % 4)
    # The same answers give the same bytes.
    return gzip.compress(len(text).to_bytes(4, "little") + text + padding + buffer, 6, mtime=0)


def _answer_record(
    answer: KeptAnswer, maps: Iterator[Any], curves: Sequence[Any], placed: Callable[[bytes], list[int]]
) -> dict[str, Any]:
    """What a page keeps of an answer, whose `maps` come next, with these of its `curves`."""
    return {
        "asked": answer.traits,
        "columns": answer.columns,
        "items": [{**item, "score": _finite(item["score"]), **next(maps)} for item, _ in answer.tiles],
        "seconds": answer.seconds,
        "evidence": list(answer.evidence.values()),
        "curves": [
            {
                **{"image": each.image, "column": each.column, "cover": each.cover, "classes": each.classes},
                "parts": [placed(part) for part in each.parts],
            }
            for each in curves
        ],
        "rankings": [ranking.record() for ranking in answer.rankings if ranking.methods],
        "agreements": list(answer.agreements),
    }


def _finite(number: float | None) -> float | None:
    """JSON has no NaN and no infinity."""
    return number if number is not None and np.isfinite(number) else None


def _size(answer: KeptAnswer, side: int | None = None) -> int:
    return sum(values.nbytes // factor_of(values.shape, side) ** 2 for _, values in answer.tiles)
