"""Pictures, maps and detections of the images that views look at, where not all are shown at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from kx_widget.engine.errors import ImageError
from kx_widget.engine.types import Frames
from kx_widget.widget.answer_sources import Query
from kx_widget.widget.current_answer import CurrentAnswer
from kx_widget.widget.latest_answer import MOST_TILES, LatestAnswer
from kx_widget.widget.serialize import Tile, Tiles
from kx_widget.widget.worker import CancelToken

if TYPE_CHECKING:
    # What is stored is shown without TensorFlow.
    from kx_widget.engine.explainer import Explainer
    from kx_widget.engine.images import Images

IMAGES_AT_ONCE = 8
THREADS = 4


class ImagesInSight:
    """What views have asked for of the images that they look at, and have not been sent.

    Args:
        latest: the answer that the maps are of.
        detect: given images that are ready for the model, and their numbers, to tell what is detected in them.
    """

    def __init__(self, latest: LatestAnswer, detect: Callable[[Explainer, Images, Sequence[int]], None]) -> None:
        self._latest, self._detect = latest, detect
        self._wanted_pictures: list[int] = []
        self._wanted_maps: list[int] = []
        self._wanted_detections: list[int] = []
        # Images whose detections were told, by weights of this version.
        self._detected: dict[int, None] = {}
        self._detected_with: int | None = None

    def forget(self) -> None:
        """Note that another question is asked."""
        self._wanted_maps = []

    def look(self, gen: int, pictures: Sequence[int], maps: Sequence[int]) -> None:
        """A view shows these images and lacks their pictures, or their maps for the question of that number."""
        if self._latest.images.at_once:
            return
        numbers = range(len(self._latest.images))
        with self._latest.changed:
            is_current = gen == self._latest.current.gen
            self._wanted_pictures = [image for image in dict.fromkeys(pictures) if image in numbers]
            self._wanted_maps = [image for image in dict.fromkeys(maps) if image in numbers and is_current]
            self._latest.outbox.retain(self._wanted_pictures, self._wanted_maps)
            if (explainer := self._latest.answers.explainer) is not None and explainer.is_detector:
                wanted = dict.fromkeys([*self._wanted_pictures, *self._wanted_detections])
                self._wanted_detections = list(wanted)[:MOST_TILES]
            self._latest.go_on()

    def send(self, answer: CurrentAnswer, query: Query, stale: CancelToken) -> None:
        """Send maps and pictures of what is looked at; what is computed comes last."""
        if self._latest.images.at_once:
            return
        if not query.computes:
            self._bring_maps(answer, query, stale)
        self._bring_pictures(stale)
        if query.computes and answer.status != "cancelled":
            self._bring_maps(answer, query, stale)

    def _bring_pictures(self, stale: CancelToken) -> None:
        images = list(self._wanted_pictures)
        with ThreadPoolExecutor(THREADS) as pool:
            for image, preview in zip(images, pool.map(self._latest.images.preview, images), strict=True):
                with self._latest.changed:
                    if not stale():
                        self._wanted_pictures.remove(image)
                        self._latest.outbox.picture(image, preview)
                if stale():  # Without the lock: what is being decoded has to end.
                    pool.shutdown(cancel_futures=True)
                    return

    def _bring_maps(self, answer: CurrentAnswer, query: Query, stale: CancelToken) -> None:
        """Send maps that are ready, and then compute or read others, some images at a time."""
        columns = range(len(query.columns))
        ready = [image for image in self._wanted_maps if all((image, column) in answer.tiles for column in columns)]
        self._send_maps(answer, ready, {at: answer.tiles[at] for at in answer.tiles if at[0] in ready}, stale)
        images = list(self._wanted_maps)
        shows_status = query.computes and answer.status == "done" and bool(images)
        if shows_status:
            with self._latest.changed:
                if stale():
                    return
                answer.status = "running"
                self._latest.tell_running(answer)
                self._latest.report("running", 0.0, "")
        at_once = IMAGES_AT_ONCE if query.computes else max(1, len(images))
        for first in range(0, len(images), at_once):
            chunk = images[first : first + at_once]
            tiles = self.compute(query, chunk, stale)
            if stale():
                return
            if query.computes:
                self._latest.take(answer, tiles, {}, stale)
            self._send_maps(answer, chunk, tiles, stale)
            done = Frames((), first + len(chunk), len(images))
            self._latest.if_current(answer, self._latest.tell_progress, done, done.done / done.total, None)
        with self._latest.changed:
            # Where it is stale, another image may be in focus, which is yet to be explained.
            if shows_status and not stale():
                self._latest.end(answer, "done")

    def _send_maps(self, answer: CurrentAnswer, images: Sequence[int], tiles: Tiles, stale: CancelToken) -> None:
        with self._latest.changed:
            if answer is self._latest.current and not stale():
                self._wanted_maps = [image for image in self._wanted_maps if image not in images]
                self._latest.outbox.show(list(tiles.values()))

    def compute(self, query: Query, images: Sequence[int], stale: CancelToken) -> dict[tuple[int, int], Tile]:
        """The finished tiles of some images; of files that cannot be read there are none."""
        tiles: dict[tuple[int, int], Tile] = {}
        with suppress(ImageError):
            for part in query.parts(images):
                tiles |= part.tiles(part.kept)
                for frames in part.stream(False):
                    if stale():
                        return {}
                    tiles |= part.tiles(frames.frames)
        return tiles

    def send_detections(self, answer: CurrentAnswer, query: Query, stale: CancelToken) -> None:
        """Tell what is detected in images of a store, some at a time, and anew where the weights have changed."""
        if (explainer := self._latest.answers.explainer) is None or self._latest.images.at_once:
            return
        with self._latest.changed:
            # What is stored says nothing of the weights.
            version = query.version() if query.computes else self._detected_with
            if self._detected_with not in (None, version):
                self._wanted_detections = list(dict.fromkeys([*self._wanted_detections, *self._detected]))
                self._detected = {}
            self._detected_with = version
        while self._wanted_detections and not stale():
            with self._latest.changed:
                numbers = self._wanted_detections[:IMAGES_AT_ONCE]
                self._wanted_detections = self._wanted_detections[len(numbers) :]
                self._detected = dict.fromkeys([*self._detected, *numbers][-MOST_TILES:])
            with suppress(ImageError):
                self._detect(explainer, *self._latest.images.load(explainer, numbers))
