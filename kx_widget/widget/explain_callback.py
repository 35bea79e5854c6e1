"""A Keras callback that explains a model while it is trained."""

import logging
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kx_widget.engine.errors import ParameterError, message_of
from kx_widget.engine.evaluation_inputs import columns_of
from kx_widget.engine.lazy_modules import keras
from kx_widget.engine.metrics import METRICS
from kx_widget.engine.parameters import check_params
from kx_widget.engine.types import Floats, Parameter
from kx_widget.widget.epoch_history import EpochAnswer, figure
from kx_widget.widget.epoch_outputs import EpochOutputs
from kx_widget.widget.evidence import ExplainedImages
from kx_widget.widget.messages import EpochFigure
from kx_widget.widget.session import CLOSED
from kx_widget.widget.training_budget import TrainingBudget
from kx_widget.widget.widget import KxWidget
from kx_widget.widget.worker import start_timer

if TYPE_CHECKING:
    from kx_widget.widget.session import Session

# Of the share so much is for maps where maps are measured, too.
MAPS_PART = 2 / 3
SETTINGS = (
    Parameter("every", "int", 1, "After how many batches to explain, or 'epoch'.", minimum=1),
    Parameter("share", "float", 0.03, "How much of the time explaining may take.", minimum=1e-6, maximum=1),
)
# An answer that takes longer is given up, so that no training stops for good.
MOST_SECONDS = 600.0
# A page may ask something else between an answer and its taking.
ATTEMPTS = 3
MAPS, EVIDENCE = "maps", "evidence"


class ExplainCallback(keras.callbacks.Callback):
    """Follows `model.fit`: explains the same images as the weights change, in a widget, for TensorBoard, in a store.

    What goes wrong is said once, in the widget and in the log, and training goes on. Where explaining would take more
    than its `share` of the time, it is done less often, which is said, too.

    Args:
        images: as in `KxWidget`; or a `KxWidget`, which then follows the training from the cell in which it is shown.
        every: `"epoch"`, or after how many batches to explain.
        model: the model, to show the callback in a cell before `fit`; else `fit` tells it, and the widget is shown
            below the cell of `fit`.
        evaluate: ids of metrics to follow over time, as in `Explainer.evaluate`, () for none.
        share: of the time that training takes, how much explaining may take; 1 for no limit.
        log_dir: a folder for TensorBoard, None for none: overlays and means of figures go into `explanations` in it.
        store: a folder to write, None for none; `Store` and `KxWidget.from_store` read it, its column `epoch` tells
            when.
        **keywords: those of `KxWidget`.

    Attributes:
        widget: the `KxWidget`, None before the model is known.

    Raises:
        ParameterError: `every`, `share` or a metric is none, or the widget is closed.
        FormatError: a folder is none, or that of the store holds something already.
        KxError: another one, as in `KxWidget`, where the model is given.
    """

    def __init__(
        self,
        images: Any,
        every: str | int = "epoch",
        *,
        model: Any = None,
        evaluate: Sequence[str] = ("srg", "deletion"),
        share: float = 0.03,
        log_dir: str | Path | None = None,
        store: str | Path | None = None,
        **keywords: Any,
    ) -> None:
        super().__init__()
        settings = check_params(
            "ExplainCallback", SETTINGS, {"share": share, "every": 1 if every == "epoch" else every}
        )
        self._every: int | None = None if every == "epoch" else settings["every"]
        self._metrics = list(columns_of(evaluate, METRICS)) if evaluate else []
        part = MAPS_PART if self._metrics else 1.0
        share = settings["share"]
        self._budgets = {MAPS: TrainingBudget(share * part), EVIDENCE: TrainingBudget(share * (1 - part))}
        self._share = share
        self._outputs = EpochOutputs(log_dir, store)
        self._images, self._keywords = images, keywords
        self.widget: KxWidget | None = None
        if isinstance(images, KxWidget):
            if keywords or model is not None:
                raise ParameterError(
                    f"{', '.join([*keywords, 'model'])}: the widget that is followed has these already."
                )
            self._follow(images)
        elif model is not None:
            self._follow(KxWidget(model, images, **keywords))
        self._said: set[str] = set()
        # The epoch that goes on, and how many earlier calls of `fit` have ended that Keras does not count.
        self._epoch = self._epochs_before = 0
        self._is_first_epoch = True
        self._batch = self._batches = self._batches_since = 0
        # Whether the latest answer is that of the weights as they are.
        self._is_explained = False
        # When training went on.
        self._since = 0.0

    @property
    def history(self) -> list[dict[str, Any]]:
        """What was measured so far, a dict for each moment: `epoch`, and the mean of each figure over all maps."""
        session = _session_of(self.widget)
        answers = [] if session is None else session.training.history.answers.values()
        return [{"epoch": a.epoch} | {f["name"]: _mean(f) for f in a.figures} for a in answers]

    @property
    def notes(self) -> list[str]:
        """What was said about the training: what went wrong, and what is done less often."""
        session = _session_of(self.widget)
        return sorted(self._said) if session is None else list(session.training.history.notes.values())

    @property
    def seconds(self) -> dict[str, float]:
        """How long the model was `trained`, and how long it was explained meanwhile: for `maps`, and `evidence`."""
        spent = {name: budget.spent for name, budget in self._budgets.items()}
        return {"trained": self._budgets[MAPS].trained, **spent}

    def _ipython_display_(self) -> None:
        if self.widget is None:
            print("The widget is shown once fit tells the model; pass model= to show it before.")
        else:
            _display(self.widget)

    def on_train_begin(self, logs: Any = None) -> None:
        """Show the model as it is before."""
        self._is_first_epoch = True
        self._safely("begin", self._begin)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Count on where `fit` is called again."""
        if self._is_first_epoch:
            self._epochs_before, self._is_first_epoch = max(0, self._epoch - epoch), False
        self._epoch = epoch + self._epochs_before
        self._batch = 0

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Answer what a page asks, for the weights stand still; explain after so many batches.

        Not after a batch: Keras would then wait for each.
        """
        self._count(batch)
        if (session := self._session) is None:
            return
        start = time.perf_counter()
        if session.training.gate.let_in():
            # What somebody asks for is no time of training, and none that is spent unasked.
            self._since += time.perf_counter() - start
        if self._every and batch and self._batches_since >= self._every:
            steps = (self.params or {}).get("steps")
            epoch = self._epoch + (batch / steps if steps else 0)
            self._explain_if_affordable(session, epoch, f"Epoch {self._epoch + 1}, batch {batch}")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Explain after an epoch."""
        self._count((self.params or {}).get("steps") or self._batch + 1)
        self._epoch += 1
        if (session := self._session) is not None and self._batches_since >= (self._every or 0):
            self._explain_if_affordable(session, self._epoch, f"Epoch {self._epoch}")

    def on_train_end(self, logs: Any = None) -> None:
        """Show the model as it is now, and let go of it."""
        if (session := self._session) is not None:
            if not self._is_explained:
                self._safely("explain", lambda: self._explain(session, self._epoch, f"Epoch {self._epoch}"))
            self._safely("end", lambda: self._end(session))
        self._safely("files", self._outputs.close)

    def _count(self, batch: int) -> None:
        """Note how many batches of the epoch have been."""
        new = max(0, batch - self._batch)
        self._batch += new
        self._batches += new
        self._batches_since += new
        self._is_explained = self._is_explained and not new

    @property
    def _session(self) -> "Session | None":
        """Of the widget, while it is open and follows this training."""
        session = _session_of(self.widget)
        return session if session is not None and session.training.gate.is_training else None

    def _follow(self, widget: KxWidget) -> None:
        if _session_of(widget) is None:
            raise ParameterError(CLOSED)
        if not _holds_images(widget):
            raise ParameterError("A widget of a store does not follow a training: pass KxWidget(model, images).")
        self.widget = widget

    def _begin(self) -> None:
        """Show the widget if nobody has, and explain the model as it is: what is compiled, is compiled now."""
        if self.widget is None:
            widget = KxWidget(self.model, self._images, **self._keywords)
            self._follow(widget)
            if _is_in_notebook():
                _display(widget)
        assert self.widget is not None
        # A closed widget says that it is.
        if self.widget.explainer.model is not self.model:
            first = _first_model(self.widget)
            hint = f"of several it follows the first, {first!r}" if first else "make a new one"
            raise ParameterError(f"The callback follows another model than the one that is trained: {hint}.")
        session = _session_of(self.widget)
        assert session is not None
        session.begin_training()
        if not session.training.history.answers:
            self._explain(session, 0, "Before training")
        self._since = time.perf_counter()

    def _end(self, session: "Session") -> None:
        """Let others have the model again, and keep what was explained with the notebook."""
        session.end_training()
        _take_snapshot(self.widget)

    def _explain_if_affordable(self, session: "Session", epoch: float, words: str) -> None:
        """Explain this moment unless that takes more than the share of the time."""
        now = time.perf_counter()
        seconds, self._batches_since = now - self._since, 0
        for budget in self._budgets.values():
            budget.earn(seconds)
        if self._can_afford(MAPS):
            self._safely("explain", lambda: self._explain(session, epoch, words, is_counted=True))
        self._safely("explain", lambda: self._say_how_often(session, seconds))
        self._since = time.perf_counter()

    def _explain(self, session: "Session", epoch: float, words: str, is_counted: bool = False) -> None:
        """Explain this moment.

        Args:
            session: of the widget.
            epoch: after how many epochs.
            words: which moment it is.
            is_counted: it counts among what may be spent.
        """
        assert self.widget is not None
        labels: Any = self.widget.labels
        step = self._batches if self._every else int(epoch)
        with self._spending(MAPS, is_counted):
            self.widget.refresh()
            timer = start_timer(MOST_SECONDS, session.cancel)
            try:
                answer = self._moment(session, epoch, words)
            finally:
                timer.cancel()
            if answer is None:
                return
            self._is_explained = True
            answer = _with_figures(answer, [_class_figure(answer)])
            session.training.add(answer)
            explained = session.explained()
            if explained is not None:
                self._safely("files", lambda: self._outputs.write(answer, explained, labels, step))
        if explained is None or not self._metrics or (is_counted and not self._can_afford(EVIDENCE)):
            return
        with self._spending(EVIDENCE, is_counted):
            figures = self._measured(explained)
            session.training.add(_with_figures(answer, figures))
            self._safely("files", lambda: self._outputs.write_figures(figures, step))

    def _moment(self, session: "Session", epoch: float, words: str) -> EpochAnswer | None:
        """The answer to what is asked now; where a page asks something else as it comes, to that."""
        for _ in range(ATTEMPTS):
            session.wait(threading.TIMEOUT_MAX)
            if (answer := session.moment(epoch, words)) is not None:
                return answer
        return None

    def _can_afford(self, name: str) -> bool:
        return self._share == 1 or self._budgets[name].can_afford(name)

    @contextmanager
    def _spending(self, name: str, is_counted: bool) -> Generator[None, None, None]:
        """Note how long the block takes, also where it fails."""
        start = time.perf_counter()
        try:
            yield
        finally:
            if is_counted:
                self._budgets[name].spend(name, time.perf_counter() - start)

    def _measured(self, explained: ExplainedImages) -> list[EpochFigure]:
        """What metrics say of the maps, those of several explanations side by side."""
        evaluations = [
            explainer.evaluate(explanation, self._metrics, images=images, controls=0)
            for explanation, (explainer, images) in zip(explained.explanations, explained.sources, strict=True)
        ]
        return [
            figure(
                name, METRICS[name].title, evaluations[0].better[name], np.hstack([e.scores[name] for e in evaluations])
            )
            for name in self._metrics
        ]

    def _say_how_often(self, session: "Session", seconds: float) -> None:
        """Say what is done less often than it was asked for, and why."""
        about = {MAPS: "Maps are made", EVIDENCE: "Evidence is measured"}
        for name, budget in self._budgets.items():
            times = 1 if self._share == 1 else budget.every(name, seconds)
            sentence = ""
            if times > 1:
                sentence = (
                    f"{about[name]} about every {times} {'steps' if self._every else 'epochs'}: once takes "
                    f"{budget.cost(name) / seconds:.0%} of the time between two, of which share={self._share:g} leaves "
                    f"{budget.share:.1%}."
                )
            session.training.note(name, sentence)

    def _safely(self, about: str, action: Callable[[], None]) -> None:
        """Do something that must not end the training; what goes wrong is said once."""
        try:
            action()
        except Exception as error:
            self._say(about, f"{message_of(error).rstrip('.')}. Training goes on.")

    def _say(self, about: str, sentence: str) -> None:
        if sentence in self._said:
            return
        self._said.add(sentence)
        logging.getLogger("kx_widget").warning("ExplainCallback: %s", sentence)
        if (session := _session_of(self.widget)) is not None:
            with suppress(Exception):  # The page itself may be what is wrong.
                session.training.note(f"error: {about}", sentence)


def _class_figure(answer: EpochAnswer) -> EpochFigure:
    """What the model says of the class that each map explains: its probability, or its score where it has none."""
    images, columns = (1 + max(item[name] for item in answer.items) for name in ("image", "column"))
    values: dict[str, Floats] = {
        name: np.full((images, columns), np.nan, np.float32) for name in ("probability", "score")
    }
    for item in answer.items:
        for name, numbers in values.items():
            if item[name] is not None:
                numbers[item["image"], item["column"]] = item[name]
    name = "probability" if np.isfinite(values["probability"]).any() else "score"
    return figure(name, name.title(), "", values[name])


def _with_figures(answer: EpochAnswer, figures: Sequence[EpochFigure]) -> EpochAnswer:
    return replace(answer, figures=[*answer.figures, *figures])


def _mean(of: EpochFigure) -> float:
    numbers = [value for row in of["values"] for value in row if value is not None]
    return float(np.mean(numbers)) if numbers else float("nan")


# What belongs to the widget, which hides it from its users.


def _session_of(widget: Any) -> "Session | None":
    return None if widget is None else widget._session


def _holds_images(widget: Any) -> bool:
    return widget._source.at_once


def _first_model(widget: Any) -> str:
    """The name of the first of several models, "" where there is one."""
    models = widget._source.models
    return models[0].name if models else ""


def _take_snapshot(widget: Any) -> None:
    widget._exporter.snapshot()


def _is_in_notebook() -> bool:
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None


def _display(widget: KxWidget) -> None:
    from IPython.display import display

    display(widget)
