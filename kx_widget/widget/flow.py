"""What the browser is told of the current answer, no faster than it takes it in."""

import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from kx_widget.engine.types import Floats
from kx_widget.widget.codec import encode
from kx_widget.widget.messages import Item, Photo
from kx_widget.widget.worker import later

Send = Callable[[Any, "list[bytes] | None"], None]
Tile = tuple[Item, Floats]
Notice = tuple[dict[str, Any], "list[bytes] | None"]
LARGEST_FRAME = 1_000_000
FRAMES_IN_FLIGHT = 2
MESSAGES_AT_ONCE = 20
MESSAGES_PER_SECOND = 20
SECONDS_UNTIL_LOST = 10.0
# Messages without maps or pictures, first what is sent first.
NOTICES = ("welcome", "error", "queued", "running", "progress", "predictions", "thumbnails")
OF_QUESTION = ("queued", "running", "progress", "thumbnails")
KEYS_KEPT = 1000
MOST_VIEWS = 1000


class Flow:
    """Holds what views have yet to hear of one answer, and tells it when they can take it.

    What is not told yet is replaced by what is newer. Nothing is sent while no view is visible; two frames of maps
    at most wait for their acknowledgement; messages beyond twenty a second wait for their turn.

    Args:
        send: sends a message with its buffers to every view.
        lock: held while anything is sent; that of the widget.
    """

    def __init__(self, send: Send, lock: threading.RLock) -> None:
        self._send = send
        self._lock = lock
        self._views: dict[str, None] = {}
        self._gen = 0
        self._notices: dict[str, list[Notice]] = {kind: [] for kind in NOTICES}
        self._tiles: dict[tuple[int, int], Tile] = {}
        self._pictures: dict[int, tuple[Photo, bytes]] = {}
        self._end: tuple[dict[str, Any], str] | None = None
        self._ahead: list[tuple[dict[str, Any], list[Tile]]] = []
        self._ahead_room = LARGEST_FRAME
        self._told: dict[str, None] = {}
        self._in_flight: dict[int, float] = {}
        self._seq = 0
        self._allowance = float(MESSAGES_AT_ONCE)
        self._counted = time.monotonic()
        self._timer: threading.Timer | None = None
        self._due = 0.0

    def begin(self, gen: int, waiting: bool = True) -> None:
        """From here on it is about this question, `waiting` for its turn; what was not told of others never will be."""
        with self._lock:
            self._gen = gen
            self._forget()
            if waiting:
                self.tell("queued")

    def tell(self, kind: str, **content: Any) -> None:
        """`running` or `progress`: a later one of the kind takes the place of one that was not sent yet."""
        with self._lock:
            if kind == "running":
                self._notices["queued"] = []
            self.notify({"kind": kind, "gen": self._gen, **content})

    def notify(self, message: dict[str, Any]) -> None:
        """A message instead of an earlier one of its kind that was not sent yet."""
        with self._lock:
            self._notices[message["kind"]] = [(message, None)]
            self._flush()

    def thumbnails(self, message: dict[str, Any], buffers: list[bytes]) -> None:
        """Thumbnails: behind other parts of the same answer that wait, instead of what waits besides."""
        with self._lock:

            def belongs(earlier: dict[str, Any]) -> bool:
                same = all(earlier[name] == message[name] for name in ("key", "image", "column"))
                return same and earlier["items"][0]["layer"] != message["items"][0]["layer"]

            waiting = [notice for notice in self._notices["thumbnails"] if belongs(notice[0])]
            self._notices["thumbnails"] = [*waiting, (message, buffers)]
            self._flush()

    def show(self, tiles: Sequence[Tile]) -> None:
        """Maps, each instead of the one at its image and column."""
        with self._lock:
            self._tiles.update({(item["image"], item["column"]): (item, values) for item, values in tiles})
            self._flush()

    def picture(self, photo: Photo, data: bytes) -> None:
        """A picture of a store."""
        with self._lock:
            self._pictures[photo["image"]] = photo, data
            self._flush()

    def only(self, pictures: Collection[int], maps: Collection[int]) -> None:
        """Of what was not told yet, nobody looks at more than these images any longer."""
        with self._lock:
            self._pictures = {image: held for image, held in self._pictures.items() if image in pictures}
            self._tiles = {at: tile for at, tile in self._tiles.items() if at[0] in maps}

    def end(self, message: dict[str, Any], key: str = "") -> None:
        """The last word on the question, after all its maps; `key` names the answer if it is whole."""
        with self._lock:
            self._notices["progress"] = []
            self._end = message, key
            self._flush()

    def look_ahead(self, about: dict[str, Any], tiles: list[Tile]) -> None:
        """An answer that was not asked for, with its `key`: sent when nothing else is; 1 MB at most a question."""
        with self._lock:
            size = sum(values.nbytes for _, values in tiles)
            if size <= self._ahead_room:
                self._ahead_room -= size
                self._ahead.append((about, tiles))
                self._flush()

    def has(self, key: str) -> bool:
        """Whether views were told this answer whole."""
        with self._lock:
            return key in self._told

    def predict(self, parts: Iterable[tuple[dict[str, Any], bytes]]) -> None:
        """Messages with what the model makes of the images, instead of older ones."""
        with self._lock:
            self._notices["predictions"] = [(message, [buffer]) for message, buffer in parts]
            self._flush()

    def lacks(self, key: str) -> None:
        """A view has not got this answer, whatever it was told."""
        with self._lock:
            self._told.pop(key, None)

    def greet(self, view: str, have: Sequence[str]) -> None:
        """A view was drawn anew, and has these answers; nobody will acknowledge what went to the page before it."""
        with self._lock:
            self._told = dict.fromkeys(have)
            self._in_flight.clear()
            self._show_to(view)

    def see(self, view: str, visible: bool) -> None:
        """A view came into sight or went out of it."""
        with self._lock:
            if visible:
                self._show_to(view)
            else:
                self._views.pop(view, None)
            self._flush()

    def acknowledge(self, seq: int) -> None:
        """A frame was taken in."""
        with self._lock:
            self._in_flight.pop(seq, None)
            self._flush()

    def close(self) -> None:
        """Nothing more is sent."""
        with self._lock:
            self._views.clear()
            self._notices["welcome"] = self._notices["error"] = self._notices["predictions"] = []
            self._forget()
            if self._timer is not None:
                self._timer.cancel()

    def _show_to(self, view: str) -> None:
        self._views[view] = None
        while len(self._views) > MOST_VIEWS:
            del self._views[next(iter(self._views))]

    def _forget(self) -> None:
        self._notices.update({kind: [] for kind in OF_QUESTION})
        self._tiles, self._end = {}, None
        self._ahead, self._ahead_room = [], LARGEST_FRAME

    def _something(self) -> Any:
        return any(self._notices.values()) or self._pictures or self._tiles or self._end or self._ahead

    def _flush(self) -> None:
        while self._views and self._something():
            wait = self._wait()
            is_frame = not any(self._notices.values()) and (self._pictures or self._tiles or not self._end)
            if is_frame and len(self._in_flight) >= FRAMES_IN_FLIGHT:
                wait = max(wait, min(self._in_flight.values()) + SECONDS_UNTIL_LOST - time.monotonic())
            if wait > 0:
                self._later(wait)
                return
            self._allowance -= 1
            self._send(*self._next())

    def _next(self) -> tuple[dict[str, Any], list[bytes] | None]:
        for waiting in self._notices.values():
            if waiting:
                return waiting.pop(0)
        if self._pictures:
            return self._album()
        if self._tiles:
            part = self._part()
            final = not any(item["partial"] for item, _ in part)
            items, buffer = _framed(part)
            return {"kind": "maps", "gen": self._gen, "seq": self._fly(), "final": final, "items": items}, [buffer]
        if self._end:
            (message, key), self._end = self._end, None
            self._tell_of(key)
            return message, None
        answers, self._ahead = self._ahead, []
        items, buffer = _framed([tile for _, tiles in answers for tile in tiles])
        rest = iter(items)
        told = [{**about, "items": [next(rest) for _ in tiles]} for about, tiles in answers]
        for about, _ in answers:
            self._tell_of(about["key"])
        return {"kind": "ahead", "seq": self._fly(), "answers": told}, [buffer]

    def _tell_of(self, key: str) -> None:
        if key:
            self._told[key] = None
            while len(self._told) > KEYS_KEPT:
                del self._told[next(iter(self._told))]

    def _part(self) -> list[Tile]:
        """As many of the maps to come as fit into a message."""
        part: list[Tile] = []
        size = 0
        for at, (item, values) in list(self._tiles.items()):
            if part and size + values.nbytes > LARGEST_FRAME:
                break
            part.append((item, values))
            size += values.nbytes
            del self._tiles[at]
        return part

    def _album(self) -> tuple[dict[str, Any], list[bytes]]:
        """A message with as many of the pictures to come as fit into it."""
        items: list[Photo] = []
        buffer = b""
        for image, (photo, data) in list(self._pictures.items()):
            if items and len(buffer) + len(data) > LARGEST_FRAME:
                break
            items.append({**photo, "byte_offset": len(buffer), "byte_length": len(data)})
            buffer += data
            del self._pictures[image]
        return {"kind": "pictures", "seq": self._fly(), "items": items}, [buffer]

    def _fly(self) -> int:
        """The number of one more frame in flight."""
        while len(self._in_flight) >= FRAMES_IN_FLIGHT:
            del self._in_flight[next(iter(self._in_flight))]
        self._seq += 1
        self._in_flight[self._seq] = time.monotonic()
        return self._seq

    def _wait(self) -> float:
        """Seconds until another message may go."""
        now = time.monotonic()
        self._allowance = min(MESSAGES_AT_ONCE, self._allowance + (now - self._counted) * MESSAGES_PER_SECOND)
        self._counted = now
        return max(0.0, (1 - self._allowance) / MESSAGES_PER_SECOND)

    def _later(self, seconds: float) -> None:
        due = time.monotonic() + seconds
        if self._timer is not None:
            if self._due <= due:
                return
            self._timer.cancel()
        self._due = due
        self._timer = later(seconds, self._on_time)

    def _on_time(self) -> None:
        with self._lock:
            self._timer = None
            self._flush()


def _framed(tiles: Sequence[Tile]) -> tuple[list[Item], bytes]:
    headers, buffer = encode([values for _, values in tiles])
    return [{**item, **header} for (item, _), header in zip(tiles, headers, strict=True)], buffer
