"""What a detector proposes: boxes and class scores, before any suppression."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kx_widget.engine.errors import KxError, ParameterError, plain
from kx_widget.engine.graph.logits import logits_of
from kx_widget.engine.lazy_modules import tf
from kx_widget.engine.types import Head

# A box shows a class that is more probable than this; where none is, the most probable box shows one.
DETECTED = 0.5
# Of each box: its most probable class, that probability, and x0, y0, x1, y1.
FACTS = 6


@dataclass(frozen=True)
class Proposals:
    """Tensors of what is proposed; `head` is what makes probabilities of logits.

    `boxes` (B, A, 4) are x0, y0, x1, y1 in pixels of the model's input, `logits` and `probabilities` (B, A, C).
    """

    boxes: Any
    logits: Any
    probabilities: Any
    head: Head

    def facts(self) -> tuple[Any, Any]:
        """Which class (B, A) each box shows, C for none, and of each box what `FACTS` are, (B, 6 A)."""
        best, labels = tf.reduce_max(self.probabilities, -1), tf.argmax(self.probabilities, -1, tf.int32)
        highest = tf.reduce_max(best, -1, keepdims=True)
        is_shown = (best > DETECTED) | ((best >= highest) & (highest <= DETECTED))
        shown = tf.cast(tf.where(is_shown, labels, self.probabilities.shape[-1]), tf.float32)
        facts = tf.concat([tf.stack([tf.cast(labels, tf.float32), best], -1), self.boxes], -1)
        return shown, tf.reshape(facts, (tf.shape(facts)[0], -1))


def proposals_of(detect: Callable[[Any], Any], y: Any) -> Proposals:
    """What an adapter reads in what a model returned.

    Raises:
        ParameterError: it raised, or returned no boxes and class scores.
    """
    try:
        returned = detect(y)
        parts = returned if isinstance(returned, (tuple, list)) else [returned]
        tensors = [tf.convert_to_tensor(part) for part in parts]
    except KxError:
        raise
    except Exception as error:
        raise ParameterError(f"detect raised {plain(error)}") from error
    shapes: list[list[Any]] = [t.shape.as_list() if t.shape.rank else [] for t in tensors]
    are_boxes = len(tensors) in (2, 3) and all(len(shape) == 3 for shape in shapes) and shapes[0][2] == 4
    if not are_boxes or shapes[1][2] is None or any(shape != shapes[1] for shape in shapes[2:]):
        raise ParameterError(
            f"detect returned {' and '.join(map(str, shapes))}; boxes (B, A, 4) and class scores (B, A, C) are needed, "
            "and probabilities of the same shape where no sigmoid or softmax makes them."
        )
    boxes, scores, *probabilities = (tf.cast(t, tf.float32) for t in tensors)
    logits, head = logits_of(tensors[1])
    if probabilities or head not in ("softmax", "sigmoid"):
        return Proposals(boxes, scores, probabilities[0] if probabilities else tf.sigmoid(scores), "sigmoid")
    # What comes before a sigmoid may be of another shape.
    logits = tf.reshape(tf.cast(logits, tf.float32), tf.shape(scores))
    logits.set_shape(scores.shape)
    return Proposals(boxes, logits, scores, head)
