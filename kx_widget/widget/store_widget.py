"""The widget of a store; see `KxWidget.from_store`."""

import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

from kx_widget import explainer as public
from kx_widget.bulk.job import weights_of
from kx_widget.bulk.pipeline import blank
from kx_widget.bulk.store import Store
from kx_widget.engine.errors import FormatError, ImageError, KxError, ParameterError
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.files import writable
from kx_widget.engine.question import Question
from kx_widget.widget.compare import questions
from kx_widget.widget.records import own_arguments
from kx_widget.widget.shelf import Shelf
from kx_widget.widget.store_session import StoreSession
from kx_widget.widget.traits import Traits
from kx_widget.widget.widget import KxWidget


class StoreWidget(KxWidget):
    """A `KxWidget` whose images and answers are those of a store, as far as these go."""

    def __init__(
        self, store: str | Path | Store, model: Any, where: Any, sort: str | None, descending: bool, keywords: Any
    ) -> None:
        kept = store if isinstance(store, Store) else Store(store)
        given = self._split(model, keywords)
        self._shelf = Shelf(kept, where, sort, descending)
        self._has_model = model is not None
        if model is None and given:
            raise ParameterError(f"{', '.join(given)}: without a model there is nothing to give these to.")
        if model is None:
            self._explainer = self._shelf.facts()
        else:
            self._explainer = model if isinstance(model, Explainer) else self._make_explainer(model, given)
            self._loaded = blank(self.explainer)
            with suppress(ImageError):  # so that what is done to images can be told
                self.explainer.load([self._shelf.pixels(0)])
            self._compare_with_store()
        Traits.__init__(self)
        first = self._shelf.offer()[0]
        layer = first["layer"] or self.explainer.inspection.recommended or ""
        chosen = {"where": where, "sort": sort, "descending": descending or None}
        own = own_arguments(model, {**{name: value for name, value in chosen.items() if value is not None}, **given})
        own[:2] = [repr(kept.path), *own[:1]] if self._has_model else [repr(kept.path)]
        self._start(own, {**first, "layer": layer, **keywords})
        self.observe(self._focus, "selected")

    def _make_explainer(self, model: Any, given: dict[str, Any]) -> Explainer:
        job = self._shelf.store.job
        return public.Explainer(model, **{"class_names": job["class_names"], "fit": job["fit"], **given})

    def _compare_with_store(self) -> None:
        job = self._shelf.store.job
        if len(self.explainer.class_names) != len(job["class_names"]):
            raise ParameterError(
                f"The model has {len(self.explainer.class_names)} classes, and that of the store "
                f"{len(job['class_names'])}: pass the model that was explained."
            )
        if weights_of(self.explainer.model) != job["model"]["weights"]:
            warnings.warn(
                "The store was made with other weights than the model has: what is stored and what is asked anew "
                "are answers of two models.",
                RuntimeWarning,
                stacklevel=4,
            )

    def _make_session(self) -> StoreSession:
        explainer = self.explainer if self._has_model else None
        return StoreSession(self._shelf, explainer, self._tell, self._report, self._lock)

    def _offer(self) -> list[dict[str, Any]] | None:
        return None if self._has_model else self._shelf.offer()

    def _count(self) -> int:
        return len(self._shelf)

    def _questions(self, asked: Any) -> list[Question]:
        if self._shelf.columns(asked) is not None:
            return []
        if not self._has_model:
            kept = self._shelf.offer()[0]
            raise KxError(
                f"The store holds {kept['method']} of {kept['layer'] or 'the input'} for "
                f"{', '.join(self._shelf.texts)}; anything else needs the model: KxWidget.from_store(path, model)."
            )
        return questions(self.explainer, self._loaded, asked)

    def _look(self, gen: int, pictures: list[int], maps: list[int]) -> None:
        if isinstance(self._session, StoreSession):
            self._session.look(gen, pictures, maps)

    def _focus(self, change: Any) -> None:
        if isinstance(self._session, StoreSession) and change["new"]:
            self._session.focus(change["new"][0])

    def to_html(self, megabytes: float = 1.0) -> str:
        """Not for stores: `kx show` makes pages of them.

        Raises:
            FormatError: always, and says so.
        """
        raise FormatError(f"A page of a store is made by the command: kx show {self._shelf.store.path}")

    def save(self, path: str | Path) -> None:
        """Write the explanation of the image in focus (`.npz`, `.png`).

        Raises:
            FormatError: another ending, or no such folder.
        """
        if writable(path).suffix == ".html":
            self.to_html()
        super().save(path)
