"""Which layer of one model goes with a layer of another."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from kx_widget.engine.errors import UnknownLayerError
from kx_widget.engine.types import Inspection, LayerInfo

# Cells of two layers that see this many times as much of a picture's side, or less, see about equally much.
SAME_STRIDE = math.sqrt(2)


@dataclass(frozen=True)
class LayerMatch:
    """A layer of the other model, and in words why it is that one, "" where the name is the same."""

    path: str
    words: str = ""


@dataclass(frozen=True)
class LayerMatches:
    """Goes from the layers of one model to those of another.

    A layer goes with the one of its name; where both models have the same kinds of layers in the same order, with the
    one in its place, for Keras numbers names anew in each model. Of other architectures the layer that is recommended
    goes with that of the other model, and the last layer of each resolution with the last one of that resolution.

    Attributes:
        first, other: facts about the two models.
        name: of the other model, for sentences.
    """

    first: Inspection
    other: Inspection
    name: str

    def of(self, path: str) -> LayerMatch:
        """The layer that goes with one of the first model; that of a method that sees the input is "".

        Raises:
            UnknownLayerError: there is none, and why.
        """
        if not path:
            return LayerMatch("")
        match = next(self._candidates(path), None)
        if match is None:
            raise UnknownLayerError(f"{self.objection(path)}.")
        return match

    def objection(self, path: str) -> str:
        """Why a layer has no partner, "" where it has one."""
        if next(self._candidates(path), None) is not None:
            return ""
        other = self._others.get(path)
        if other is not None and not other.is_candidate:
            return f"its layer {path!r} gives no map: {other.reason}"
        return f"it has no layer that goes with {path!r}"

    def _candidates(self, path: str) -> Iterator[LayerMatch]:
        info = self._firsts.get(path)
        if info is None or not info.is_candidate:
            return
        if self._are_alike:
            partner = self.other.layers[self.first.layers.index(info)]
            if partner.is_candidate:
                words = f"{self.name!r} calls it {partner.path!r}: it has the same kinds of layers in the same order."
                yield LayerMatch(partner.path, "" if partner.path == path else words)
            return
        partner = self._others.get(path)
        if (
            partner is not None
            and partner.is_candidate
            and partner.type == info.type
            and self._is_stride(partner, info)
        ):
            yield LayerMatch(path)
        lacks = f"{self.name!r} has no layer {path!r}."
        for sees in ("layer", "attention"):
            if path == self.first.layer_for(sees) and (recommended := self.other.layer_for(sees)) is not None:
                yield LayerMatch(recommended, f"{lacks} Its recommended layer, {recommended!r}, is shown.")
        if info == self._lead(self.first, info) and (lead := self._lead(self.other, info)) is not None:
            rows, columns = lead.spatial or (0, 0)
            yield LayerMatch(
                lead.path,
                f"{lacks} Its last layer of about this resolution, {lead.path!r} ({rows} × {columns}), is shown.",
            )

    @cached_property
    def _are_alike(self) -> bool:
        return [layer.type for layer in self.first.layers] == [layer.type for layer in self.other.layers]

    @cached_property
    def _firsts(self) -> dict[str, LayerInfo]:
        return {layer.path: layer for layer in self.first.layers}

    @cached_property
    def _others(self) -> dict[str, LayerInfo]:
        return {layer.path: layer for layer in self.other.layers}

    def _is_stride(self, other: LayerInfo, layer: LayerInfo) -> bool:
        """Whether the cells of a layer of the other model see about as much of the picture as those of the first's."""
        ratio = _stride(self.other, other) / _stride(self.first, layer)
        return 1 / SAME_STRIDE <= ratio <= SAME_STRIDE

    def _lead(self, inspection: Inspection, layer: LayerInfo) -> LayerInfo | None:
        """The last layer of a model whose cells see about as much as those of a layer of the first model."""
        scale = _stride(self.first, layer)
        for each in reversed(inspection.layers):
            if each.is_candidate and 1 / SAME_STRIDE <= _stride(inspection, each) / scale <= SAME_STRIDE:
                return each
        return None


def _stride(inspection: Inspection, layer: LayerInfo) -> float:
    """How many pixels of the input's height a row of the layer's map stands for."""
    return inspection.input_shape[0] / (layer.spatial or (1, 1))[0]
