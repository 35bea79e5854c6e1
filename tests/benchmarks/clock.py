"""Time in units of F, one compiled forward of a batch, taken right before and after what is measured."""

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

Work = Callable[[], Any]


@dataclass(frozen=True)
class Ratio:
    """Times over F: the median of the rounds, the least and the most."""

    median: float
    low: float
    high: float
    rounds: int

    def __str__(self) -> str:
        spread = f" ({self.low:.3g} … {self.high:.3g})" if self.rounds > 1 else ""
        return f"{self.median:.3g} F{spread}"


def seconds(work: Work) -> float:
    """How long one run takes."""
    gc.collect()
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


class Forward:
    """One compiled forward of `model` on `batch`, and races against it."""

    def __init__(self, model: Any, batch: Any) -> None:
        compiled = tf.function(lambda batch: model(batch, training=False), autograph=False)
        given = tf.constant(batch)
        self._run = lambda: compiled(given).numpy()
        self._taken: list[float] = []
        for _ in range(2):
            self._run()

    @property
    def median(self) -> float:
        """Of all F so far, in seconds."""
        return statistics.median(self._taken or [self.once() for _ in range(5)])

    def once(self) -> float:
        """One F in seconds."""
        self._taken.append(seconds(self._run))
        return self._taken[-1]

    def ratio(self, work: Work, rounds: int = 5, limit: float = 15) -> Ratio:
        """How many F a run of `work` takes, after one that warms up."""
        work()
        return self.race({"": work}, rounds, limit)[""]

    def race(self, works: Mapping[str, Work], rounds: int = 5, limit: float = 15) -> dict[str, Ratio]:
        """All in turn, `rounds` times, each over the mean of the F before and the F after; see `ratio` for one alone.

        What has run for `limit` seconds in all runs no more.
        """
        found: dict[str, list[float]] = {name: [] for name in works}
        spent = dict.fromkeys(works, 0.0)
        for _ in range(rounds):
            for name, work in works.items():
                if spent[name] < limit:
                    before, took = self.once(), seconds(work)
                    found[name].append(2 * took / (before + self.once()))
                    spent[name] += took
        return {name: Ratio(statistics.median(r), min(r), max(r), len(r)) for name, r in found.items()}
