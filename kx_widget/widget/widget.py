"""The widget: traits and wiring."""

import operator
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets as t

from kx_widget import explainer as public
from kx_widget.engine.concepts import MOST_CONCEPTS, Concepts
from kx_widget.engine.errors import FormatError, KxError, ModelError, ParameterError, did_you_mean
from kx_widget.engine.explainer import KEYWORDS, Explainer
from kx_widget.engine.explanation import Explanation
from kx_widget.engine.images import Images
from kx_widget.engine.labels import read_labels
from kx_widget.engine.model_comparison import ModelComparison
from kx_widget.engine.model_inputs import EACH
from kx_widget.engine.regions import WINS, Region
from kx_widget.engine.scalars import Target
from kx_widget.engine.targets import Contrast
from kx_widget.widget.answer_sources import AnswerSource, Query, asks_for_labels
from kx_widget.widget.call_site import after_each_cell, written_arguments
from kx_widget.widget.concept_search import WantedConcepts, check_concepts
from kx_widget.widget.current_answer import Status
from kx_widget.widget.detected import detected_boxes
from kx_widget.widget.evidence import COVER
from kx_widget.widget.export import Exporter
from kx_widget.widget.image_sources import ImageSource, InputImages, LoadedImages, encode_all
from kx_widget.widget.messages import validate
from kx_widget.widget.model_answers import ModelAnswers
from kx_widget.widget.questions import adapted, in_words
from kx_widget.widget.region_traits import OTHERS, plain_regions, regions_of
from kx_widget.widget.serialize import error_message, python_argument
from kx_widget.widget.session import CLOSED, Session
from kx_widget.widget.side_by_side import ComparedModels, model_images
from kx_widget.widget.traits import (
    CHANGES,
    DISAGREEMENTS,
    OUTCOMES,
    PYTHON_ONLY,
    QUESTION,
    READ_ONLY,
    Traits,
    as_trait_error,
    read_filter,
    read_sort,
)

if TYPE_CHECKING:
    from kx_widget.bulk.shortcuts import Shortcuts
    from kx_widget.bulk.store import Store


class KxWidget(Traits):
    """Shows in a notebook what a Keras model looks at.

    Args:
        model: a built Keras 3 model, or an `Explainer` of one; or two to four of these by name,
            `{"before": model, "after": tuned}`, to see them side by side, see `compare_models`.
        images: arrays, paths, folders, globs, PIL images, or a list of these; see `Explainer.explain`.
        target: `"top"`, `"top-2"`…, a class index or name, `"true"` (each image's own label), `contrast(a, b)`, or a
            `Target` of one's own, which can be asked by its name from then on.
        layer: path of a layer; None for the recommended one.
        method: id of a method; None for the one that suits the model best, see `Explainer.inspection`.
        params: the method's parameters, and `smooth` or `tta` settings.
        labels: the true class of each image, by index or name, None where it is unknown; rows are then marked
            right or wrong, and `"true"` can be explained.
        **keywords: those of `Explainer` (`preprocess`, `class_names`, `output`, `memory_mib`, `cache_mib`,
            `fit`, `methods`, `detect`…), `region` (which places of the output count, of a model that has scores for
            several: what `region` makes, or one of each image) and the remaining traits (`compare`, `sign`, `scale`,
            `colormap`, `opacity`, `height`, …).

    Raises:
        KxError: the model, the images or the question cannot be used; says what to do.
    """

    _session: Session | None = None
    _leave_cells: Callable[[], None]
    # The traits of the latest question, and the latest checked query with its traits as text.
    _last_traits: dict[str, Any] | None = None
    _last_query: tuple[str, Query] | None = None

    def __init__(
        self,
        model: Any,
        images: Any,
        target: str | int | Contrast | Target = "top",
        *,
        layer: str | None = None,
        method: str | None = None,
        params: dict[str, Any] | None = None,
        labels: Any = None,
        **keywords: Any,
    ) -> None:
        settings = self._settings(model, keywords)
        models = model_images(model, images, settings) if isinstance(model, Mapping) else []
        explainer = models[0].explainer if models else model
        if not isinstance(explainer, Explainer):
            explainer = public.Explainer(model, **settings)
        loaded = models[0].images if models else explainer.load(images)
        explainer.prepare(loaded.input_shape)
        inspection = explainer.inspection
        method = inspection.recommended_method if method is None else method
        sees = entry.sees if (entry := explainer.methods.get(method)) else "input"
        if inspection.recommended is None and entry and sees == "layer":
            raise ModelError(f"{entry.title} needs a layer with a map. {inspection.why}")
        # No value is more predicted than another: begin with the first.
        target = explainer.class_names[0] if explainer.units and target == "top" else target
        layer = layer or inspection.layer_for(sees) or inspection.recommended or ""
        question = {"layer": layer, "method": method, "target": target, "params": params or {}}
        question["compare"] = "models" if models else "none"
        source = LoadedImages(loaded, inputs=_beside(explainer, images), models=models)
        super().__init__(_images=encode_all(source))
        answers = ComparedModels(source) if models else ModelAnswers(explainer, source, loaded)
        texts = written_arguments({"model": model, "images": images, "labels": labels, **settings})
        placeholder = "models" if models else "explainer" if model is explainer else "model"
        arguments = [texts.get("model") or placeholder]
        arguments += [python_argument("images", images, texts)]
        arguments += [f"{name}={python_argument(name, value, texts)}" for name, value in settings.items()]
        self._start(source, answers, arguments, question | {"labels": labels} | keywords)
        self._names = {"labels": texts["labels"]} if "labels" in texts else {}

    @classmethod
    def from_store(
        cls,
        store: "str | Path | Store",
        model: Any = None,
        *,
        where: Any = None,
        sort: str | None = None,
        descending: bool = False,
        suspicions: "Shortcuts | bool | None" = None,
        **keywords: Any,
    ) -> "KxWidget":
        """Browse the explanations of any number of images; maps and pictures are read as they come into sight.

        Pictures are opened wherever the store says that they are, which the widget tells: take stores from people whom
        you trust.

        Args:
            store: the folder that `Explainer.explain_to` wrote, or a `Store`.
            model: the model, or an `Explainer` of it, to ask anything that is not stored; None shows what is.
            where, sort, descending: which images, in which order, as in `Store.select`.
            suspicions: what `Explainer.shortcuts` has returned; None for what it, or `kx shortcuts`, has kept in the
                store, False for none.
            **keywords: as in `KxWidget`; class names and fit are the store's where they are not given.

        Returns:
            A `KxWidget` whose `result` is the explanation of the image in focus, `selected[0]`.

        Raises:
            FormatError: there is no such store, or nothing in it to show.
            ParameterError: the model has other classes than the store.
        """
        # Stores need pyarrow, widgets do not.
        from kx_widget.widget.store_model import model_of_store
        from kx_widget.widget.stored import StoredAnswers, StoredImages
        from kx_widget.widget.suspicion_records import facts_of

        settings = cls._settings(model, keywords)
        shortcuts = None if suspicions is None else facts_of(suspicions)
        source = StoredImages(store, where, sort, descending, shortcuts=shortcuts)
        if model is None and settings:
            raise ParameterError(f"{', '.join(settings)}: without a model there is nothing to give these to.")
        answers = StoredAnswers(source, None if model is None else model_of_store(source, model, settings))
        chosen = {"where": where, "sort": sort, "descending": descending or None}
        chosen = {name: value for name, value in chosen.items() if value is not None}
        texts = written_arguments({"store": store, "model": model, **chosen, **settings})
        arguments = [repr(source.path)]
        if model is not None:
            arguments += [texts.get("model") or ("explainer" if isinstance(model, Explainer) else "model")]
        arguments += [f"{name}={python_argument(name, value, texts)}" for name, value in (chosen | settings).items()]
        self = cls.__new__(cls)
        Traits.__init__(self)
        self._start(source, answers, arguments, answers.default_traits() | keywords)
        return self

    @classmethod
    def _settings(cls, model: Any, keywords: dict[str, Any]) -> dict[str, Any]:
        """The explainer's own keywords, taken out of the others, which must be traits."""
        settings = {name: keywords.pop(name) for name in KEYWORDS if name in keywords}
        if isinstance(model, Explainer) and settings:
            raise ParameterError(f"{', '.join(settings)}: give these to the Explainer, which is already made.")
        traits = {name for name in cls.class_trait_names(sync=True) if not name.startswith("_")} - set(READ_ONLY)
        for name in keywords:
            if name not in (*traits, "region"):
                known = (*KEYWORDS, *sorted(traits))
                raise ParameterError(f"KxWidget has no keyword {name!r}.{did_you_mean(name, known)}")
        return settings

    def _start(self, source: ImageSource, answers: AnswerSource, arguments: list[str], traits: dict[str, Any]) -> None:
        """Take over the traits, and ask the first question."""
        self._source, self._answers = source, answers
        welcome = answers.catalogue() | {"arguments": arguments}
        self._class_names: list[str] = welcome["class_names"]
        columns: list[Any] = welcome["columns"]
        self._columns: list[str] = [column["name"] for column in columns]
        self._outcomes = (*OUTCOMES, *(CHANGES if source.models else ()))
        self._columns += DISAGREEMENTS if source.models else ()
        suspicions: Any = welcome["suspicions"]
        self._suspicions = len(suspicions["items"]) if suspicions else 0
        try:
            traits = {name: self._named(value) if name in QUESTION else value for name, value in traits.items()}
            labels = read_labels(traits.get("labels"), len(source), self._class_names)
            if (region := traits.pop("region", None)) is not None:
                traits["regions"] = plain_regions(region, len(source))
            with self.hold_trait_notifications():
                for name, value in (traits | {"labels": labels}).items():
                    setattr(self, name, value)
            source.labels = labels
        except BaseException:
            self.close()  # Hosts hold on to every widget that is open.
            raise
        self._exporter = Exporter(self, welcome)
        self._session = Session(
            source, answers, self._tell_views, self._report, self._exporter.keep, self._lock, self._detect
        )
        self.observe(self._ask_if_changed, list(QUESTION))
        self.observe(self._reset_limits, ["method", "compare"])
        self.observe(self._focus, "selected")
        self.observe(self._relabel, "labels")
        self.on_msg(self._receive)
        self._leave_cells = after_each_cell(self._after_cell)
        self.refresh()

    @property
    def explainer(self) -> Explainer:
        """What computes the answers.

        Raises:
            KxError: the widget is closed, or shows a store without its model.
        """
        self._check_open()
        if self._answers.explainer is None:
            raise KxError("There is no model beside the store: KxWidget.from_store(path, model).")
        return self._answers.explainer

    @property
    def region(self) -> Region | list[Region]:
        """Which places of the output count: a region, or one of each image; setting it asks again."""
        self._check_open()
        regions = regions_of(self.regions, range(len(self._source))) or [WINS]
        return regions if self.regions.keys() - {OTHERS} else regions[0]

    @region.setter
    def region(self, value: Any) -> None:
        self._check_open()
        self.regions = plain_regions(value, len(self._source))

    @property
    def result(self) -> Explanation | None:
        """The answer to the current question; the first column's where some are compared.

        While it is computed, and after a cancel, it holds what has come so far, as its `progress` says; None before the
        first map.
        """
        return next(iter(self.results), None)

    @property
    def results(self) -> tuple[Explanation, ...]:
        """One explanation, or one a column where methods, layers or models are compared."""
        return self._open.explanations

    @property
    def model_comparison(self) -> ModelComparison:
        """Where the models of `compare="models"` disagree: predictions, and how far maps agree.

        Raises:
            KxError: no models are compared, or one with none, or the answer is not there yet.
        """
        return self._open.compare()

    @property
    def concepts(self) -> Concepts | None:
        """The concepts that were shown last, with `overlay="concepts"`; None before."""
        return self._open.concepts.latest

    def wait(self, timeout: float = 60) -> Explanation:
        """The answer, once it is there.

        Raises:
            KxError: the question failed or was cancelled.
            TimeoutError: it takes longer than `timeout` seconds; it goes on meanwhile.
        """
        try:
            explanation = self._open.wait(timeout)
        except KeyboardInterrupt:
            self.cancel()
            raise
        self._exporter.settle()
        return explanation

    def cancel(self) -> None:
        """Stop computing; what is drawn stays."""
        self._open.cancel()

    def refresh(self) -> None:
        """Ask the current question again."""
        with self._lock:
            self._ask(self._question_traits())

    def measure(self, images: Sequence[int] | None = None, cover: str = COVER) -> None:
        """Measure how far the maps of the answer can be believed, and wait for it.

        It is what the panel shows under *Can it be believed?*; pages that are saved later carry it. For Python the same
        numbers are those of `Explainer.evaluate`.

        Args:
            images: their numbers; None for all, of a store for the one in focus.
            cover: what covers parts of a picture, as in `Explainer.evaluate`.

        Raises:
            KxError: the question failed, nothing can be measured, or there is no such image or cover.
        """
        self.wait(threading.TIMEOUT_MAX)
        count = len(self._source)
        if images is None:
            images = range(count) if self._source.at_once else self.selected[:1] or [0]
        try:
            numbers = list(map(operator.index, images))
        except TypeError:
            raise ParameterError(f"images={images!r:.100} must be a list of numbers of images.") from None
        for image in numbers:
            if image not in range(count):
                raise ParameterError(f"images: there is no image {image}; there are {count}.")
        self._open.evidence.measure_now(numbers, cover)

    def to_html(self, megabytes: float = 1.0) -> str:
        """A page with every answer still kept, which needs no kernel and no network.

        Args:
            megabytes: its size but for the pictures; large maps that do not fit are averaged down, old ones left out.

        Raises:
            KxError: the question failed, and none was answered before.
            FormatError: the images are those of a store, of which `kx show` makes pages.
        """
        self._check_open()
        if not self._source.at_once:
            raise FormatError(f"A page of a store is made by the command: kx show {self._source.path}")
        return self._exporter.html(megabytes)

    def save(self, path: str | Path) -> None:
        """Write the page (`.html`, see `to_html`), the answer (`.npz`) or its overlays (`.png`).

        It waits for the answer; one that was cancelled is written as far as it has come, and marked as partial.

        Raises:
            KxError: another ending, a question that failed, or several explanations side by side for `.npz`, `.png`.
        """
        self._check_open()
        self._exporter.save(path)

    def close(self) -> None:
        """Stop, and let go of the model and everything kept about it."""
        if (session := self._session) is None:
            super().close()
            return
        with self._lock:
            self._session = None
            self._leave_cells()
            session.close()
            self._exporter.close()
            for name in ("_source", "_answers", "_last_query"):
                self.__dict__.pop(name, None)
            super().close()
            # A host may hold on to a closed widget.
            self._images, self._detections, self._snapshot = [], [], b""

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
        if "_answers" not in self.__dict__:
            raise KxError(CLOSED)

    def _ipython_display_(self) -> None:
        self._exporter.display()

    def _tell_views(self, content: Any, buffers: list[bytes] | None) -> None:
        if self.comm is not None:
            self.send(content, buffers)

    def _report(self, status: Status, progress: float, error: str) -> None:
        with self._lock, self.hold_sync():
            for name, value in {"status": status, "progress": progress, "error": error}.items():
                self.set_trait(name, value)
            if status == "running":
                self.set_trait("weights_changed", False)

    def _detect(self, explainer: Explainer, images: Images, numbers: Sequence[int]) -> None:
        """Show what a detector detects in images, by their numbers."""
        detections = detected_boxes(explainer, images)
        with self._lock:
            if self._session is None:
                return
            if self._source.at_once:
                self._detections = detections
            else:
                items: Any = [{"image": n, "boxes": boxes} for n, boxes in zip(numbers, detections, strict=True)]
                self._session.outbox.detected(items)

    def _after_cell(self) -> None:
        """What a cell has changed is told, and what it has kept from being measured goes on."""
        session = self._session
        # A fit that was interrupted tells nobody; one of another thread may go on.
        if session is not None and session.training.gate.is_left:
            session.end_training()
            self._exporter.snapshot()
        self._check_weights()
        if session is not None:
            session.hear()

    def _check_weights(self) -> None:
        """Say whether the model has other weights than those that the answer was computed with."""
        if (session := self._session) is not None and self.status != "running":
            self.set_trait("weights_changed", session.has_other_weights())

    def _receive(self, _: Any, content: Any, __: Any) -> None:
        """Act on a message of the browser."""
        if (session := self._session) is None:
            return
        session.hear()
        match validate(content):
            case {"kind": "hello", "view": view, "have": keys}:
                self._exporter.displays.leave()
                session.greet(view, keys, self._exporter.welcome)
            case {"kind": "seen", "view": view, "visible": visible}:
                session.see(view, visible)
                self._check_weights()
            case {"kind": "refresh", "gen": gen}:
                if gen == session.gen:
                    self.refresh()
                    session.outbox.hear()
            case {"kind": "ack", "seq": seq}:
                session.outbox.acknowledge(seq)
            case {"kind": "cancel", "gen": gen}:
                session.cancel(gen)
            case {"kind": "miss", "gen": gen}:
                session.resend(gen)
            case {"kind": "want", "gen": gen, "image": image, "column": column, "have": key}:
                session.thumbnails.want(gen, image, column, key)
            case {"kind": "measure", "gen": gen, "images": images, "cover": cover}:
                session.evidence.measure(gen, images, cover)
            case {"kind": "cover", "gen": gen, "image": image, "column": column, **place}:
                session.evidence.cover(gen, image, column, place)
            case {"kind": "rank", "gen": gen, "column": column, "images": images, "methods": methods, "cover": cover}:
                session.rankings.rank(gen, column, images, methods, cover)
            case {"kind": "paint", "gen": gen, **stroke}:
                session.strokes.paint(gen, stroke)
            case {"kind": "look", "gen": gen, "pictures": pictures, "maps": maps}:
                session.in_sight.look(gen, pictures, maps)
            case {"kind": "segment", "images": images}:
                session.segmentations.segment(images)
            case {"kind": "find_concepts", "have": key, "concepts": number, "images": images, "among": among}:
                session.concepts.find(WantedConcepts(key, min(max(number, 1), MOST_CONCEPTS), images, among))
            case {"kind": "enlarge", "id": view, "image": image, "box": box, "longest": longest, **of_map}:
                session.crops.ask(view, image, box, longest, (of_map["gen"], of_map["column"]))
            case {"kind": "export", "id": name, "format": fmt, "column": column}:
                self._exporter.downloads.ask(name, fmt, column)
            case _:
                error = KxError(f"The page sent what is no message: {content!r:.200}")
                session.outbox.notify(error_message(0, error))

    def _focus(self, change: Any) -> None:
        if self._session is not None and change["new"]:
            self._session.focus(change["new"][0])

    def _relabel(self, _: Any) -> None:
        """Answer again what was asked of the true classes, which are others now."""
        if self._session is None:
            return
        # No answer with the old ones may be kept after they are dropped.
        with self._lock:
            self._source.labels = self.labels
            self._exporter.drop(asks_for_labels)
            if asks_for_labels(traits := self._question_traits()):
                self._ask(traits)
            else:
                self._session.relabel()

    def _ask_if_changed(self, _: Any) -> None:
        """Ask what the traits say now, once, however many of them have changed together."""
        traits = self._adapted(self._question_traits())
        with self.hold_trait_notifications():
            for name, value in traits.items():
                if value is not getattr(self, name):
                    setattr(self, name, value)
        if repr(traits) != repr(self._last_traits):
            self._ask(traits)

    def _reset_limits(self, _: Any) -> None:
        """Limits belong to the maps that they were chosen for: another method or comparison begins without."""
        self.limits = [0, 1]

    def _ask(self, traits: dict[str, Any]) -> None:
        query = self._query(traits)
        self._last_traits = traits
        self._open.ask(query, traits, self.selected[0] if self.selected else 0)

    def _question_traits(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in QUESTION}

    def _adapted(self, traits: dict[str, Any]) -> dict[str, Any]:
        """The traits, where those that depend on another one that has changed fall back to what fits."""
        self._check_open()
        return traits if self._last_traits is None else adapted(traits, self._last_traits, self._answers.explainer)

    def _query(self, traits: dict[str, Any], labels: list[int | None] | None = None) -> Query:
        """The checked question that the traits ask; the last one is not checked again."""
        self._check_open()
        if not asks_for_labels(traits):
            labels = None
        elif labels is None:
            # Several traits that change together are checked one by one, and the labels perhaps after the target.
            labels = read_labels(self.labels, len(self._source), self._class_names)
        own = self._answers.own
        text = repr((traits, labels, [] if own is None else own.editions(traits)))
        if self._last_query is None or text != self._last_query[0]:
            labels_before = self._source.labels
            self._source.labels = labels_before if labels is None else labels
            try:
                self._last_query = text, self._answers.ask(traits)
            except KxError:
                self._source.labels = labels_before
                raise
        return self._last_query[1]

    @contextmanager
    def _refusing(self) -> Generator[None, None, None]:
        """Let a validator raise what traitlets takes for a refusal."""
        try:
            self._check_open()
            yield
        except KxError as error:
            raise as_trait_error(error) from error.__cause__

    @t.validate(*QUESTION)
    def _check_question(self, proposal: Any) -> Any:
        name, own = proposal["trait"].name, self.__dict__.get("_answers") and self._answers.own
        with self._refusing():
            before = {} if own is None else own.remembered()
            try:
                value = self._named(proposal["value"])
                self._query(self._adapted(self._question_traits() | {name: value}))
            except KxError:
                if own is not None:
                    own.restore(before)
                    self._own_targets = own.records()
                raise
        if own is not None and (names := own.redefined(before)):
            self._exporter.drop(lambda traits: not names.isdisjoint(own.named(traits)))
            if not names.isdisjoint(own.named(self._question_traits())):
                self.refresh()
        return value

    def _named(self, value: Any) -> Any:
        """A value of a trait of the question as a browser can be told it: contrasts, own targets and images as text."""
        own, explainer = self._answers.own, self._answers.explainer
        if isinstance(value, list):
            return [self._named(each) for each in value]
        if isinstance(value, dict) and explainer is not None:
            for each in self._source.models[1:]:
                each.explainer.with_image_sets(value)
            return explainer.with_image_sets(value)
        if isinstance(value, Target) and own is not None:
            value = own.add(value)
            self._own_targets = own.records()
        return in_words(value, self._class_names)

    @t.validate("overlay")
    def _check_overlay(self, proposal: Any) -> Any:
        with self._refusing():
            explainer = self._answers.explainer
            if proposal["value"] != "map" and self._source.models:
                raise ParameterError(
                    f"overlay={proposal['value']!r} shows what one model sees: make a widget of that model alone."
                )
            if proposal["value"] == "concepts":
                check_concepts(explainer)
            elif proposal["value"] != "map" and (explainer is None or not explainer.places):
                why = "the model tells no class for each place of it. Only segmenters do."
                if explainer is None:
                    why = "that takes the model: KxWidget.from_store(path, model)."
                raise ParameterError(
                    f"overlay={proposal['value']!r}: there is no prediction to lie over a picture, for {why}"
                )
        return proposal["value"]

    @t.validate("labels")
    def _check_labels(self, proposal: Any) -> Any:
        with self._refusing():
            labels = read_labels(proposal["value"], len(self._source), self._class_names)
            if self._session is not None and asks_for_labels(traits := self._question_traits()):
                self._query(traits, labels)
        return labels

    @t.validate("show")
    def _check_show(self, proposal: Any) -> Any:
        with self._refusing():
            return read_filter(proposal["value"], self._class_names, self._columns, self._suspicions, self._outcomes)

    @t.validate("sort")
    def _check_sort(self, proposal: Any) -> Any:
        with self._refusing():
            return read_sort(proposal["value"], self._columns)

    @t.validate("selected")
    def _check_selected(self, proposal: Any) -> Any:
        with self._refusing():
            if (image := max(proposal["value"], default=0)) >= (count := len(self._source)):
                raise ParameterError(f"selected: there is no image {image}; there are {count}.")
        return list(dict.fromkeys(map(int, proposal["value"])))

    def set_state(self, sync_data: Any) -> None:
        """Take over what the browser set; refuse what is wrong, one trait at a time, and say so."""
        with self._lock:
            accepted: dict[str, Any] = {}
            for name, value in sync_data.items():
                try:
                    if name in READ_ONLY or name.startswith(PYTHON_ONLY):
                        raise ParameterError(f"{name} cannot be set from the browser.")
                    if name in self.keys:
                        # Those of the question are checked together, below.
                        with self.cross_validation_lock if name in QUESTION else nullcontext():
                            self.traits()[name]._validate(self, value)
                    accepted[name] = value
                except (KxError, t.TraitError) as error:
                    self._refuse(error, [name])
            question = {name: accepted.pop(name) for name in QUESTION if name in accepted}
            super().set_state(accepted | self._accepted_question(question))
            if self._session is not None:
                self._session.outbox.hear()

    def _accepted_question(self, question: dict[str, Any]) -> dict[str, Any]:
        """Those of the traits that make a question: all together, or else each that fits to those before it."""
        current, accepted = self._question_traits(), {}
        try:
            if question:
                self._query(self._adapted(current | question))
            return question
        except KxError as error:
            if len(question) == 1:
                self._refuse(error, list(question))
                return {}
        for name, value in question.items():
            try:
                self._query(self._adapted(current | accepted | {name: value}))
                accepted[name] = value
            except KxError as error:
                self._refuse(error, [name])
        return accepted

    def _refuse(self, error: BaseException, names: list[str]) -> None:
        """Say why values from the browser are not taken over, and give it back those that are."""
        if self._session is not None:
            self._session.outbox.notify(error_message(0, error))
        for name in names:
            self.send_state(name)


def _beside(explainer: Explainer, images: Any) -> list[InputImages]:
    """The pictures of a model's other inputs where each is to be shown."""
    if explainer.settings.explain_input != EACH:
        return []
    explainers = [explainer.of_input(name) for name in explainer.inputs.images[1:]]
    return [InputImages(each.inputs.image.name, each, each.load(images)) for each in explainers]
