"""What the engine knows -> records of the protocol."""

from __future__ import annotations

import base64
import os
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from kx_widget.engine.display import Display
from kx_widget.engine.errors import KxError, message_of
from kx_widget.engine.notes import evidence_of
from kx_widget.engine.recommendation import recommended_methods
from kx_widget.engine.registry import Method, by_purpose
from kx_widget.engine.types import Floats, Frame, Inspection, LayerInfo, LocatedRegion, Parameter, Predicted
from kx_widget.engine.wrappers import WRAPPERS
from kx_widget.widget.image_sources import Preview
from kx_widget.widget.messages import Column, DisplayRecord
from kx_widget.widget.reduced_maps import LONGEST_MAP, reduce

if TYPE_CHECKING:
    # What is stored is shown without TensorFlow.
    from kx_widget.engine.explainer import Explainer
    from kx_widget.engine.question import Question

# A value that was refused may be of any length, and its error quotes it.
LONGEST_TEXT = 2_000
LONGEST_TRACEBACK = 50_000
HEAD = "AttentionHead"

# An item of the protocol without where its map lies in a buffer, and the map.
Tile = tuple[dict[str, Any], Floats]
Tiles = Mapping[tuple[int, int], Tile]


def error_message(gen: int, error: BaseException | None) -> dict[str, Any]:
    """An error as the browser shows it; one that is no `KxError` brings a hint to its traceback."""
    is_expected = isinstance(error, KxError)
    message = message_of(error)
    trace = "".join(traceback.format_exception(error)) if error is not None and not _is_app() else ""
    hint = "This came from the model or from kx_widget itself" + ("; the traceback tells where." if trace else ".")
    return {
        "kind": "error",
        "gen": gen,
        "message": message if len(message) <= LONGEST_TEXT else message[:LONGEST_TEXT] + "…",
        "hint": "" if is_expected else hint,
        "traceback": trace if len(trace) <= LONGEST_TRACEBACK else "…" + trace[-LONGEST_TRACEBACK:],
    }


def _is_app() -> bool:
    """Whether the page is an app of Voila, whose readers must not see the code behind it."""
    return any(name.startswith("VOILA_") for name in os.environ)


def catalogue(explainer: Explainer) -> dict[str, Any]:
    """What a view needs to know once: methods, layers, classes."""
    return {
        "catalogue": describe_methods(explainer.methods),
        "wrappers": describe_wrappers(),
        "inspection": describe_inspection(explainer.inspection, explainer.preprocessing)
        | {"recommended_methods": recommended_methods(explainer.methods, explainer.inspection)},
        "class_names": list(explainer.class_names),
        "predicts": explainer.predicts,
        "units": list(explainer.units),
        "places": list(explainer.places or ()),
        "regions": list(explainer.region_kinds),
    }


def describe_methods(methods: Mapping[str, Method]) -> list[dict[str, Any]]:
    """What a picker shows of methods, in its order, and the form of their parameters."""
    names = (
        "id", "title", "family", "purpose", "summary", "sees", "cost", "reference", "good_for", "fails", "resolution",
    )  # fmt: skip
    rows = [method for group in by_purpose(methods.values()).values() for method in group]
    return [{name: getattr(method, name) for name in names} | _params(method.params) for method in rows]


def describe_wrappers() -> list[dict[str, Any]]:
    """What a form shows of wrappers."""
    return [{"id": w.id, "title": w.title, "summary": w.summary} | _params(w.params) for w in WRAPPERS.values()]


def describe_inspection(inspection: Inspection, preprocessing: str) -> dict[str, Any]:
    """Facts about the model, with the heads of its attention among the layers."""
    facts = asdict(inspection) | {"preprocessing": preprocessing, "recommended_methods": {}}
    why = "shows where this head looks, and cannot be chosen"
    heads = [
        asdict(LayerInfo(path, HEAD, (), inspection.token_grid, False, why))
        for paths in facts.pop("heads")
        for path in paths
    ]
    return facts | {"layers": [*facts["layers"], *heads]}


def _params(params: Sequence[Parameter]) -> dict[str, Any]:
    return {"params": [asdict(p) | {"title": p.title} for p in params]}


def python_argument(name: str, value: Any, texts: Mapping[str, str]) -> str:
    """An argument that is the user's own, as Python: as it was written, else a short literal, else its name."""
    short = (str, int, float, type(None))
    return texts.get(name) or (repr(value) if isinstance(value, short) else name)


def columns(questions: Sequence[Question], input_name: str = "") -> list[Column]:
    """What the grid's columns ask, of an input of this name where several are shown."""
    return [
        {
            "layer": question.layer or "",
            "method": question.method.id,
            "method_title": question.method.title,
            "target": text,
            "signed": question.signed,
            "own": bool(question.model.own),
            "input": input_name,
            "model": "",
            "matched": "",
            "display": display_record(display),
        }
        for question in questions
        for text, display in zip(question.columns.texts, question.displays, strict=True)
    ]


def display_record(display: Display) -> DisplayRecord:
    """How maps are drawn, nothing of it left open."""
    return DisplayRecord(**asdict(display))


def prediction_numbers(scores: Floats, probabilities: Floats, predicts: Predicted) -> Floats:
    """What pages are told of all classes (N, C): probabilities, or scores where these are something else."""
    return probabilities if predicts == "probability" else scores


def prediction_messages(
    scores: Floats, numbers: Floats, limit: int, model: str = ""
) -> Iterator[tuple[dict[str, Any], bytes]]:
    """All images' numbers (N, C), in messages of at most `limit` bytes; of a `model` where there are several."""
    rows = max(1, limit // (4 * numbers.shape[1]))
    for first in range(0, len(scores), rows):
        about = {"shape": list(numbers.shape), "first": first, "best": scores.argmax(-1).tolist()}
        data = np.ascontiguousarray(numbers[first : first + rows], "<f4").tobytes()
        yield {"kind": "predictions", "model": model, **about}, data


def tile(frame: Frame, image: int, column: int, heading: Column) -> Tile:
    """One map and what goes with it.

    Args:
        frame: the map.
        image, column: its place in the grid.
        heading: of the column.
    """
    notes = list(frame.notes)
    item = {
        "image": image,
        "column": column,
        "layer": heading["layer"],
        "method": heading["method"],
        # A number of one's own has a place among others of its kind, which is no class.
        "target": -1 if heading["own"] else frame.target,
        "target_name": frame.target_name,
        "score": finite(frame.score),
        "probability": finite(frame.probability),
        "unit": frame.unit,
        "signed": heading["signed"],
        "partial": not frame.final,
        "done": frame.done,
        "notes": notes,
        "evidence": evidence_of(notes),
        "checks": {name: finite(value) for name, value in frame.checks.items()},
        "region": frame.region and _region_record(frame.region),
        "whole_shape": list(frame.values.shape),
    }
    return item, reduce(frame.values, LONGEST_MAP)


def _region_record(region: LocatedRegion) -> dict[str, Any]:
    cells = np.zeros((0, 0), np.bool_) if region.cells is None else region.cells
    about = {"kind": region.kind, "words": region.words, "at": list(region.at)}
    return about | {"size": list(cells.shape), "cells": base64.b64encode(np.packbits(cells).tobytes()).decode()}


def picture_record(image: int, preview: Preview, byte_offset: int) -> dict[str, Any]:
    """A picture of a store, which lies in a buffer from `byte_offset` on."""
    record = asdict(preview)
    size = len(record.pop("data"))
    return {"image": image, **record, "byte_offset": byte_offset, "byte_length": size}


def finite(number: Any) -> float | None:
    """JSON has no NaN and no infinity."""
    return float(number) if np.isfinite(number) else None
