"""Shortcuts: what some images of a class have in common, beside what the class shows, and whether the model uses it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kx_widget.bulk.interventions import Interventions, TestedSuspicion, not_testable
from kx_widget.bulk.job import check_model_of
from kx_widget.bulk.kept_shortcuts import keep, kept_facts
from kx_widget.bulk.parts import check_can_be_asked, explainer_keywords
from kx_widget.bulk.shortcuts_page import page_of, sections_of
from kx_widget.bulk.store import Store
from kx_widget.bulk.suspicions import LEAST_OF_CLASS, Suspicions, suspicions_in
from kx_widget.engine.errors import ParameterError
from kx_widget.engine.evaluation_inputs import COVERS
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.figures import counted
from kx_widget.engine.files import writable, write_whole
from kx_widget.engine.parameters import check_params
from kx_widget.engine.ranges import Ranges
from kx_widget.engine.types import Parameter

PARAMETERS = (
    Parameter("cover", "choice", "mean", "What covers: a blur, the mean colour, black.", choices=COVERS),
    Parameter("most", "int", 24, "Suspicions that are tested, the most suspicious first.", minimum=1),
    Parameter("members", "int", 50, "Images of each that are tested.", minimum=4),
    Parameter("rows", "int", 100_000, "Rows of the store that are looked at; of more, so many are drawn.", minimum=1),
    Parameter("seed", "int", 0, "Of random numbers.", minimum=0),
)
NO_MODEL = (
    "Without the model nothing can be covered or pasted, so that nobody can tell whether it uses what these images "
    "have in common: give the model, too."
)
# What nobody should take from an empty list.
LIMITS = (
    "What all images of a class have in common: it has no cluster of its own, and looks like the class itself.",
    "What is in none, or in few, of these images.",
    "What cannot be seen at one place: noise, compression, blur, brightness, a cast of colour.",
    "What the layer has no channels for, and what is smaller than its cells.",
    "Whether the model may use what was confirmed: a rider beside a horse and a watermark on it are tested alike, and "
    "only somebody who knows the subject can tell them apart.",
)


@dataclass(frozen=True, eq=False)
class Shortcuts:
    """Suspicions, tested: what `Explainer.shortcuts` returns.

    Attributes:
        store: where the explanations are.
        tested: suspicions with what became of them, confirmed ones first, then the most suspicious.
        suspicions: all of them, with what was looked at.
    """

    store: Store
    tested: tuple[TestedSuspicion, ...]
    suspicions: Suspicions

    def __len__(self) -> int:
        return len(self.tested)

    def __iter__(self) -> Iterator[TestedSuspicion]:
        return iter(self.tested)

    @property
    def confirmed(self) -> tuple[TestedSuspicion, ...]:
        """Those that were confirmed."""
        return tuple(one for one in self.tested if one.trial.verdict == "confirmed")

    @property
    def summary(self) -> str:
        """In a sentence, what was looked at and found."""
        looked, count = self.suspicions, len(self.suspicions.found)
        counts = Counter(one.trial.verdict for one in self.tested)
        verdicts = ", ".join(
            f"{counts[verdict]} {verdict}"
            for verdict in ("confirmed", "not confirmed", "not testable")
            if counts[verdict]
        )
        drawn = "" if len(looked.rows) == looked.available else f", drawn from {looked.available:,}"
        text = f"{counted(len(looked.rows), 'image')}{drawn}, in {len(looked.classes)} classes: "
        text += counted(count, "suspicion")
        text += f" ({verdicts})" if verdicts else ""
        if count > len(self.tested):
            text += f"; {count - len(self.tested)} less suspicious ones were not tested"
        if looked.left_out:
            text += f"; classes of fewer than {LEAST_OF_CLASS} images were left out: {_listed(looked.left_out)}"
        return text + "."

    def __str__(self) -> str:
        lines = [self.summary]
        for one in self.tested:
            lines += ["", f"{one.trial.verdict.upper()}  {one.description}", f"  {one.trial.why}"]
        return "\n".join([*lines, "", "What such a search cannot find:", *(f"- {limit}" for limit in LIMITS)])

    def facts(self) -> dict[str, Any]:
        """What the widget shows of them, as JSON can hold it."""
        return kept_facts(self.store, self.summary, LIMITS, self.tested)

    def to_html(self) -> str:
        """A page of its own, which needs nothing else; `kx shortcuts` writes one with the widget."""
        return page_of(self.store, self.summary, self.tested, LIMITS)

    def sections(self) -> str:
        """The same as a part of a page, without the images of the suspicions."""
        return sections_of(self.store, self.summary, self.tested, LIMITS, has_examples=False)

    def save(self, path: str | Path) -> None:
        """Write the page.

        Raises:
            FormatError: there is no folder for it.
        """
        write_whole(writable(path), self.to_html().encode())


def find_shortcuts(store: Store, explainer: Explainer | None = None, **settings: Any) -> Shortcuts:
    """Look for shortcuts in a store, and keep there what was found; see `Explainer.shortcuts`.

    Without a model nothing can be tested.
    """
    values = check_params("shortcuts", PARAMETERS, {p.name: p.default for p in PARAMETERS} | settings)
    suspicions = suspicions_in(store, values["rows"], values["seed"])
    chosen = suspicions.found[: values["most"]]
    if explainer is None:
        trials = [not_testable(NO_MODEL)] * len(chosen)
    else:
        check_can_be_asked(store.path, store.job)
        check_model_of(store, explainer.model)
        interventions = Interventions(explainer, store, values["cover"], values["members"], values["seed"])
        trials = [interventions.trial(suspicion) for suspicion in chosen]
    tested = [TestedSuspicion(*pair) for pair in zip(chosen, trials, strict=True)]
    tested.sort(key=lambda one: one.trial.verdict != "confirmed")
    shortcuts = Shortcuts(store, tuple(tested), suspicions)
    keep(store, shortcuts.facts())
    return shortcuts


def explainer_of(store: Store, model: Any) -> Explainer:
    """The explainer of a model as it was when the store was made.

    Raises:
        ParameterError: images were preprocessed by a function of somebody's own.
    """
    job = store.job
    if job["preprocess"] not in ("auto", None):
        raise ParameterError(
            f"The images of {store.path!r} were preprocessed by a function, {job['preprocess']}: ask in Python, "
            "Explainer(model, preprocess=…).shortcuts(store)."
        )
    explainer = Explainer(model, preprocess=job["preprocess"], **explainer_keywords(job))
    explainer.ranges = Ranges(store.depth)
    return explainer


def _listed(names: Sequence[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")
