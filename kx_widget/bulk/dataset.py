"""Explanations of a source, batch by batch."""

import time
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from queue import SimpleQueue
from typing import Any

import numpy as np
import tensorflow as tf

from kx_widget.bulk.ahead import in_order
from kx_widget.bulk.reading import Batch, Reader
from kx_widget.bulk.replicas import replicas
from kx_widget.bulk.sources import Source, read_source
from kx_widget.engine.answer import AnswerBuilder
from kx_widget.engine.cache import Cache
from kx_widget.engine.errors import ModelError, UnknownTargetError
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.explanation import Explanation
from kx_widget.engine.images import Images
from kx_widget.engine.question import Question
from kx_widget.engine.registry import check_params
from kx_widget.engine.tasks import WHOLE
from kx_widget.engine.types import Floats, Ints, Parameter

TOLD = 20
# From so many images on, frozen weights save more time than it takes to freeze them.
MANY = 1000
RUN = (
    Parameter("batch_size", "int", None, "Images at once; None keeps the source's batches.", minimum=1),
    Parameter("on_error", "choice", "skip", "What a broken image does.", choices=("skip", "raise")),
)


@dataclass(frozen=True)
class Answer:
    """A batch and what was found: an explanation and the most probable classes (N,), None without a good image."""

    batch: Batch
    explanation: Explanation | None
    predicted: Ints


def _scores(asked: Question) -> Floats:
    return np.concatenate([probe.scores() for _, probe in asked.probes()])


class Run:
    """A checked question about a source, and the pipeline that answers it.

    Args:
        explainer, source, targets, batch_size, on_error, question: see `Explainer.explain_dataset`.
        labels: see `read_source`.
        part: images after which no batch goes on.
        total: images of the whole of which the source is a part.
    """

    def __init__(
        self,
        explainer: Explainer,
        source: Any,
        targets: Any,
        batch_size: int | None,
        on_error: str,
        question: dict[str, Any],
        labels: str | None = None,
        part: int | None = None,
        total: int | None = None,
    ) -> None:
        check_params("explain_dataset", RUN, {"batch_size": batch_size, "on_error": on_error})
        if isinstance(targets, np.ndarray) and targets.ndim == 2:
            raise UnknownTargetError("An array of targets goes with a fixed number of images: use explain for it.")
        self.explainer = explainer
        self.source: Source = read_source(source, labels, explainer.class_names)
        self.targets = targets
        self.question = question
        self.asked = explainer.ask(blank(explainer), targets, **question)
        self._reading = batch_size, on_error, part
        self._total = total or self.source.total

    def answers(self, wanted: Callable[[int], bool] = lambda _: True) -> Generator[Answer, None, None]:
        """Answers in order, for the wanted parts."""
        reader = Reader(self.explainer, *self._reading, wanted)
        batches = reader.batches(self.source.items())
        try:
            yield from _explained(self.explainer, batches, self._answer)
        finally:
            batches.close()

    def _answer(self, explainer: Explainer, batch: Batch) -> Answer:
        """Explain one loaded batch; what was learned about its images is forgotten.

        Images whose scores are no numbers raise, or count as broken.
        """
        if batch.images is None:
            return Answer(batch, None, np.zeros(0, np.int64))
        start = time.perf_counter()
        asked = explainer.ask(batch.images, self.targets, **self.question)
        model, version = asked.model, asked.model.weights.version()
        # Known of a batch whatever was done before it: a run that is taken up again comes to the same.
        if (self._total or batch.good[-1].item.position) >= MANY:
            model = replace(model, functions=model.functions.frozen(version))
        asked = replace(asked, model=model, cache=Cache(asked.cache.limit))
        try:
            builder = AnswerBuilder(asked).add_all(asked.stream(version, partials=False))
        except ModelError:
            bad = np.asarray(~np.isfinite(_scores(asked)).all(-1))
            if self._reading[1] == "raise" or not bad.any():
                raise
            return self._answer(explainer, batch.without(bad, "the model's scores are NaN or infinite"))
        explanation = builder.explanation(time.perf_counter() - start)
        return Answer(batch, explanation, _scores(asked).argmax(-1))


def _explained(
    explainer: Explainer, batches: Iterable[Batch], fn: Callable[[Explainer, Batch], Answer]
) -> Iterator[Answer]:
    batches = iter(batches)
    first = next(batches, None)
    if first is None:
        return
    # The first batch has settled the input size, for which the replicas get ready.
    idle: SimpleQueue[tuple[Any, Explainer]] = SimpleQueue()
    found = replicas(explainer)
    for one in found:
        idle.put(one)

    def work(batch: Batch) -> Answer:
        device, replica = idle.get()
        try:
            with tf.device(device):
                return fn(replica, batch)
        finally:
            idle.put((device, replica))

    def again() -> Iterator[Batch]:
        yield first
        yield from batches

    yield from in_order(work, again(), len(found), len(found))


class Explanations(Iterator[Explanation]):
    """What `Explainer.explain_dataset` returns: explanations, one a batch.

    `done` images were explained; `skipped` are (name, reason) of those that were not.
    """

    def __init__(
        self,
        explainer: Explainer,
        source: Any,
        targets: Any,
        batch_size: int | None,
        on_error: str,
        progress: bool,
        question: dict[str, Any],
    ) -> None:
        self.done = 0
        self.skipped: list[tuple[str, str]] = []
        run = Run(explainer, source, targets, batch_size, on_error, question)
        self._explanations = self._all(run, progress)

    def _all(self, run: Run, progress: bool) -> Generator[Explanation, None, None]:
        answers = run.answers()
        with bar(run.source.total, progress) as shown:
            try:
                for found in answers:
                    self.skipped += [(one.item.id, one.problem) for one in found.batch.broken]
                    self.done += len(found.batch.good)
                    shown.update(len(found.batch.good) + len(found.batch.broken))
                    if found.explanation is not None:
                        yield found.explanation
            finally:
                answers.close()
        tell(self.skipped)

    def __next__(self) -> Explanation:
        return next(self._explanations)

    def close(self) -> None:
        """Stop reading; what is under way in the model is waited for."""
        self._explanations.close()


def bar(total: int | None, shown: bool) -> Any:
    """A progress bar that counts images."""
    from tqdm.auto import tqdm

    return tqdm(total=total, unit="image", disable=not shown)


def tell(skipped: list[tuple[str, str]]) -> None:
    """Warn of images that were left out."""
    if skipped:
        more = f"\n  and {len(skipped) - TOLD} more" if len(skipped) > TOLD else ""
        listed = "".join(f"\n  {name}: {reason}" for name, reason in skipped[:TOLD])
        warnings.warn(f"{len(skipped)} images were skipped:{listed}{more}", RuntimeWarning, stacklevel=3)


def blank(explainer: Explainer) -> Images:
    """One image of nothing, to check a question before anything is read."""
    shape = explainer.inspection.input_shape
    pixels = np.zeros((*shape[:2], 3), np.uint8)
    batch = np.zeros((1, *shape), np.float32)
    about = explainer.preprocessing, 0, lambda: batch[:, 0, 0]
    return Images(batch, pixels[None], (pixels,), (WHOLE,), ("",), ("",), *about)
