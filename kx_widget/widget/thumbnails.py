"""Small maps of one image at every layer, made when a view asks for them and nothing else is to be done."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from kx_widget.engine.cache import Cache
from kx_widget.engine.multi_layer import maps_at_all_layers, quick_method
from kx_widget.engine.question import Question
from kx_widget.engine.tiled import TiledQuestion
from kx_widget.engine.types import Floats
from kx_widget.widget.codec import encode
from kx_widget.widget.reduced_maps import reduce
from kx_widget.widget.worker import CancelToken

SIDE = 32
CACHE_BYTES = 2**24
SECONDS_BETWEEN_FRAMES = 0.05

Send = Callable[[dict[str, Any], list[bytes]], None]


class ThumbnailMaker:
    """Makes thumbnails, and keeps those made last."""

    def __init__(self) -> None:
        self._cache = Cache(CACHE_BYTES)

    def send(
        self,
        question: Question,
        column: int,
        image: int,
        editions: Sequence[int],
        have: str,
        send: Send,
        stale: CancelToken,
    ) -> None:
        """Send the thumbnails of one image for one of the question's targets, unless `have` is what they go by.

        Of a picture in tiles there are none: its maps at all layers would take the passes of all tiles.

        Args:
            question, column, image, stale: as in `engine.multi_layer.maps_at_all_layers`.
            editions: which definitions of targets of one's own the question means.
            have: the key of those that the view has already.
            send: takes a message without its `gen`, `image` and `column`, and its buffers.
        """
        if isinstance(question, TiledQuestion):
            return
        entry = quick_method(question)
        params = question.params if entry is question.method else entry.complete({})
        text = question.columns.texts[column]
        digest = question.images.digests[image]
        heads = question.method.sees == "attention"
        title = "where each head of an attention looks, in a row of its own below it" if heads else entry.title
        label = question.columns.labels[image : image + 1]
        region = question.regions[image : image + 1]
        depends_on = digest, text, *editions, label, region, question.model.weights.version()
        key = repr((title, *sorted(params.items()), *depends_on))
        if key == have:
            return

        def send_part(part: Sequence[tuple[str, Floats]]) -> None:
            headers, buffer = encode([values for _, values in part])
            items = [{**header, "layer": path} for (path, _), header in zip(part, headers, strict=True)]
            about = {"key": key, "method_title": title, "signed": not heads and entry.is_signed(params)}
            send({"kind": "thumbnails", **about, "items": items}, [buffer])

        if cached := self._cache.get(key):
            send_part(list(zip(cached[0], cached[1:], strict=True)))
            return
        maps: list[tuple[str, Floats]] = []
        sent, last = 0, time.perf_counter()
        for path, values in maps_at_all_layers(question, image, column, stale, stale.wait_for):
            maps.append((path, reduce(values, SIDE)))
            if time.perf_counter() - last >= SECONDS_BETWEEN_FRAMES:
                send_part(maps[sent:])
                sent, last = len(maps), time.perf_counter()
        if stale() or not maps:
            return
        if sent < len(maps):
            send_part(maps[sent:])
        self._cache.put(key, (tuple(path for path, _ in maps), *(values for _, values in maps)))
