"""What an evaluation is asked with, checked: metrics, settings, masks, and what maps explain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kx_widget.engine.covering import Covering, Mask
from kx_widget.engine.errors import ParameterError, UnknownTargetError
from kx_widget.engine.explanation import Explanation
from kx_widget.engine.images import Images
from kx_widget.engine.metrics import DEFAULT
from kx_widget.engine.notes import NOTHING, heading_of, notes_on
from kx_widget.engine.parameters import check_params
from kx_widget.engine.probe import Probe, blurred
from kx_widget.engine.ranges import Pixels
from kx_widget.engine.registry import Method, Metric, find_metric
from kx_widget.engine.targets import parse
from kx_widget.engine.types import Floats, Parameter

COVERS = ("blur", "mean", "black")
# What asks a method anew is not measured unasked where the method takes many passes.
QUICK = ("instant", "1 pass")
ANEW = ("randomization",)
EVALUATION_PARAMETERS = (
    Parameter("cover", "choice", "blur", "What covers: a blur, the mean colour, black.", choices=COVERS),
    Parameter("steps", "int", 10, "Of the curves.", minimum=2, maximum=100),
    Parameter("controls", "int", 8, "Random maps to compare with; 0 for none.", minimum=0, maximum=64),
    Parameter("batch_size", "int", None, "Images at once; None goes by memory.", minimum=1),
    Parameter("seed", "int", 0, "Of random numbers.", minimum=0),
)


@dataclass(frozen=True)
class EvaluationSettings:
    """What covers, and how often; see `Explainer.evaluate`."""

    cover: str = "blur"
    steps: int = 10
    controls: int = 8
    batch_size: int | None = None
    seed: int = 0

    @classmethod
    def checked(cls, settings: Mapping[str, Any]) -> "EvaluationSettings":
        """Settings by name.

        Raises:
            ParameterError: unknown name, wrong type, value outside its range.
        """
        return cls(**check_params("evaluate", EVALUATION_PARAMETERS, settings))


@dataclass(frozen=True)
class MetricColumn:
    """One metric that is asked for, with all its parameters."""

    metric: Metric
    params: Mapping[str, Any]


def columns_of(metrics: Any, rows: Mapping[str, Metric], method: Method | None = None) -> dict[str, MetricColumn]:
    """The metrics that are asked for, those that cost least first.

    Args:
        metrics: an id, a list of ids, a mapping of ids to parameters, or None for some that say most.
        rows: those that there are.
        method: what made the maps, None if it is not known.

    Raises:
        ParameterError: there is no such metric, or it does not take such a parameter.
    """
    if isinstance(metrics, str):
        metrics = [metrics]
    params = metrics if isinstance(metrics, Mapping) else {}
    try:
        names = list(_default_for(method) if metrics is None else metrics)
    except TypeError:
        raise ParameterError(f"metrics={metrics!r} must be a list of ids, or a dict of ids and parameters.") from None
    if not names:
        raise ParameterError(f"The list of metrics is empty. Pass some of {', '.join(rows)}.")
    chosen = {name: find_metric(rows, name) for name in names}
    return {
        name: MetricColumn(chosen[name], chosen[name].complete(params.get(name) or {}))
        for name in rows
        if name in chosen
    }


def _default_for(method: Method | None) -> tuple[str, ...]:
    is_quick = method is None or method.cost in QUICK
    return tuple(name for name in DEFAULT if is_quick or name not in ANEW)


def check_masks(masks: Any, images: Images) -> Mask | None:
    """Masks (N, H, W) of what counts in images, True where they are not 0.

    Raises:
        ParameterError: another shape, or nothing is marked in any of them.
    """
    if masks is None:
        return None
    try:
        array = np.asarray(masks)
        marked = array != 0
    except (TypeError, ValueError) as error:
        raise ParameterError(f"masks are no array ({error}).") from error
    want = images.batch.shape[:3]
    if array.shape != want or array.dtype.kind not in "buif":
        raise ParameterError(
            f"masks of shape {array.shape} and {array.dtype} must be {want}: one of each image, in the size that the "
            "model sees."
        )
    if not marked.any():
        raise ParameterError("masks are empty: nothing is marked in any of them.")
    return marked


def check_parts(masks: Any, images: Images) -> Floats:
    """Masks (N, M, H, W) from 0 to 1 of parts of images, of the same or of others of each image.

    Raises:
        ParameterError: another shape, or numbers beyond 0 to 1.
    """
    try:
        array = np.asarray(masks)
    except ValueError as error:
        raise ParameterError(f"masks are no array ({error}).") from error
    n, h, w = images.batch.shape[:3]
    if array.ndim == 3:
        array = np.broadcast_to(array, (n, *array.shape))
    if array.dtype.kind not in "buif" or array.shape != (n, *array.shape[1:2], h, w) or not array.shape[1]:
        raise ParameterError(
            f"masks of shape {np.shape(masks)} and {array.dtype} must be (masks, {h}, {w}), or ({n}, masks, {h}, {w}) "
            "for others of each image, in the size that the model sees."
        )
    if not ((array >= 0) & (array <= 1)).all():
        raise ParameterError("masks must be True and False, or numbers from 0 to 1.")
    return np.ascontiguousarray(array, np.float32)


def covering_of(images: Images, rows: slice, cover: str, probe: Probe) -> Covering:
    """Some of the images, parts of which are covered by a picture that is made of pixels, and then preprocessed."""

    def picture() -> Floats:
        if cover == "black":
            return probe.baseline(cover)
        ready = images.of_pixels(covering_pixels(images.pixels[rows], cover).astype(np.float32))
        return probe.baseline(cover) if ready is None else ready

    return Covering(probe, cover, picture)


def covering_pixels(pixels: Pixels, cover: str) -> Pixels:
    """What covers pictures (B, H, W, 3), in whole pixels, so that what is scored can be seen as it is."""
    if cover == "black":
        return np.zeros_like(pixels)
    values = pixels.astype(np.float32)
    if cover == "blur":
        return np.rint(blurred(values)).clip(0, 255).astype(np.uint8)
    return np.broadcast_to(np.rint(values.mean((1, 2), keepdims=True)), pixels.shape).astype(np.uint8)


def pixel_scale(images: Images, rows: slice) -> Floats:
    """By how much the model's input (B,) changes for a step of 1 in a pixel of 0..255; 1 for pictures of one colour."""
    spreads = [array[rows].std((1, 2), dtype=np.float64).mean(-1) for array in (images.batch, images.pixels)]
    return np.divide(*spreads, out=np.ones_like(spreads[0]), where=spreads[1] > 0).astype(np.float32)


def targets_of(explanation: Explanation, class_names: Sequence[str]) -> Floats:
    """The weights on the scores (N, T, C) of the targets that maps explain, 0 where there is none.

    Raises:
        ParameterError: the model has other classes.
    """
    weights = np.zeros((*explanation.targets.shape, len(class_names)), np.float32)
    try:
        # What has no score has nothing to explain.
        for i, t in np.argwhere(~np.isnan(explanation.scores)).tolist():
            index = int(explanation.targets[i, t])
            target = parse([index if index >= 0 else explanation.target_names[i][t]], class_names)
            weights[i, t] = target.resolve(weights[:1, 0]).weights[0, 0]
    except UnknownTargetError as error:
        raise ParameterError(f"The maps explain classes that this model does not have: {error}") from error
    return weights


def unusable(explanation: Explanation) -> list[list[str]]:
    """Why nothing can be told of a map (N, T), "" of one of which it can."""
    texts: list[list[str]] = []
    for i, names in enumerate(explanation.target_names):
        row: list[str] = []
        for t, name in enumerate(names):
            of_values = notes_on(explanation.maps[i, t], explanation.signed, 0, name, "")
            notes = [*explanation.notes_of(i, t), *of_values]
            row.append(next((n.strip() for n in notes if heading_of((n,)) in (*NOTHING, "Gaps")), ""))
        texts.append(row)
    return texts
