"""Where explanations of a training go besides the widget: TensorBoard's files, and a store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from kx_widget.engine.errors import ParameterError
from kx_widget.widget.image_summaries import ImageSummaries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kx_widget.widget.epoch_history import EpochAnswer
    from kx_widget.widget.evidence import ExplainedImages
    from kx_widget.widget.messages import EpochFigure


class EpochOutputs:
    """Writes what was explained at each moment.

    Args:
        log_dir, store: folders; None for none.

    Raises:
        ParameterError, FormatError: they cannot be written.
        ImportError: a store needs pyarrow, an extra.
    """

    def __init__(self, log_dir: str | Path | None, store: str | Path | None) -> None:
        self._summaries = None if log_dir is None else ImageSummaries(log_dir)
        self._store: Any = None
        if store is not None:
            # pyarrow is an extra.
            from kx_widget.bulk.epoch_store import EpochStore

            self._store = EpochStore(store)

    def write(self, answer: EpochAnswer, explained: ExplainedImages, labels: Sequence[int | None], step: int) -> None:
        """Write the maps of a moment.

        Args:
            answer: as of this moment.
            explained: its maps.
            labels: the true classes of the images, or none.
            step: TensorBoard's.

        Raises:
            ParameterError: a store does not keep such answers.
            OSError: a file cannot be written.
        """
        if self._summaries is not None:
            self._summaries.write(explained.explanations, answer.figures, step)
        if self._store is not None:
            self._store.write(_explained_epoch(answer, explained, labels))

    def write_figures(self, figures: Sequence[EpochFigure], step: int) -> None:
        """Write what was measured of a moment after its maps."""
        if self._summaries is not None:
            self._summaries.write((), figures, step)

    def close(self) -> None:
        """Write the ends of the files; a training that goes on opens them again."""
        if self._summaries is not None:
            self._summaries.flush()
        if self._store is not None:
            self._store.close()


def _explained_epoch(answer: EpochAnswer, explained: ExplainedImages, labels: Sequence[int | None]) -> Any:
    """What a store keeps of a moment.

    Raises:
        ParameterError: several explanations are side by side, which no store keeps.
    """
    # pyarrow is an extra.
    from kx_widget.bulk.epoch_store import ExplainedEpoch, StoredQuestion

    if len(explained.explanations) > 1:
        raise ParameterError("A store keeps one explanation a moment: those side by side are not written.")
    (explanation,), ((explainer, images),) = explained.explanations, explained.sources
    keywords = {"method": explanation.method, "layer": explanation.layer or None, **answer.asked["params"]}
    return ExplainedEpoch(
        explainer=explainer,
        images=images,
        explanation=explanation,
        epoch=answer.epoch,
        question=StoredQuestion([column["target"] for column in answer.columns], keywords),
        labels=list(labels),
        predicted=explainer.predict(images)[0].argmax(-1),
    )
