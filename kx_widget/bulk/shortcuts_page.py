"""Shortcuts in words, bars and pictures: sections of a page, and a page of its own, which needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from string import Template

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kx_widget.bulk.interventions import Effect, TestedSuspicion, Trial
from kx_widget.bulk.store import Store
from kx_widget.bulk.suspicions import EXAMPLES
from kx_widget.engine.drawing import data_url, encode
from kx_widget.engine.figures import percent
from kx_widget.engine.files import shared_names
from kx_widget.engine.types import Box

PAGE, SECTIONS = (Path(__file__).with_name(f"shortcuts{part}.html") for part in ("", "_sections"))
LONGEST_SIDE = 160
BELOW = ' <a href="#view">Images of each, with their maps</a>, are below; the number of the suspicion sorts them.'
# Told apart without colours, too.
MARKS = {"confirmed": "✕", "not confirmed": "○", "not testable": "?"}


def page_of(store: Store, summary: str, tested: Sequence[TestedSuspicion], limits: Iterable[str]) -> str:
    """A page of the sections alone; see `sections_of`."""
    sections = sections_of(store, summary, tested, limits, has_examples=True)
    return Template(PAGE.read_text("utf-8")).substitute(title=escape(_title(store)), sections=sections)


def sections_of(
    store: Store, summary: str, tested: Sequence[TestedSuspicion], limits: Iterable[str], has_examples: bool
) -> str:
    """What was looked at and found, as HTML.

    Args:
        store: where the explanations are.
        summary: what was looked at, in a sentence.
        tested: what was found.
        limits: what cannot be found, in sentences.
        has_examples: whether each suspicion shows its images.
    """
    nothing = "<p>No cluster stands apart from the rest of its class, so there is nothing to test.</p>"
    return Template(SECTIONS.read_text("utf-8")).substitute(
        title=escape(_title(store)),
        summary=escape(summary),
        method=escape(
            "Images of one predicted class are grouped by what each channel of the layer "
            f"{store.job['layer']} contributes to the score, wherever it does. What a group has beyond the others of "
            "its class is covered in its images, and pasted into images of other classes; equally large parts from "
            "elsewhere in the same images are treated alike."
        )
        + (" Boxes mark it." if has_examples else BELOW),
        suspicions="\n".join(_article(store, one, number, has_examples) for number, one in enumerate(tested, 1))
        or nothing,
        limits="\n".join(f"<li>{escape(limit)}</li>" for limit in limits),
    )


def _title(store: Store) -> str:
    return f"Shortcuts in {Path(store.path).name}"


def _article(store: Store, tested: TestedSuspicion, number: int, has_examples: bool) -> str:
    suspicion, trial = tested.suspicion, tested.trial
    kind = trial.verdict.replace(" ", "-")
    parts = [
        f"<header><h2>{number}. {escape(suspicion.target_name)}</h2>"
        f'<span class="verdict {kind}">{MARKS[trial.verdict]} {trial.verdict}</span></header>',
        f"<p>{escape(tested.description)}</p>",
        f"<p>{escape(trial.why)}</p>",
        _bars(trial),
        _examples(store, tested) if has_examples else "",
        _pasted(trial),
    ]
    return f"<article>\n{''.join(parts)}\n</article>"


def _bars(trial: Trial) -> str:
    rows = [
        *_bar_rows(f"Covered in {trial.members} images: share of the score lost", trial.covered),
        *_bar_rows(f"Pasted into {trial.hosts} images of other classes: share that becomes this one", trial.pasted),
        *([] if trial.usual is None else _bar("what others show", "", trial.usual.control)),
    ]
    return f'<div class="bars">{"".join(rows)}</div>' if rows else ""


def _bar_rows(title: str, effect: Effect | None) -> list[str]:
    if effect is None:
        return []
    return [
        f"<h3>{escape(title)}</h3>",
        *_bar("this part", "this", effect.mean),
        *_bar("part elsewhere", "", effect.control),
    ]


def _bar(name: str, kind: str, value: float) -> list[str]:
    width = 100 * min(max(value, 0), 1)
    return [
        f'<span>{name}</span><div class="track"><div class="{kind}" style="width:{width:.1f}%"></div></div>'
        f'<span class="number">{percent(max(value, 0))}</span>'
    ]


def _examples(store: Store, tested: TestedSuspicion) -> str:
    rows, boxes = tested.examples(EXAMPLES), tested.trial.boxes
    names = shared_names([row["id"] for row in store.rows(rows, ["id"])])
    figures = [
        _figure(store.explanation(row).pictures()[0, 0], name, boxes.get(row))
        for row, name in zip(rows, names, strict=True)
    ]
    return f'<h3>Its images</h3><div class="pictures">{"".join(figures)}</div>'


def _pasted(trial: Trial) -> str:
    figures = [_figure(one.pixels, f"{one.before} → {one.after}") for one in trial.pictures]
    return f'<h3>Pasted elsewhere</h3><div class="pictures">{"".join(figures)}</div>' if figures else ""


def _figure(pixels: NDArray[np.uint8], caption: str, box: Box | None = None) -> str:
    picture = Image.fromarray(pixels)
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    marked = ""
    if box is not None:
        left, top, right, bottom = (100 * side for side in box)
        marked = (
            f'<div style="left:{left:.2f}%;top:{top:.2f}%;width:{right - left:.2f}%;height:{bottom - top:.2f}%"></div>'
        )
    caption = escape(caption)
    source = data_url(encode(picture, "jpeg", quality=80), "jpeg")
    return (
        f'<figure><div class="picture"><img alt="{caption}" src="{source}">{marked}</div>'
        f"<figcaption>{caption}</figcaption></figure>"
    )
