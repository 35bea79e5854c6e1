"""Which output of a model is the scores, and in what form."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from kx_widget.engine.detectors import ADVICE
from kx_widget.engine.errors import ModelError, did_you_mean
from kx_widget.engine.lazy_modules import tf
from kx_widget.engine.types import Head


def _has_boxes(outputs: Mapping[str, Any]) -> bool:
    """Whether one of the outputs may be boxes (B, A, 4)."""
    return any(getattr(each, "shape", None) is not None and list(each.shape)[2:] == [4] for each in outputs.values())


def choose_output(model: Any, y: Any, output: str | int | None) -> Any:
    """The one tensor to explain among what the model returned."""
    if isinstance(y, dict):
        outputs = {str(k): v for k, v in y.items()}
    elif isinstance(y, (list, tuple)):
        names = getattr(model, "output_names", None) or []
        names = names if len(names) == len(y) else [str(i) for i in range(len(y))]
        outputs = dict(zip(names, y, strict=True))
    else:
        outputs = {(getattr(model, "output_names", None) or ["output"])[0]: y}
    names = list(outputs)
    if output is None:
        if len(outputs) > 1:
            advice = f" {ADVICE}" if _has_boxes(outputs) else ""
            raise ModelError(f"The model has several outputs: {', '.join(names)}. Choose one with output=.{advice}")
        return outputs[names[0]]
    if isinstance(output, int) and not isinstance(output, bool) and 0 <= output < len(names):
        return outputs[names[output]]
    if output in outputs:
        return outputs[str(output)]
    raise ModelError(f"The model has no output {output!r}.{did_you_mean(output, names)}")


def as_scores(logits: Any, y: Any, head: Head) -> Any:
    """Logits as (B, C) float32, or (B, …, C) where a model has them for several places, a segmenter for instance.

    A single sigmoid unit s becomes the two classes (−s, s).
    """
    shape = logits.shape
    if shape.rank is None:
        raise ModelError("The shape of the model's output is not known from its graph.")
    if shape.rank != y.shape.rank and shape.rank > 2:
        # What is told is where classes win in the model's own output.
        logits = tf.reshape(logits, tf.shape(y))
        logits.set_shape(y.shape)
        shape = logits.shape
    if shape.rank == 1:
        logits = logits[:, None]
    elif shape.rank > 2 and all(d == 1 for d in shape[1:-1]):
        logits = tf.reshape(logits, (-1, shape[-1]))
    if logits.shape[-1] is None:
        raise ModelError("The model's number of classes is not known from its graph.")
    scores = tf.cast(logits, tf.float32)
    return tf.concat([-scores, scores], -1) if head == "sigmoid" and scores.shape[-1] == 1 else tf.identity(scores)


class Outcome(NamedTuple):
    """What one pass tells of images by itself, of a model that has scores for R places.

    `winners` (B, R) are the classes of most score, C where none is probable; `scores` (B, C) and `shares` (B, C) are
    means over the places where each class wins, before and after the final activation. `boxes` (B, R, 6) are those of
    a detector: the most probable class of each, that probability, and x0, y0, x1, y1 in pixels of the model's input.
    """

    winners: Any
    scores: Any
    shares: Any
    boxes: Any = None


def flat(y: Any) -> Any:
    """Scores (B, …, C) as (B, R, C)."""
    places = y.shape[1:-1].num_elements()
    return tf.reshape(y, (-1, places, y.shape[-1]) if places else (tf.shape(y)[0], -1, y.shape[-1]))


def pooled(y: Any, region: Any) -> Any:
    """The mean (B, C) of what each place has, (B, R, C), over a region (B, R) as `engine.regions` writes it."""
    own = tf.one_hot(tf.cast(-1 - region, tf.int32), y.shape[-1])
    weights = own + tf.maximum(region, 0)[..., None]
    return tf.reduce_sum(weights * y, 1) / tf.maximum(tf.reduce_sum(weights, 1), 1e-12)


def winners_of(y: Any, is_independent: bool) -> Any:
    """Which class (B, R) has most of the scores (B, R, C), as float32; of independent ones C where all are below 0."""
    best = tf.argmax(y, -1, tf.int32)
    if is_independent:
        best = tf.where(tf.reduce_max(y, -1) > 0, best, y.shape[-1])
    return tf.cast(best, tf.float32)


def told_where_won(y: Any, winners: Any, link: Any) -> list[Any]:
    """The mean score and the mean probability (B, C) of each class over the places where it wins, of (B, R, C)."""
    best = tf.reduce_max(y, -1)
    if link == "softmax" and y.shape[-1] > 1:
        probable = tf.exp(best - tf.reduce_logsumexp(y, -1))
    else:
        probable = linked(best, "sigmoid" if link == "sigmoid" else None)
    return _means(best, probable, winners, y.shape[-1])


def means_where_won(y: Any, probable: Any, winners: Any) -> list[Any]:
    """The same of scores and probabilities (B, R, C) that are both known."""
    return _means(tf.reduce_max(y, -1), tf.reduce_max(probable, -1), winners, y.shape[-1])


def _means(best: Any, probable: Any, winners: Any, classes: int) -> list[Any]:
    """Means (B, C) of what the winner of each place has, (B, R) each."""
    batch = tf.shape(best)[0]
    segments = tf.reshape(tf.cast(winners, tf.int32) + tf.range(batch)[:, None] * (classes + 1), (-1,))

    def mean(values: Any) -> Any:
        sums = (tf.math.unsorted_segment_sum(tf.reshape(v, (-1,)), segments, batch * (classes + 1)) for v in values)
        each, count = (tf.reshape(s, (-1, classes + 1))[:, :classes] for s in sums)
        return each / tf.maximum(count, 1)

    return [mean((values, tf.ones_like(values))) for values in (best, probable)]


def linked(y: Any, link: Any) -> Any:
    """Probabilities of scores (…, C); NaN without a link."""
    if link == "softmax" and y.shape[-1] > 1:
        return tf.nn.softmax(y)
    return tf.sigmoid(y) if link == "sigmoid" else tf.fill(tf.shape(y), float("nan"))
