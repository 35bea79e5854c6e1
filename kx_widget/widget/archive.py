"""Finished answers, and the block of bytes that keeps them where no kernel is; `js/src/kernel/archive.ts` reads it.

The block is gzip of: the header's length (uint32, little-endian), the header (JSON), zeros up to a multiple of four,
and the buffer that the maps' headers point into.
"""

import gzip
import json
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kx_widget.engine.types import Floats
from kx_widget.widget.codec import encode
from kx_widget.widget.messages import VERSION, Column, Item

KEPT_BYTES = 64 * 2**20
# Maps up to so many bytes are kept as they are, larger ones in 16 bits.
EXACT_BYTES = 4096
# What the longest side of a map may be, largest first; the last two only for an answer that fits in no other way.
SIDES = (None, 112, 56, 28)
LAST_SIDES = (14, 7)


@dataclass(frozen=True)
class Kept:
    """A finished answer; `asked` holds the traits of its question."""

    asked: Mapping[str, Any]
    columns: Sequence[Column]
    items: Sequence[tuple[Item, Floats]]
    seconds: float


class Archive:
    """The finished answers of one widget; those asked longest ago go first.

    Args:
        limit: bytes of maps that are kept.
    """

    def __init__(self, limit: int = KEPT_BYTES) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._held: OrderedDict[str, Kept] = OrderedDict()
        self._weights = 0

    def keep(self, kept: Kept, weights: int) -> None:
        """Keep an answer; with other weights than before, all older ones are answers of another model."""
        key = json.dumps(kept.asked, sort_keys=True, default=str)
        with self._lock:
            if weights != self._weights:
                self._held.clear()
                self._weights = weights
            self._held.pop(key, None)
            self._held[key] = kept
            size = sum(map(_size, self._held.values()))
            while size > self._limit and len(self._held) > 1:
                size -= _size(self._held.popitem(last=False)[1])

    def answers(self) -> list[Kept]:
        """What is kept, the latest answer last."""
        with self._lock:
            return list(self._held.values())

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._held.clear()


def pack(
    welcome: Mapping[str, Any],
    predictions: tuple[Floats, Floats] | None,
    answers: Sequence[Kept],
    limit: int,
    alone: bool = False,
) -> bytes:
    """A block of at most `limit` bytes, or the header alone.

    Where not everything fits, large maps are averaged down first; then the oldest answers are left out.

    Args:
        welcome: what the kernel greets a view with.
        predictions: scores and probabilities (N, C).
        answers: the one to show first is the last.
        limit: in bytes.
        alone: no kernel will ever answer the page that this is for.
    """
    chosen = list(answers)
    while chosen:
        for side in SIDES if len(chosen) > 1 else SIDES + LAST_SIDES:
            # Compression rarely halves maps: what is far too large need not be tried.
            if sum(_size(kept, side) for kept in chosen) <= 4 * limit:
                left_out = len(answers) - len(chosen)
                block = _block(welcome, predictions, chosen, {"alone": alone, "left_out": left_out}, side)
                if len(block) <= limit:
                    return block
        chosen = chosen[(len(chosen) + 3) // 4 :]
    return _block(welcome, predictions, [], {"alone": alone, "left_out": len(answers)}, None)


def _block(
    welcome: Mapping[str, Any],
    predictions: tuple[Floats, Floats] | None,
    answers: Iterable[Kept],
    facts: Mapping[str, Any],
    side: int | None,
) -> bytes:
    maps = [reduce(values, side) for kept in answers for _, values in kept.items]
    if predictions is not None:
        maps.append(predictions[1])
    headers, buffer = encode(maps, EXACT_BYTES)
    rest = iter(headers)
    header = {
        **facts,
        "version": VERSION,
        "side": side,
        "welcome": welcome,
        "answers": [
            {
                "asked": kept.asked,
                "columns": kept.columns,
                "items": [{**item, "score": _finite(item["score"]), **next(rest)} for item, _ in kept.items],
                "seconds": kept.seconds,
            }
            for kept in answers
        ],
        "predictions": predictions and {**next(rest), "best": predictions[0].argmax(-1).tolist()},
    }
    text = json.dumps(header, default=str).encode()
    padding = bytes(-(4 + len(text)) % 4)
    # The same answers give the same bytes.
    return gzip.compress(len(text).to_bytes(4, "little") + text + padding + buffer, 6, mtime=0)


def reduce(values: Floats, side: int | None) -> Floats:
    """A map (h, w) averaged over square blocks, so that it is at most `side` long; None leaves it as it is."""
    factor = _factor(values.shape, side)
    if factor == 1:
        return values
    rows, columns = (np.arange(0, length, factor) for length in values.shape)

    def total(a: Floats) -> Floats:
        return np.add.reduceat(np.add.reduceat(a, rows, 0), columns, 1)

    return total(values) / total(np.ones_like(values))


def _finite(number: float | None) -> float | None:
    """JSON has no NaN and no infinity."""
    return number if number is not None and np.isfinite(number) else None


def _factor(shape: Sequence[int], side: int | None) -> int:
    return 1 if side is None else -(-max(shape) // side)


def _size(kept: Kept, side: int | None = None) -> int:
    return sum(values.nbytes // _factor(values.shape, side) ** 2 for _, values in kept.items)
