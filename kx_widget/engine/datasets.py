"""What an explainer does with more images than fit in memory; the work is done in `kx_widget.bulk`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from kx_widget.bulk.dataset import Explanations


class Datasets:
    """Explanations of any number of images, in bounded memory."""

    def explain_dataset(
        self,
        source: Any,
        targets: Any = "top",
        *,
        batch_size: int | None = None,
        on_error: Literal["skip", "raise"] = "skip",
        progress: bool = False,
        **question: Any,
    ) -> Explanations:
        """Explain image after image of a source of any length; images are decoded while the model is busy.

        A model made under a `tf.distribute` strategy explains a batch on each of its devices at once.

        Args:
            source: a folder, file, glob or a list of these; a `tf.data.Dataset`, a `keras.utils.PyDataset`, a
                generator: of images, batches, `(images, labels)`, or dicts with `"image"` and `"label"`.
            targets: as in `explain`, the same for all images.
            batch_size: images at once; None keeps the source's own batches, and takes 32 of single images.
            on_error: a broken image is skipped, and all of them told at the end, or raises.
            progress: show a bar, with images per second.
            **question: as in `explain`.

        Returns:
            An iterator of one `Explanation` a batch, in order, equal to that of `explain` for the same images; its
            `names` are paths or running numbers. The iterator's `skipped` tells names and reasons, `close()` ends it.

        Raises:
            Those of `explain`: for the question at once, for images as they come.
        """
        from kx_widget.bulk.dataset import Explanations

        return Explanations(self, source, targets, batch_size, on_error, progress, question)  # type: ignore[arg-type]
