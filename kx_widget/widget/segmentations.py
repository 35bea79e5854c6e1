"""Which class wins at each place of a widget's images, told where a page shows it."""

from __future__ import annotations

import gzip
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kx_widget.engine.errors import ImageError, plain
from kx_widget.widget.image_sources import ImageSource, load_only

if TYPE_CHECKING:
    # What is stored is shown without TensorFlow.
    from kx_widget.engine.explainer import Explainer
    from kx_widget.engine.segmentation import Labels

IMAGES_AT_ONCE = 8
KEPT_BYTES = 2**25


@dataclass(frozen=True)
class PackedLabels:
    """The classes of one image, as gzip, or the `problem` for which there are none."""

    shape: tuple[int, ...] = ()
    dtype: str = "uint8"
    data: bytes = b""
    problem: str = ""

    @classmethod
    def of(cls, labels: Labels) -> PackedLabels:
        """Pack the classes (h, w) of an image."""
        text = np.ascontiguousarray(labels, labels.dtype.newbyteorder("<")).tobytes()
        return cls(labels.shape, labels.dtype.name, gzip.compress(text, 6, mtime=0))

    def record(self, image: int, byte_offset: int) -> dict[str, Any]:
        """As a `SegmentedImage`, whose bytes lie in a buffer from `byte_offset` on."""
        place = {"byte_offset": byte_offset, "byte_length": len(self.data)}
        return {"image": image, "shape": list(self.shape), "dtype": self.dtype, **place, "problem": self.problem}


class Segmentations:
    """What a segmenter sees in a source's images, each computed once; the latest are kept.

    Args:
        source: of the images.
    """

    def __init__(self, source: ImageSource) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._packed: OrderedDict[int, PackedLabels] = OrderedDict()
        self._version: int | None = None

    def kept(self, version: int) -> Mapping[int, PackedLabels]:
        """Those that are known, by image, as weights of this version see them."""
        with self._lock:
            return {} if version != self._version else dict(self._packed)

    def of(
        self, explainer: Explainer, images: Sequence[int], version: int, stale: Callable[[], bool] = lambda: False
    ) -> Iterator[dict[int, PackedLabels]]:
        """Some images after the other, by their numbers.

        Args:
            explainer: of the model.
            images: their numbers.
            version: of the weights.
            stale: tells that nobody wants to know any more.
        """
        cached = self.kept(version)
        if ready := {image: cached[image] for image in images if image in cached}:
            yield ready
        rest = [image for image in images if image not in cached]
        for first in range(0, len(rest), IMAGES_AT_ONCE):
            if stale():
                return
            chunk = rest[first : first + IMAGES_AT_ONCE]
            packed = self._pack(explainer, chunk)
            self._keep(packed, version)
            yield packed

    def _pack(self, explainer: Explainer, numbers: Sequence[int]) -> dict[int, PackedLabels]:
        from kx_widget.engine.segmentation import segmented

        try:
            images, ready = load_only(self._source, explainer, numbers)
            packed = dict(zip(ready, map(PackedLabels.of, segmented(explainer, images)), strict=True))
        except ImageError as error:
            packed, problem = {}, str(error)
        except Exception as error:
            packed, problem = {}, plain(error)
        else:
            problem = "The picture cannot be read."
        return {number: packed.get(number, PackedLabels(problem=problem)) for number in numbers}

    def _keep(self, packed: Mapping[int, PackedLabels], version: int) -> None:
        with self._lock:
            if version != self._version:
                self._packed.clear()
                self._version = version
            self._packed.update({image: each for image, each in packed.items() if not each.problem})
            size = sum(len(each.data) for each in self._packed.values())
            while size > KEPT_BYTES:
                size -= len(self._packed.popitem(last=False)[1].data)


def segmentation_message(packed: Mapping[int, PackedLabels], version: int) -> tuple[dict[str, Any], bytes]:
    """The fields of a `segmentation` message about some images, and its buffer."""
    items: list[dict[str, Any]] = []
    buffer = b""
    for image, each in packed.items():
        items.append(each.record(image, len(buffer)))
        buffer += each.data
    return {"version": version, "items": items}, buffer
