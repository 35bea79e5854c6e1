"""The pipeline from a source's items to explained batches."""

import time
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cached_property
from queue import SimpleQueue
from typing import Any

import numpy as np

from kx_widget.bulk.loader import Batch, BatchLoader
from kx_widget.bulk.sources import Source, SourceItem
from kx_widget.bulk.threads import ordered_map
from kx_widget.engine.answer import AnswerBuilder
from kx_widget.engine.cache import Cache
from kx_widget.engine.channel_relevance import channel_relevance, channels_of
from kx_widget.engine.errors import ModelError, UnknownTargetError
from kx_widget.engine.evaluator import evidence_of
from kx_widget.engine.evidence_columns import EvidenceLevel, check_level, evidence_names
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.explanation import Explanation
from kx_widget.engine.images import Images
from kx_widget.engine.lazy_modules import tf
from kx_widget.engine.parameters import check_params
from kx_widget.engine.pooled_activations import all_pooled, embedding_question
from kx_widget.engine.question import Question, model_failures
from kx_widget.engine.targets import mentions_true
from kx_widget.engine.types import WHOLE, Floats, Ints, Parameter

# From so many images on, frozen weights save more time than it takes to freeze them.
MANY = 1000
# Images in a file of a store.
PART_IMAGES = 1024
SETTINGS = (
    Parameter("batch_size", "int", None, "Images at once; None keeps the source's batches.", minimum=1),
    Parameter("on_error", "choice", "skip", "What a broken image does.", choices=("skip", "raise")),
)


@dataclass(frozen=True)
class ExplainedBatch:
    """A batch, its explanation, None without a good image, and the most probable classes (N,).

    `channel_relevance` (N, T, K), and mean activations as `embeddings` (N, K), are there where they were asked for.
    """

    batch: Batch
    explanation: Explanation | None
    predicted: Ints
    channel_relevance: Floats | None = None
    embeddings: Floats | None = None

    @property
    def size(self) -> int:
        """How many images of the source it took, broken ones included."""
        return len(self.batch.good) + len(self.batch.broken)


@dataclass(frozen=True)
class PipelineSettings:
    """What is asked of all images of a source, and how they go through the model; arguments of `explain_to`.

    Attributes:
        part_images: images after which no batch goes on; None for no such bounds.
        total: images of the whole source; None if nobody knows.
        evidence: how much is told of how far each map can be believed.
        channel_relevance, embeddings: whether to gather these, too.
    """

    targets: Any = "top"
    question: Mapping[str, Any] = field(default_factory=dict)
    batch_size: int | None = None
    on_error: str = "skip"
    part_images: int | None = PART_IMAGES
    total: int | None = None
    evidence: EvidenceLevel | None = None
    channel_relevance: bool = False
    embeddings: bool = False


class Pipeline:
    """Explains a source's items: decodes them in threads, and keeps each device of the model busy.

    Raises:
        Those of `Explainer.explain` that a question alone can cause.
    """

    def __init__(self, explainer: Explainer, settings: PipelineSettings) -> None:
        check_params("explain_dataset", SETTINGS, {"batch_size": settings.batch_size, "on_error": settings.on_error})
        self._evidence = evidence_names(check_level(settings.evidence))
        if isinstance(settings.targets, np.ndarray) and settings.targets.ndim == 2:
            raise UnknownTargetError("An array of targets goes with a fixed number of images: use explain for it.")
        self.explainer = explainer
        self.settings = settings
        self.loader: BatchLoader = BatchLoader(explainer, settings.batch_size, settings.on_error, settings.part_images)
        # Whether there are labels is known when there are images; models of a single score take none.
        each: list[Any] = list(settings.targets) if isinstance(settings.targets, (list, tuple)) else [settings.targets]
        labels = [0] if any(map(mentions_true, each)) else None
        self.question: Question = explainer.ask(blank(explainer), settings.targets, labels=labels, **settings.question)
        # How many channels' relevance is gathered.
        self.channels: int = channels_of(self.question) if settings.channel_relevance else 0
        # The layer that embeddings are of, and how many numbers each has, as JSON has it.
        self.embeddings: dict[str, Any] | None = _embeddings_of(self.question) if settings.embeddings else None
        self._needs_labels = self.question.columns.needs_labels
        # Those of a stream are known as they come.
        self._awaits_labels = False

    def check_labels(self, source: Source) -> None:
        """Refuse to explain the true classes of images that have no labels.

        Raises:
            UnknownTargetError: at once for files, for a stream with the first images that come.
        """
        if self._needs_labels and source.has_labels is False:
            raise UnknownTargetError(
                '"true" is the label of each image, and none of these files has one: name their folders after the '
                'classes, and pass labels="folder" (in a shell --labels folder).'
            )
        self._awaits_labels = self._needs_labels and source.has_labels is None

    def _with_labels(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """The batches, once the first with an image that can be read is known to have labels where these are needed."""
        for batch in batches:
            if self._awaits_labels and batch.good:
                if all(sample.item.label is None for sample in batch.good):
                    raise UnknownTargetError(
                        f'"true" is the label of each image, and the first {len(batch.good)} images of the source have '
                        "none: yield (images, labels)."
                    )
                self._awaits_labels = False
            yield batch

    def _ask(self, explainer: Explainer, batch: Batch) -> Question:
        labels = [sample.item.label for sample in batch.good] if self._needs_labels else None
        return explainer.ask(batch.images, self.settings.targets, labels=labels, **self.settings.question)

    def explain(self, items: Iterable[SourceItem]) -> Generator[ExplainedBatch, None, None]:
        """Yield explained batches, in the order of the items; the loader has been settled.

        Raises:
            Those of `Explainer.explain`.
        """
        idle: SimpleQueue[tuple[Any, Explainer]] = SimpleQueue()
        for replica in self._replicas:
            idle.put(replica)

        def explain(batch: Batch) -> ExplainedBatch:
            device, explainer = idle.get()
            try:
                with tf.device(device):
                    return self._explained(explainer, batch)
            finally:
                idle.put((device, explainer))

        with closing(self.loader.batches(items)) as batches:
            yield from ordered_map(explain, self._with_labels(batches), len(self._replicas), len(self._replicas))

    @cached_property
    def _replicas(self) -> list[tuple[Any, Explainer]]:
        return replicas(self.explainer)

    def _explained(self, explainer: Explainer, batch: Batch) -> ExplainedBatch:
        if batch.images is None:
            return ExplainedBatch(batch, None, np.zeros(0, np.int64))
        start = time.perf_counter()
        question = self._ask(explainer, batch)
        model, version = question.model, question.model.weights.version()
        # Known of a batch whatever was done before it: a run that is taken up again comes to the same.
        if (self.settings.total or batch.good[-1].item.position) >= MANY:
            model = replace(model, functions=model.functions.frozen(version))
        # What is learned about these images is forgotten with them.
        question = replace(question, model=model, cache=Cache(question.cache.limit))
        try:
            builder = AnswerBuilder(question).add_all(question.stream(version, partials=False))
        except ModelError:
            bad = np.asarray(~np.isfinite(_scores(question)).all(-1))
            if self.settings.on_error == "raise" or not bad.any():
                raise
            return self._explained(explainer, batch.without(bad, "the model's scores are NaN or infinite"))
        explanation, scores = builder.explanation(time.perf_counter() - start), _scores(question)
        if self._evidence:
            evidence = evidence_of(question, explanation, self._evidence, scores, explainer.ask)
            explanation = replace(explanation, evidence=evidence)
        relevance = channel_relevance(question) if self.channels else None
        embeddings = all_pooled(embedding_question(question)) if self.embeddings else None
        return ExplainedBatch(batch, explanation, scores.argmax(-1), relevance, embeddings)


def _embeddings_of(question: Question) -> dict[str, Any]:
    call = embedding_question(question).call
    assert call is not None
    return {"layer": call.path, "channels": int(call.tensor.shape[-1])}


def _scores(question: Question) -> Floats:
    with model_failures():
        # Scores that are no numbers are told apart here, and not refused.
        return np.concatenate(
            [question.ranking(*of) if question.regions else of[1].scores() for of in question.probes()]
        )


def replicas(explainer: Explainer) -> list[tuple[Any, Explainer]]:
    """(device, explainer) for each device of the model's `tf.distribute` strategy; the first is the explainer itself.

    A graph traced in a replica's context reads that replica's copy of the weights. All are traced here, one after
    the other, since tracing hooks the layers that they share.
    """
    strategy = getattr(explainer.model, "distribute_strategy", None)
    if strategy is None or strategy.num_replicas_in_sync < 2:
        return [(None, explainer)]
    first, *others = strategy.extended.worker_devices
    explainers = [(first, explainer)]
    for number, device in enumerate(others, 1):
        with tf.distribute.ReplicaContext(strategy, number), tf.device(device):
            twin = Explainer(explainer.model, **vars(explainer.settings))
            twin.prepare(explainer.inspection.input_shape)
        explainers.append((device, twin))
    return explainers


def blank(explainer: Explainer) -> Images:
    """One image of nothing, to check a question before anything is read."""
    shape = explainer.inspection.input_shape
    pixels = np.zeros((*shape[:2], 3), np.uint8)
    batch = np.zeros((1, *shape), np.float32)
    about = explainer.preprocessing, 0, lambda: batch[:, 0, 0]
    images = Images(batch, pixels[None], (pixels,), (WHOLE,), ("",), ("",), *about)
    return images.with_beside(explainer.inputs.zeros)
