"""What the engine knows -> records of the protocol."""

import os
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from kx_widget.engine.errors import KxError, plain
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.notes import evidence_of
from kx_widget.engine.question import Question
from kx_widget.engine.types import Floats, Frame, LayerInfo, Parameter
from kx_widget.engine.wrappers import WRAPPERS
from kx_widget.widget.messages import Column, Item

# A value that was refused may be of any length, and its error quotes it.
LONGEST_TEXT = 2_000
LONGEST_TRACEBACK = 50_000


def error_message(gen: int, error: BaseException | None) -> dict[str, Any]:
    """An error as the browser shows it; those raised on purpose explain themselves, others bring a traceback."""
    expected = isinstance(error, KxError)
    told = str(error) if expected else plain(error)
    trace = "".join(traceback.format_exception(error)) if error is not None and not _is_published() else ""
    return {
        "kind": "error",
        "gen": gen,
        "message": told if len(told) <= LONGEST_TEXT else told[:LONGEST_TEXT] + "…",
        "hint": ""
        if expected
        else "This came from the model or from kx_widget itself" + ("; the traceback tells where." if trace else "."),
        "traceback": trace if len(trace) <= LONGEST_TRACEBACK else "…" + trace[-LONGEST_TRACEBACK:],
    }


def _is_published() -> bool:
    """Whether the page is an app for people who must not read the code behind it, as Voila's are."""
    return any(name.startswith("VOILA_") for name in os.environ)


HEAD = "AttentionHead"


def constants(explainer: Explainer) -> dict[str, Any]:
    """What a view needs to know once: methods, layers, classes."""
    shown = ("id", "title", "family", "summary", "sees", "cost", "reference")
    return {
        "catalogue": [
            {name: getattr(e, name) for name in shown} | _params(e.params) for e in explainer.methods.values()
        ],
        "wrappers": [
            {"id": w.id, "title": w.title, "summary": w.summary} | _params(w.params) for w in WRAPPERS.values()
        ],
        "inspection": _inspection(explainer),
        "class_names": list(explainer.class_names),
    }


def _inspection(explainer: Explainer) -> dict[str, Any]:
    """Facts about the model, with the heads of its attention among the layers."""
    inspection = explainer.inspection
    about = asdict(inspection) | {"preprocessing": explainer.preprocessing}
    heads = [
        asdict(
            LayerInfo(
                path,
                HEAD,
                (),
                inspection.token_grid,
                False,
                "shows where this head looks, and cannot be chosen",
            )
        )
        for paths in about.pop("heads")
        for path in paths
    ]
    return about | {"layers": [*about["layers"], *heads]}


def _params(params: Sequence[Parameter]) -> dict[str, Any]:
    return {"params": [asdict(p) | {"title": p.title} for p in params]}


def own_arguments(model: Any, given: Mapping[str, Any]) -> list[str]:
    """The arguments of a widget that are the user's own, as Python; what has no short literal goes by its name."""
    short = (str, int, float, type(None))
    keywords = [f"{name}={value!r}" if isinstance(value, short) else f"{name}={name}" for name, value in given.items()]
    return ["explainer" if isinstance(model, Explainer) else "model", "images", *keywords]


def columns(questions: Sequence[Question]) -> list[Column]:
    """What the grid's columns ask."""
    return [
        {
            "layer": question.layer or "",
            "method": question.method.id,
            "method_title": question.method.title,
            "target": text,
            "signed": question.signed,
        }
        for question in questions
        for text in question.columns.texts
    ]


def prediction_messages(scores: Floats, probabilities: Floats, limit: int) -> Iterator[tuple[dict[str, Any], bytes]]:
    """All images' probabilities (N, C), in messages of at most `limit` bytes."""
    rows = max(1, limit // (4 * probabilities.shape[1]))
    for first in range(0, len(scores), rows):
        about = {"shape": list(probabilities.shape), "first": first, "best": scores.argmax(-1).tolist()}
        data = np.ascontiguousarray(probabilities[first : first + rows], "<f4").tobytes()
        yield {"kind": "predictions", **about}, data


def item_record(question: Question, frame: Frame, first_column: int) -> Item:
    """One map of a question whose columns begin at `first_column` of the grid, without where its values lie."""
    notes = list(frame.notes)
    return {
        "image": frame.image,
        "column": first_column + frame.column,
        "layer": question.layer or "",
        "method": question.method.id,
        "target": frame.target,
        "target_name": frame.target_name,
        # JSON has no infinity.
        "score": frame.score if np.isfinite(frame.score) else None,
        "probability": None if np.isnan(frame.probability) else frame.probability,
        "signed": question.signed,
        "partial": not frame.final,
        "notes": notes,
        "evidence": evidence_of(notes),
        "shape": [],
        "dtype": "float32",
        "scale": 1.0,
        "offset": 0.0,
        "vmin": 0.0,
        "vmax": 0.0,
        "byte_offset": 0,
        "byte_length": 0,
    }
