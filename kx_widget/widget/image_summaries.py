"""Explanations in the files that TensorBoard shows, one step an epoch."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from kx_widget.engine.drawing import encode
from kx_widget.engine.errors import ParameterError
from kx_widget.engine.explanation import Explanation
from kx_widget.engine.files import check_path, shared_names
from kx_widget.engine.lazy_modules import tf
from kx_widget.widget.messages import EpochFigure

# What tells TensorBoard's plugins what a value is: `DataClass` of its summary.proto.
SCALAR, BLOB_SEQUENCE = 1, 3
# Images of which overlays are written; TensorBoard keeps but few steps of each.
MOST_IMAGES = 16


class ImageSummaries:
    """Writes overlays as images, and means of figures as scalars, without TensorBoard itself.

    Args:
        log_dir: the folder; that of `keras.callbacks.TensorBoard` shows both beside each other.

    Raises:
        FormatError: it is no path.
        ParameterError: it cannot be made.
    """

    def __init__(self, log_dir: str | Path) -> None:
        check_path(log_dir, "log_dir is a folder for TensorBoard.")
        self.path = Path(log_dir) / "explanations"
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ParameterError(f"log_dir={str(log_dir)!r} cannot be written ({error}): pass a folder.") from error
        self._writer: Any = tf.summary.create_file_writer(str(self.path))

    def write(self, explanations: Iterable[Explanation], figures: Iterable[EpochFigure], step: int) -> None:
        """Write the overlays of an epoch, and the means of its figures.

        Raises:
            OSError: the file cannot be written.
        """
        with self._writer.as_default(step):
            for explanation in explanations:
                about = " ".join(filter(None, (explanation.model, explanation.method, explanation.layer)))
                for image, name in enumerate(shared_names(explanation.names)[:MOST_IMAGES]):
                    (pictures,), targets = explanation.of_image(image).pictures(), explanation.target_names[image]
                    for number, (picture, target) in enumerate(zip(pictures, targets, strict=True), 1):
                        # Pictures of one name and step are one after another of the same thing.
                        _image(f"{name}/{about}{f' {number}' if len(targets) > 1 else ''}", picture, target)
            for each in figures:
                numbers = [value for row in each["values"] for value in row if value is not None]
                if numbers:
                    value = tf.constant(np.mean(numbers), tf.float32)
                    tf.summary.write(f"explanations/{each['name']}", value, metadata=_metadata("scalars", SCALAR))

    def flush(self) -> None:
        """Write what is held."""
        self._writer.flush()


def _image(name: str, picture: Any, target: str) -> None:
    height, width = picture.shape[:2]
    parts = [str(width).encode(), str(height).encode(), encode(picture)]
    tf.summary.write(name, tf.constant(parts), metadata=_metadata("images", BLOB_SEQUENCE, target))


def _metadata(plugin: str, data_class: int, description: str = "") -> Any:
    """What `tf.summary.image` writes of a value, which needs TensorBoard to be installed."""
    proto: Any = tf.compat.v1.SummaryMetadata
    plugin_data = proto.PluginData(plugin_name=plugin)
    return proto(plugin_data=plugin_data, data_class=data_class, summary_description=description)
