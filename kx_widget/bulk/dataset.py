"""Explanations of a source, one a batch."""

import warnings
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

from kx_widget.bulk.pipeline import Pipeline, PipelineSettings
from kx_widget.bulk.sources import Source, read_source
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.explanation import Explanation

SHOWN = 20


class Explanations(Iterator[Explanation]):
    """What `Explainer.explain_dataset` returns: explanations, one a batch.

    `done` images were explained; `skipped` are (name, reason) of those that were not.
    """

    def __init__(
        self, explainer: Explainer, source: Any, settings: PipelineSettings, progress: bool, labels: str | None = None
    ) -> None:
        self.done: int = 0
        self.skipped: list[tuple[str, str]] = []
        source = read_source(source, labels, explainer.class_names, explainer.inputs)
        pipeline = Pipeline(explainer, replace(settings, total=source.total))
        pipeline.check_labels(source)
        self._explanations = self._all(pipeline, source, progress)

    def _all(self, pipeline: Pipeline, source: Source, progress: bool) -> Generator[Explanation, None, None]:
        with (
            closing(source.items()) as items,
            closing(pipeline.explain(pipeline.loader.settle(items))) as batches,
            progress_bar(source.total, progress) as bar,
        ):
            for explained in batches:
                self.skipped += [(sample.item.id, sample.problem) for sample in explained.batch.broken]
                self.done += len(explained.batch.good)
                bar.update(explained.size)
                if explained.explanation is not None:
                    yield explained.explanation
        if self.skipped:
            more = f"\n  and {len(self.skipped) - SHOWN} more" if len(self.skipped) > SHOWN else ""
            listed = "".join(f"\n  {name}: {reason}" for name, reason in self.skipped[:SHOWN])
            warnings.warn(f"{len(self.skipped)} images were skipped:{listed}{more}", RuntimeWarning, stacklevel=3)

    def __next__(self) -> Explanation:
        return next(self._explanations)

    def close(self) -> None:
        """Stop reading; what is under way in the model is waited for."""
        self._explanations.close()


def progress_bar(total: int | None, shown: bool) -> Any:
    """A progress bar that counts images."""
    from tqdm.auto import tqdm

    return tqdm(total=total, unit="image", disable=not shown)
