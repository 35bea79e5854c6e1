"""The widget: traits and wiring."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import traitlets as t

from kx_widget import explainer as public
from kx_widget.engine.errors import KxError, ModelError, ParameterError
from kx_widget.engine.explainer import KEYWORDS, Explainer
from kx_widget.engine.explanation import Explanation
from kx_widget.engine.question import Question
from kx_widget.engine.registry import find
from kx_widget.widget.compare import fitting, in_words, layer_fitting, questions
from kx_widget.widget.from_store import FromStores
from kx_widget.widget.hearing import read
from kx_widget.widget.keeper import Keeper
from kx_widget.widget.labels import read_labels
from kx_widget.widget.pictures import encode_pictures
from kx_widget.widget.records import constants, error_message, own_arguments
from kx_widget.widget.session import Session, Status
from kx_widget.widget.traits import OF_PYTHON, QUESTION, READ_ONLY, Traits, as_trait_error

CLOSED = "This widget is closed. Make a new one."


class KxWidget(FromStores, Traits):
    """Shows in a notebook what a Keras model looks at.

    Args:
        model: a built Keras 3 model, or an `Explainer` of one.
        images: arrays, paths, globs, PIL images, or a list of these; see `Explainer.explain`.
        target: `"top"`, `"top-2"`…, a class index or name, or `contrast(a, b)`.
        layer: path of a layer; None for the recommended one.
        method: id of a method; None for the one that suits the model best, see `Explainer.inspection`.
        params: the method's parameters, and `smooth` or `tta` settings.
        labels: the true class of each image, by index or name, None where it is unknown; rows are then marked
            right or wrong.
        **keywords: those of `Explainer` (`preprocess`, `class_names`, `output`, `memory_mib`, `cache_mib`,
            `fit`, `methods`) and the remaining traits (`compare`, `sign`, `scale`, `colormap`, `opacity`, …).

    Raises:
        KxError: the model, the images or the question cannot be used; says what to do.
    """

    _session: Session | None = None
    # The traits of the question asked last, and what was checked last, by its traits.
    _last_traits: dict[str, Any] | None = None
    _last_checked: tuple[str, list[Question]] | None = None

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
        given = self._split(model, keywords)
        self._explainer = model if isinstance(model, Explainer) else public.Explainer(model, **given)
        self._loaded = self.explainer.load(images)
        h, w, c = self._loaded.batch.shape[1:]
        self.explainer.prepare((h, w, c))
        inspection = self.explainer.inspection
        method = inspection.recommended_method if method is None else method
        sees = own.sees if (own := self.explainer.methods.get(method)) else "input"
        if inspection.recommended is None and own and sees == "layer":
            raise ModelError(f"{own.title} needs a layer with a map. {inspection.why}")
        super().__init__(_images=encode_pictures(self._loaded))
        traits = {
            "layer": layer or inspection.layer_for(sees) or inspection.recommended or "",
            "method": method,
            "target": target,
            "params": params or {},
        }
        self._start(own_arguments(model, given), traits | {"labels": labels} | keywords)

    def _split(self, model: Any, keywords: dict[str, Any]) -> dict[str, Any]:
        """The explainer's own keywords, taken out of the others, which must be traits."""
        given = {name: keywords.pop(name) for name in KEYWORDS if name in keywords}
        if isinstance(model, Explainer) and given:
            raise ParameterError(f"{', '.join(given)}: give these to the Explainer, which is already made.")
        traits = set(self.class_trait_names(sync=True)) - set(READ_ONLY)
        for name in keywords:
            if name not in traits or name.startswith("_"):
                raise ParameterError(f"KxWidget has no keyword {name!r}.")
        return given

    def _start(self, arguments: list[str], traits: dict[str, Any]) -> None:
        """Take over the traits, and ask the first question."""
        with self.hold_trait_notifications():
            for name, value in traits.items():
                setattr(self, name, value)
        about = {**constants(self.explainer), "arguments": arguments, "offer": self._offer()}
        self._keeper = Keeper(self, about)
        self._session = self._make_session()
        self.observe(self._asked, list(QUESTION))
        self.on_msg(self._heard)
        self.refresh()

    def _make_session(self) -> Session:
        return Session(self.explainer, self._loaded, self._tell, self._report, self._keeper.keep, self._lock)

    def _offer(self) -> list[dict[str, Any]] | None:
        return None

    def _questions(self, asked: Any) -> list[Question]:
        return questions(self.explainer, self._loaded, asked)

    def _count(self) -> int:
        return len(self._loaded.batch)

    @property
    def explainer(self) -> Explainer:
        """What computes the answers.

        Raises:
            KxError: the widget is closed.
        """
        self._check_open()
        return self._explainer

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
            self._ask(self._question_traits())

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
        self._keeper.save(path)

    def close(self) -> None:
        """Stop, and let go of the model and everything kept about it."""
        session, self._session = self._session, None
        if session is not None:
            session.close()
            self._keeper.close()
            for name in ("_explainer", "_loaded", "_shelf", "_last_checked"):
                self.__dict__.pop(name, None)
        super().close()
        if session is not None:  # A host may hold on to a closed widget.
            self._images, self._snapshot = [], b""

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

    def _check_open(self) -> None:
        if "_explainer" not in self.__dict__:
            raise KxError(CLOSED)

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
        if (session := self._session) is None:
            return
        match read(content):
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
            case {"kind": "look", "gen": gen, "pictures": pictures, "maps": maps}:
                self._look(gen, pictures, maps)
            case {"kind": "export", "id": name, "format": fmt, "column": column}:
                self._keeper.export(name, fmt, column)
            case _:
                session.flow.notify(error_message(0, KxError(f"The page sent what is no message: {content!r:.200}")))

    def _look(self, gen: int, pictures: list[int], maps: list[int]) -> None:
        """Only stores have rows that nobody was told of."""

    def _asked(self, _: Any) -> None:
        """Ask what the traits say now, once, however many of them have changed together."""
        traits = self._adapted(self._question_traits())
        with self.hold_trait_notifications():
            for name, value in traits.items():
                if value is not getattr(self, name):
                    setattr(self, name, value)
        if repr(traits) != repr(self._last_traits):
            self._ask(traits)

    def _ask(self, traits: dict[str, Any]) -> None:
        questions = self._checked(traits)
        self._last_traits = traits
        self._open.ask(questions, traits, self.selected[0] if self.selected else 0)

    def _question_traits(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in QUESTION}

    def _adapted(self, traits: dict[str, Any]) -> dict[str, Any]:
        """The traits of a question, where those that hung on what has changed, and stayed, fall back to what fits."""
        last = self._last_traits
        if last is None:
            return traits
        kept = {name for name, value in traits.items() if repr(value) == repr(last[name])}
        traits = dict(traits)
        if "method" not in kept:
            fits = self._fitting(traits, last["method"])
            traits |= {name: value for name, value in fits.items() if name in kept}
        if "compare" not in kept and "compare_with" in kept:
            traits["compare_with"] = []
        return traits

    def _fitting(self, traits: dict[str, Any], old: str) -> dict[str, Any]:
        """The layer and the parameters to go on with for a new method."""
        methods, inspection = self.explainer.methods, self.explainer.inspection
        new = find(methods, traits["method"])
        layer = layer_fitting(inspection, traits["layer"], methods.get(old), new)
        return {"layer": layer, "params": fitting(new, traits["params"])}

    def _checked(self, traits: dict[str, Any]) -> list[Question]:
        """The questions that the traits ask; those checked last are not made again."""
        self._check_open()
        key = repr(traits)
        if self._last_checked is None or key != self._last_checked[0]:
            self._last_checked = key, self._questions(SimpleNamespace(**traits))
        return self._last_checked[1]

    @t.validate(*QUESTION)
    def _check_question(self, proposal: Any) -> Any:
        with self._refusing():
            name, value = proposal["trait"].name, in_words(proposal["value"], self._class_names())
            self._checked(self._adapted(self._question_traits() | {name: value}))
        return value

    def _class_names(self) -> Sequence[str]:
        self._check_open()
        return self._explainer.class_names

    @contextmanager
    def _refusing(self) -> Generator[None, None, None]:
        """Let validators raise what traitlets takes for a refusal."""
        try:
            self._check_open()
            yield
        except KxError as error:
            raise as_trait_error(error) from error.__cause__

    @t.validate("labels")
    def _check_labels(self, proposal: Any) -> Any:
        with self._refusing():
            return read_labels(proposal["value"], self._count(), self._class_names())

    @t.validate("opacity", "threshold")
    def _check_number(self, proposal: Any) -> Any:
        if proposal["value"] != proposal["value"]:
            raise t.TraitError(f"{proposal['trait'].name} must be a number from 0 to 1, not NaN.")
        return proposal["value"]

    @t.validate("selected")
    def _check_selected(self, proposal: Any) -> Any:
        with self._refusing():
            self._check_open()
            if (image := max(proposal["value"], default=0)) >= (count := self._count()):
                raise ParameterError(f"selected: there is no image {image}; there are {count}.")
        return proposal["value"]

    def set_state(self, sync_data: Any) -> None:
        """Take over what the browser set; refuse what is wrong, one trait at a time, and say so."""
        with self._lock:
            good = {}
            for name, value in sync_data.items():
                try:
                    if name in READ_ONLY or name.startswith(OF_PYTHON):
                        raise ParameterError(f"{name} cannot be set from the browser.")
                    if name in self.keys:
                        # Those of the question are checked together, below.
                        with self.cross_validation_lock if name in QUESTION else nullcontext():
                            self.traits()[name]._validate(self, value)
                    good[name] = value
                except (KxError, t.TraitError) as error:
                    self._refuse(error, [name])
            asked = {name: good.pop(name) for name in QUESTION if name in good}
            super().set_state(good | self._accepted(asked))

    def _accepted(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Those of the traits that make a question: all together, or else one on top of the other."""
        current, accepted = self._question_traits(), {}
        try:
            if asked:
                self._checked(self._adapted(current | asked))
            return asked
        except KxError as error:
            if len(asked) == 1:
                self._refuse(error, list(asked))
                return {}
        for name, value in asked.items():
            try:
                self._checked(self._adapted(current | accepted | {name: value}))
                accepted[name] = value
            except KxError as error:
                self._refuse(error, [name])
        return accepted

    def _refuse(self, error: BaseException, names: list[str]) -> None:
        """Say why values from the browser are not taken over, and give it back those that are."""
        if self._session is not None:
            self._session.flow.notify(error_message(0, error))
        for name in names:
            self.send_state(name)
