"""A store of what was explained while a model was trained: one row an image, target and epoch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kx_widget.bulk.arrow import pa, pq
from kx_widget.bulk.job import job_fingerprint
from kx_widget.bulk.loader import Batch, Sample
from kx_widget.bulk.parts import DONE, JOB, Origin, part_name, write_json
from kx_widget.bulk.pipeline import ExplainedBatch, Pipeline, PipelineSettings
from kx_widget.bulk.schema import EPOCH, EPOCH_FIELD, to_table
from kx_widget.bulk.sources import ImageStream, SourceItem
from kx_widget.engine.errors import FormatError, ParameterError
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.explanation import Explanation
from kx_widget.engine.files import atomic_write, check_path, named_errors
from kx_widget.engine.images import Images
from kx_widget.engine.types import Ints


class EpochStore:
    """Writes a part for each epoch that is explained; `Store` reads it, with a column `epoch`.

    Args:
        path: the folder, which must be empty, or not there.

    Raises:
        FormatError: it is no path, or holds something, an earlier training perhaps.
    """

    def __init__(self, path: str | Path) -> None:
        check_path(path, "store is a folder to write.")
        self.path = Path(path)
        self._begun: tuple[StoredQuestion, Pipeline] | None = None
        self._job = ""
        self._parts = 0
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise FormatError(
                f"store={str(path)!r} holds something already, and epochs of two trainings would be mixed: choose "
                "another name, or pass the same callback again to go on."
            )

    def write(self, explained: "ExplainedEpoch") -> None:
        """Write the maps of an epoch, as a part that is there as a whole or not at all.

        Raises:
            ParameterError: another question was asked at first.
            OSError: the file cannot be written.
        """
        pipeline = self._begin(explained.explainer, explained.question)
        about = bool(pipeline.question.regions), explained.explainer.inputs.small_others
        table = to_table(explained.batch(), "float32", None, 0, *about)
        table = table.append_column(EPOCH_FIELD, pa.array([explained.epoch] * len(table), EPOCH_FIELD.type))
        origin = Origin(self._job, self._parts)
        path = self.path / part_name(self._parts)
        with atomic_write(path) as unfinished, named_errors(path):
            table = table.replace_schema_metadata(origin.metadata())
            pq.write_table(table, unfinished, compression="zstd", write_page_checksum=True)
        self._parts += 1

    def close(self) -> None:
        """Say that no epoch follows for the moment."""
        if self._parts:
            write_json(self.path / DONE, {"parts": self._parts})

    def _begin(self, explainer: Explainer, question: "StoredQuestion") -> Pipeline:
        """Begin the folder with what is asked, or make sure that the same is asked again.

        Raises:
            ParameterError: it is not.
        """
        if self._begun is None:
            pipeline = Pipeline(explainer, PipelineSettings(question.targets, question.keywords))
            facts: dict[str, Any] = job_fingerprint(pipeline, ImageStream(()), "float32") | {EPOCH: True}
            self.path.mkdir(parents=True, exist_ok=True)
            write_json(self.path / JOB, facts)
            self._begun, self._job = (question, pipeline), facts["id"]
        first, pipeline = self._begun
        if question != first:
            raise ParameterError(
                f"The store {str(self.path)!r} keeps the answers to the question that it began with: those to another "
                "one are not written."
            )
        (self.path / DONE).unlink(missing_ok=True)
        return pipeline


@dataclass(frozen=True)
class StoredQuestion:
    """What is asked, as `Explainer.explain` takes it: targets in words, and other keywords."""

    targets: list[str]
    keywords: Mapping[str, Any]


@dataclass(frozen=True)
class ExplainedEpoch:
    """The maps of an epoch.

    Attributes:
        explainer: what made them.
        images: of what.
        explanation: the maps.
        epoch: after how many epochs.
        question: to which they are the answer.
        labels: the true classes of the images, or none.
        predicted: the classes of most score (N,).
    """

    explainer: Explainer
    images: Images
    explanation: Explanation
    epoch: float
    question: StoredQuestion
    labels: Sequence[int | None]
    predicted: Ints

    def batch(self) -> ExplainedBatch:
        """The same as a batch of a source."""
        items = [
            SourceItem(position, name, None, self.labels[position] if self.labels else None)
            for position, name in enumerate(self.explanation.names)
        ]
        samples = [Sample(item, None) for item in items]
        return ExplainedBatch(Batch(0, samples, images=self.images), self.explanation, self.predicted)
