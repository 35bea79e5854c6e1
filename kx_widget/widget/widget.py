"""The widget: traits and wiring."""

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anywidget
import traitlets as t

from kx_widget.engine.errors import KxError, ModelError, ParameterError
from kx_widget.engine.explainer import KEYWORDS, Explainer
from kx_widget.engine.explanation import Explanation
from kx_widget.engine.postprocess import SCALES, SIGNS
from kx_widget.engine.question import Question
from kx_widget.widget.compare import fitting, questions
from kx_widget.widget.keeper import Keeper
from kx_widget.widget.labels import read_labels
from kx_widget.widget.messages import read
from kx_widget.widget.pictures import encode_pictures
from kx_widget.widget.records import constants, error_message, own_arguments
from kx_widget.widget.session import Session, Status

COLORMAPS = ("viridis", "magma", "inferno", "plasma", "turbo", "cividis", "gray", "rdbu")
QUESTION = ("layer", "method", "target", "params", "compare", "compare_with")
READ_ONLY = ("status", "progress", "error")
OF_PYTHON = ("_images", "_snapshot", "_esm", "_css", "_anywidget")
CLOSED = "This widget is closed. Make a new one."


class KxWidget(anywidget.AnyWidget):
    """Shows in a notebook what a Keras model looks at.

    Args:
        model: a built Keras 3 model, or an `Explainer` of one.
        images: arrays, paths, globs, PIL images, or a list of these; see `Explainer.explain`.
        target: `"top"`, `"top-2"`…, a class index or name.
        layer: path of a layer; None for the recommended one.
        method: id of a method; None for Grad-CAM, or gradients where no layer has a map.
        params: the method's parameters, and `smooth` or `tta` settings.
        labels: the true class of each image, by index or name, None where it is unknown; rows are then marked
            right or wrong.
        **keywords: those of `Explainer` (`preprocess`, `class_names`, `output`, `memory_mib`, `cache_mib`,
            `fit`, `methods`) and the remaining traits (`compare`, `sign`, `scale`, `colormap`, `opacity`, …).

    Raises:
        KxError: the model, the images or the question cannot be used; says what to do.
    """

    _esm = Path(__file__).parent / "static" / "widget.js"

    layer = t.Unicode("").tag(sync=True)
    method = t.Unicode("gradcam").tag(sync=True)
    target = t.Union([t.Unicode(), t.Int()], default_value="top").tag(sync=True)
    params = t.Dict().tag(sync=True)
    compare = t.Enum(["none", "targets", "methods", "layers"], "none").tag(sync=True)
    compare_with = t.List().tag(sync=True)
    sign = t.Enum(list(SIGNS), "positive").tag(sync=True)
    scale = t.Enum(list(SCALES), "map").tag(sync=True)
    colormap = t.Enum(list(COLORMAPS), "viridis").tag(sync=True)
    opacity = t.Float(0.6, min=0, max=1).tag(sync=True)
    threshold = t.Float(0.0, min=0, max=1).tag(sync=True)
    selected = t.List(t.Int(min=0), [0]).tag(sync=True)
    labels = t.TraitType(()).tag(sync=True)
    theme = t.Enum(["auto", "light", "dark"], "auto").tag(sync=True)
    status = t.Enum(["idle", "running", "done", "cancelled", "error"], "idle", read_only=True).tag(sync=True)
    progress = t.Float(0.0, read_only=True).tag(sync=True)
    error = t.Unicode("", read_only=True).tag(sync=True)
    _images = t.List().tag(sync=True)
    _snapshot = t.Bytes(b"").tag(sync=True)  # the latest answer, for pages without a kernel; see `archive`
    _session: Session | None = None

    def __init__(
        self,
        model: Any,
        images: Any,
        target: str | int = "top",
        *,
        layer: str | None = None,
        method: str | None = None,
        params: dict[str, Any] | None = None,
        labels: Any = None,
        **keywords: Any,
    ) -> None:
        given = {name: keywords.pop(name) for name in KEYWORDS if name in keywords}
        if isinstance(model, Explainer) and given:
            raise ParameterError(f"{', '.join(given)}: give these to the Explainer, which is already made.")
        traits = set(self.class_trait_names(sync=True)) - set(READ_ONLY)
        for name in keywords:
            if name not in traits or name.startswith("_"):
                raise ParameterError(f"KxWidget has no keyword {name!r}.")
        self.explainer = model if isinstance(model, Explainer) else Explainer(model, **given)
        self._loaded = self.explainer.load(images)
        h, w, c = self._loaded.batch.shape[1:]
        self.explainer.prepare((h, w, c))
        self._lock = threading.RLock()
        recommended = self.explainer.inspection.recommended
        if method is None:
            method = "gradcam" if recommended else "gradients"
        elif recommended is None and (own := self.explainer.methods.get(method)) and own.sees == "layer":
            raise ModelError(f"{own.title} needs a layer with a map. {self.explainer.inspection.why}")
        super().__init__(_images=encode_pictures(self._loaded))
        with self.hold_trait_notifications():
            self.layer, self.method, self.target = layer or recommended or "", method, target
            self.params, self.labels = params or {}, labels
            for name, value in keywords.items():
                setattr(self, name, value)
        self._keeper = Keeper(self, constants(self.explainer) | {"arguments": own_arguments(model, given)})
        self._session = Session(self.explainer, self._loaded, self._tell, self._report, self._keeper.keep, self._lock)
        self.observe(self._asked, list(QUESTION))
        self.on_msg(self._heard)
        self.refresh()

    @property
    def result(self) -> Explanation | None:
        """The answer to the current question, None until there is one; the first column's where some are compared."""
        return next(iter(self.results), None)

    @property
    def results(self) -> tuple[Explanation, ...]:
        """One explanation, or one a column where methods or layers are compared."""
        return self._open.explanations

    def wait(self, timeout: float = 60) -> Explanation:
        """The answer, once it is there.

        Raises:
            KxError: the question failed or was cancelled.
            TimeoutError: it takes longer than `timeout` seconds; it goes on meanwhile.
        """
        try:
            result = self._open.wait(timeout)
        except KeyboardInterrupt:
            self.cancel()
            raise
        self._keeper.settle()
        return result

    def cancel(self) -> None:
        """Stop computing; what is drawn stays."""
        self._open.cancel()

    def refresh(self) -> None:
        """Ask the current question again."""
        with self._lock:
            asked = {name: getattr(self, name) for name in QUESTION}
            focus = self.selected[0] if self.selected else 0
            self._open.ask(questions(self.explainer, self._loaded, self), asked, focus)

    def to_html(self, megabytes: float = 1.0) -> str:
        """A page with every answer still kept, which needs no kernel and no network.

        Args:
            megabytes: its size but for the pictures; large maps that do not fit are averaged down, old ones left out.

        Raises:
            KxError: the question failed, and none was answered before.
        """
        return self._keeper.html(megabytes)

    def save(self, path: str | Path) -> None:
        """Write the page (`.html`, see `to_html`), the answer (`.npz`) or its overlays (`.png`).

        Raises:
            KxError: another ending, a question that failed, or several explanations side by side for `.npz`, `.png`.
        """
        self._keeper.save(Path(path))

    def close(self) -> None:
        """Stop, and let go of the model and everything kept about it."""
        if self._session is not None:
            self._session.close()
            self._keeper.close()
            self._session = None
            del self.explainer, self._loaded
        super().close()

    def __enter__(self) -> "KxWidget":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return super().__repr__() if self._session else f"KxWidget: {CLOSED}"

    @property
    def _open(self) -> Session:
        if self._session is None:
            raise KxError(CLOSED)
        return self._session

    def _ipython_display_(self) -> None:
        self._keeper.show()

    def _tell(self, content: Any, buffers: list[bytes] | None) -> None:
        if self.comm is not None:
            self.send(content, buffers)

    def _report(self, status: Status, progress: float, error: str) -> None:
        with self._lock, self.hold_sync():
            for name, value in zip(READ_ONLY, (status, progress, error), strict=True):
                self.set_trait(name, value)

    def _heard(self, _: Any, content: Any, __: Any) -> None:
        message, session = read(content), self._session
        if session is None:
            return
        match message:
            case {"kind": "hello", "view": view, "have": have}:
                self._keeper.meet()
                session.greet(view, have, self._keeper.welcome)
            case {"kind": "seen", "view": view, "visible": visible}:
                session.flow.see(view, visible)
            case {"kind": "ack", "seq": seq}:
                session.flow.acknowledge(seq)
            case {"kind": "cancel", "gen": gen}:
                session.cancel(gen)
            case {"kind": "miss", "gen": gen}:
                session.resend(gen)
            case {"kind": "want", "gen": gen, "image": image, "column": column, "have": key}:
                session.want(gen, image, column, key)
            case {"kind": "export", "id": name, "format": fmt, "column": column}:
                self._keeper.export(name, fmt, column)
            case _:
                self._tell(error_message(0, KxError(f"The page sent what is no message: {content!r:.200}")), None)

    def _asked(self, change: Any) -> None:
        if change["name"] == "method" and self._session is not None:
            kept = fitting(self.explainer.methods[self.method], self.params)
            if kept != self.params:
                self.params = kept
                return
        if change["name"] == "compare" and self.compare_with:
            self.compare_with = []
            return
        self.refresh()

    def _check(self, values: dict[str, Any]) -> list[Question]:
        """The questions with these traits anew; what hangs on them and is not given falls back to what fits."""
        asked = {name: getattr(self, name) for name in QUESTION} | values
        if "method" in values and "params" not in values:
            asked["params"] = fitting(self.explainer.methods.get(asked["method"]), self.params)
        if "compare" in values and "compare_with" not in values:
            asked["compare_with"] = []
        return questions(self.explainer, self._loaded, SimpleNamespace(**asked))

    @t.validate(*QUESTION)
    def _check_question(self, proposal: Any) -> Any:
        self._check({proposal["trait"].name: proposal["value"]})
        return proposal["value"]

    @t.validate("labels")
    def _check_labels(self, proposal: Any) -> Any:
        return read_labels(proposal["value"], len(self._loaded.batch), self.explainer.class_names)

    @t.validate("opacity", "threshold")
    def _check_number(self, proposal: Any) -> Any:
        if proposal["value"] != proposal["value"]:
            raise t.TraitError(f"{proposal['trait'].name} must be a number from 0 to 1, not NaN.")
        return proposal["value"]

    @t.validate("selected")
    def _check_selected(self, proposal: Any) -> Any:
        if (image := max(proposal["value"], default=0)) >= (count := len(self._loaded.batch)):
            raise ParameterError(f"selected: there is no image {image}; there are {count}.")
        return proposal["value"]

    def notify_change(self, change: Any) -> None:
        """One thread at a time tells of a change: the worker's come beside those of cells and of the browser."""
        with self._lock:
            super().notify_change(change)

    def set_state(self, sync_data: Any) -> None:
        """Take over what the browser set; refuse what is wrong, one trait at a time, and say so."""
        with self._lock:
            good = {}
            for name, value in sync_data.items():
                try:
                    if name in READ_ONLY or name.startswith(OF_PYTHON):
                        raise ParameterError(f"{name} cannot be set from the browser.")
                    if name in self.keys:
                        self.traits()[name]._validate(self, value)
                    good[name] = value
                except (KxError, t.TraitError) as error:
                    self._refuse(error, [name])
            asked = {name: good[name] for name in QUESTION if name in good}
            try:
                self._check(asked)
            except KxError as error:
                self._refuse(error, list(asked))
                good = {name: value for name, value in good.items() if name not in asked}
            super().set_state(good)

    def _refuse(self, error: BaseException, names: list[str]) -> None:
        """Say why values from the browser are not taken over, and give it back those that are."""
        self._tell(error_message(0, error), None)
        for name in names:
            self.send_state(name)
