"""What a widget does with a store of explanations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from kx_widget.bulk.store import Store
    from kx_widget.widget.widget import KxWidget


class FromStores:
    """Widgets of stored explanations."""

    @staticmethod
    def from_store(
        store: str | Path | Store,
        model: Any = None,
        *,
        where: Any = None,
        sort: str | None = None,
        descending: bool = False,
        **keywords: Any,
    ) -> KxWidget:
        """Browse the explanations of any number of images; maps and pictures are read as they come into sight.

        Args:
            store: the folder that `Explainer.explain_to` wrote, or a `Store`.
            model: the model, or an `Explainer` of it, to ask anything that is not stored; None shows what is.
            where, sort, descending: which images, in which order, as in `Store.select`.
            **keywords: as in `KxWidget`; class names and fit are the store's where they are not given.

        Returns:
            A `KxWidget` whose `result` is the explanation of the image in focus, `selected[0]`.

        Raises:
            FormatError: there is no such store, or nothing in it to show.
            ParameterError: the model has other classes than the store.
        """
        from kx_widget.widget.store_widget import StoreWidget

        return StoreWidget(store, model, where, sort, descending, keywords)
