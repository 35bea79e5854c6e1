"""Messages for the browser about the current answer, sent no faster than it takes them in."""

import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from kx_widget.widget.codec import encode
from kx_widget.widget.image_sources import Preview
from kx_widget.widget.prediction_messages import DetectedImage
from kx_widget.widget.serialize import Tile, picture_record
from kx_widget.widget.worker import start_timer

Send = Callable[[Any, "list[bytes] | None"], None]
Notice = tuple[dict[str, Any], "list[bytes] | None"]
LARGEST_FRAME = 1_000_000
FRAMES_IN_FLIGHT = 2
MESSAGES_AT_ONCE = 20
MESSAGES_PER_SECOND = 20
SECONDS_UNTIL_LOST = 10.0
SECONDS_WHILE_DEAF = 0.25
# Messages without maps or pictures, first what is sent first.
NOTICES = (
    "welcome", "queued", "running", "progress", "painted", "overview", "covered", "thumbnails", "agreements", "costs",
    "evidence", "rankings", "nearest", "segmentation", "concepts", "detected", "epochs", "error",
)  # fmt: skip
# Beside an answer, whose maps go before these; so many messages are kept back for the next answer.
ASIDES = ("thumbnails", "agreements", "costs", "evidence", "rankings", "nearest")
KEPT_BACK = 5
OF_QUESTION = (
    "queued", "running", "progress", "painted", "covered", "thumbnails", "agreements", "costs", "evidence", "rankings",
)  # fmt: skip
# What a view that comes later is told anew, or what soon comes anew; the rest is what single views have asked for.
TOLD_AGAIN = ("queued", "running", "progress", "agreements", "costs", "evidence", "rankings", "nearest")
KEYS_KEPT = 1000
MOST_VIEWS = 1000
MOST_ERRORS = 5


class Outbox:
    """Holds what is not sent yet, and sends it when views can take it.

    A newer message takes the place of an older one of its kind. While no view is visible only errors are sent, which
    would be out of date once one is; at most two frames of maps wait for their acknowledgement; messages beyond twenty
    a second wait for their turn.

    A question that a cell asks may be the kernel's last act before it is busy for long, and deaf: until a page is heard
    again, a frame is taken to be there after a quarter of a second.

    Args:
        send: sends a message with its buffers to every view.
        lock: held while anything is sent; that of the widget.
    """

    def __init__(self, send: Send, lock: threading.RLock) -> None:
        self._send = send
        self.lock = lock
        self._views: dict[str, None] = {}
        self._gen = 0
        self._notices: dict[str, list[Notice]] = {kind: [] for kind in NOTICES}
        self._tiles: dict[tuple[int, int], Tile] = {}
        self._pictures: dict[int, Preview] = {}
        self._end: tuple[dict[str, Any], str] | None = None
        self._prefetched: list[tuple[dict[str, Any], list[Tile]]] = []
        self._prefetched_room = LARGEST_FRAME
        self._sent_keys: dict[str, None] = {}
        self._in_flight: dict[int, float] = {}
        self._seq = 0
        self._allowance = float(MESSAGES_AT_ONCE)
        self._counted = time.monotonic()
        self._timer: threading.Timer | None = None
        self._due = 0.0
        self.is_deaf = False

    def begin(self, gen: int, waiting: bool = True, deaf: bool = False) -> None:
        """Begin with this question, and drop what is not sent of the one before.

        Args:
            gen: its number.
            waiting: for its turn.
            deaf: no page may be heard before long.
        """
        with self.lock:
            self._gen, self.is_deaf = gen, deaf
            self._notices.update({kind: [] for kind in OF_QUESTION})
            self._tiles, self._end = {}, None
            self._prefetched, self._prefetched_room = [], LARGEST_FRAME
            if waiting:
                self.tell("queued")

    def begin_again(self, maps: bool) -> None:
        """Drop what waits of the current answer and is about to be told again; `maps`: its maps, too."""
        with self.lock:
            self._notices.update({kind: [] for kind in TOLD_AGAIN})
            self._end = None
            if maps:
                self._tiles = {}

    def tell(self, kind: str, **content: Any) -> None:
        """Send `queued`, `running`, `progress` or `costs` of the current question."""
        with self.lock:
            if kind == "running":
                self._notices["queued"], self._end = [], None
            self.notify({"kind": kind, "gen": self._gen, **content})

    def notify(self, message: dict[str, Any]) -> None:
        """Send a message, instead of an earlier one of its kind that was not sent yet; of errors, some wait."""
        kind = message["kind"]
        with self.lock:
            waiting = self._notices[kind] if kind == "error" else []
            self._notices[kind] = [*waiting, (message, None)][-MOST_ERRORS:]
            self._flush()

    def thumbnails(self, message: dict[str, Any], buffers: list[bytes]) -> None:
        """Send thumbnails, behind other parts of the same set that wait, instead of those of another set."""
        with self.lock:

            def belongs(earlier: dict[str, Any]) -> bool:
                same = all(earlier[name] == message[name] for name in ("key", "image", "column"))
                return same and earlier["items"][0]["layer"] != message["items"][0]["layer"]

            waiting = [notice for notice in self._notices["thumbnails"] if belongs(notice[0])]
            self._notices["thumbnails"] = [*waiting, (message, buffers)]
            self._flush()

    def evidence(self, records: Iterable[dict[str, Any]]) -> None:
        """Send what was measured, each record instead of an earlier one of its image and column."""
        with self.lock:
            waiting = [record for message, _ in self._notices["evidence"] for record in message["items"]]
            items = {(record["image"], record["column"]): record for record in (*waiting, *records)}
            if items:
                self.tell("evidence", items=list(items.values()))

    def covered(self, message: dict[str, Any], buffer: bytes) -> None:
        """Send a picture, instead of one that waits: the pointer has moved on."""
        with self.lock:
            self._notices["covered"] = [({"kind": "covered", "gen": self._gen, **message}, [buffer])]
            self._flush()

    def painted(self, message: dict[str, Any], buffer: bytes) -> None:
        """Send what a painted picture scores, instead of an earlier one of its view that waits."""

        def key(of: dict[str, Any]) -> tuple[str, bool]:
            return of["view"], of["asked"] > 1

        with self.lock:
            waiting = [notice for notice in self._notices["painted"] if key(notice[0]) != key(message)]
            self._notices["painted"] = [*waiting, ({"kind": "painted", "gen": self._gen, **message}, [buffer])]
            self._flush()

    def segmentation(self, message: dict[str, Any], buffer: bytes) -> None:
        """Send which classes win where, behind what waits of other images."""
        with self.lock:
            self._notices["segmentation"].append(({"kind": "segmentation", **message}, [buffer]))
            self._flush()

    def concepts(self, message: dict[str, Any], buffers: list[bytes]) -> None:
        """Send concepts, behind what waits of the same ones."""
        with self.lock:
            waiting = [
                each for each in self._notices["concepts"] if message["key"] and each[0]["key"] == message["key"]
            ]
            self._notices["concepts"] = [*waiting, ({"kind": "concepts", **message}, buffers)]
            self._flush()

    def detected(self, items: list[DetectedImage]) -> None:
        """Send what is detected in images of a store, behind what waits of others."""
        with self.lock:
            self._notices["detected"].append(({"kind": "detected", "items": items}, None))
            self._flush()

    def waiting_epochs(self) -> list[int]:
        """The numbers of moments of a training that wait to be sent."""
        with self.lock:
            return [record["number"] for message, _ in self._notices["epochs"] for record in message["items"]]

    def epochs(self, notices: Sequence[Notice]) -> None:
        """Send moments of a training, instead of those that wait."""
        with self.lock:
            self._notices["epochs"] = list(notices)
            self._flush()

    def show(self, tiles: Sequence[Tile]) -> None:
        """Send maps, each instead of an earlier one of its image and column."""
        with self.lock:
            self._tiles.update({(item["image"], item["column"]): (item, values) for item, values in tiles})
            self._flush()

    def picture(self, image: int, preview: Preview) -> None:
        """Send a picture of a store."""
        with self.lock:
            self._pictures[image] = preview
            self._flush()

    def retain(self, pictures: Collection[int], maps: Collection[int]) -> None:
        """Drop the pictures and maps that are not sent of other images than these."""
        with self.lock:
            self._pictures = {image: preview for image, preview in self._pictures.items() if image in pictures}
            self._tiles = {at: tile for at, tile in self._tiles.items() if at[0] in maps}

    def end(self, message: dict[str, Any], key: str = "") -> None:
        """Send the last message of the question, after all its maps; `key` names the answer if it is complete."""
        with self.lock:
            self._notices["progress"] = []
            self._end = message, key
            self._flush()

    def prefetched(self, about: dict[str, Any], tiles: list[Tile]) -> None:
        """Send an answer that was not asked for, with its `key`, when nothing else waits; 1 MB at most a question."""
        with self.lock:
            size = sum(values.nbytes for _, values in tiles)
            if size <= self._prefetched_room:
                self._prefetched_room -= size
                self._prefetched.append((about, tiles))
                self._flush()

    def has(self, key: str) -> bool:
        """Whether views were sent all of this answer."""
        with self.lock:
            return key in self._sent_keys

    def overview(self, parts: Iterable[tuple[dict[str, Any], bytes]]) -> None:
        """Send what is known of all images, instead of what was known before."""
        with self.lock:
            self._notices["overview"] = [(message, [buffer]) for message, buffer in parts]
            self._flush()

    def lacks(self, key: str) -> None:
        """Note that a view has not got this answer, whatever was sent."""
        with self.lock:
            self._sent_keys.pop(key, None)

    def greet(self, view: str, have: Sequence[str]) -> None:
        """Note that a view has been drawn that has these answers, and will not acknowledge what was sent before.

        An overview that waits is dropped: the caller tells it anew.
        """
        with self.lock:
            self._sent_keys = dict.fromkeys(have)
            self._in_flight.clear()
            self._notices["overview"] = []
            self._show_to(view)

    def see(self, view: str, visible: bool) -> None:
        """Note that a view came into sight or went out of it."""
        with self.lock:
            if visible:
                self._show_to(view)
            else:
                self._views.pop(view, None)
            self._flush()

    @property
    def has_views(self) -> bool:
        """Whether a view has been heard that is in sight."""
        with self.lock:
            return bool(self._views)

    @property
    def is_watched(self) -> bool:
        """Whether a view is in sight, and heard."""
        with self.lock:
            return bool(self._views) and not self.is_deaf

    def hear(self) -> None:
        """Note that something has come from a page, so that acknowledgements do, too."""
        with self.lock:
            self.is_deaf: bool = False

    def acknowledge(self, seq: int) -> None:
        """Note that a view has taken in a frame."""
        with self.lock:
            self._in_flight.pop(seq, None)
            self._flush()

    def close(self) -> None:
        """Send nothing more."""
        with self.lock:
            self._views.clear()
            self._notices["error"] = []
            if self._timer is not None:
                self._timer.cancel()

    def _show_to(self, view: str) -> None:
        self._views[view] = None
        while len(self._views) > MOST_VIEWS:
            del self._views[next(iter(self._views))]

    def _is_waiting(self) -> Any:
        """Whether there is something that may be sent while these views are visible."""
        if not self._views:
            return self._notices["error"]
        return any(self._notices.values()) or self._pictures or self._tiles or self._end or self._prefetched

    def _flush(self) -> None:
        while self._is_waiting():
            notices = self._due_notices()
            wait = self._wait(KEPT_BACK if notices and notices[0][0]["kind"] in ASIDES else 0)
            if not notices and self._is_frame() and len(self._in_flight) >= FRAMES_IN_FLIGHT:
                patience = SECONDS_WHILE_DEAF if self.is_deaf else SECONDS_UNTIL_LOST
                wait = max(wait, min(self._in_flight.values()) + patience - time.monotonic())
            if wait > 0:
                self._flush_in(wait)
                return
            self._allowance -= 1
            self._send(*(notices.pop(0) if notices else self._next()))

    def _is_frame(self) -> bool:
        """Whether what comes next, but for notices, has to be acknowledged."""
        return bool(self._pictures or self._tiles or not self._end)

    def _due_notices(self) -> list[Notice]:
        """The notices whose turn it is, [] where something else comes first; asides wait for an answer that can go."""
        if not self._views:
            return self._notices["error"]
        can_answer = self._end or ((self._pictures or self._tiles) and len(self._in_flight) < FRAMES_IN_FLIGHT)
        due = (waiting for kind, waiting in self._notices.items() if waiting and not (kind in ASIDES and can_answer))
        return next(due, [])

    def _next(self) -> tuple[dict[str, Any], list[bytes] | None]:
        if self._pictures:
            return self._album()
        if self._tiles:
            items, buffer = _encoded(self._part())
            return {"kind": "maps", "gen": self._gen, "seq": self._next_seq(), "items": items}, [buffer]
        if self._end:
            (message, key), self._end = self._end, None
            self._note_sent(key)
            return message, None
        waiting, self._prefetched = self._prefetched, []
        items, buffer = _encoded([tile for _, tiles in waiting for tile in tiles])
        rest = iter(items)
        answers = [{**about, "items": [next(rest) for _ in tiles]} for about, tiles in waiting]
        for about, _ in waiting:
            self._note_sent(about["key"])
        return {"kind": "ahead", "seq": self._next_seq(), "answers": answers}, [buffer]

    def _note_sent(self, key: str) -> None:
        if key:
            self._sent_keys[key] = None
            while len(self._sent_keys) > KEYS_KEPT:
                del self._sent_keys[next(iter(self._sent_keys))]

    def _part(self) -> list[Tile]:
        """As many of the maps that wait as fit into a message."""
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
        """A message with as many of the pictures that wait as fit into it."""
        items: list[dict[str, Any]] = []
        buffer = b""
        for image, preview in list(self._pictures.items()):
            if items and len(buffer) + len(preview.data) > LARGEST_FRAME:
                break
            items.append(picture_record(image, preview, len(buffer)))
            buffer += preview.data
            del self._pictures[image]
        return {"kind": "pictures", "seq": self._next_seq(), "items": items}, [buffer]

    def _next_seq(self) -> int:
        """Number one more frame in flight."""
        while len(self._in_flight) >= FRAMES_IN_FLIGHT:
            del self._in_flight[next(iter(self._in_flight))]
        self._seq += 1
        self._in_flight[self._seq] = time.monotonic()
        return self._seq

    def _wait(self, kept_back: int = 0) -> float:
        """Seconds until another message may go, with so many left for what comes next."""
        now = time.monotonic()
        self._allowance = min(MESSAGES_AT_ONCE, self._allowance + (now - self._counted) * MESSAGES_PER_SECOND)
        self._counted = now
        return max(0.0, (1 + kept_back - self._allowance) / MESSAGES_PER_SECOND)

    def _flush_in(self, seconds: float) -> None:
        due = time.monotonic() + seconds
        if self._timer is not None:
            if self._due <= due:
                return
            self._timer.cancel()
        self._due = due
        self._timer = start_timer(seconds, self._on_time)

    def _on_time(self) -> None:
        with self.lock:
            self._timer = None
            self._flush()


def _encoded(tiles: Sequence[Tile]) -> tuple[list[dict[str, Any]], bytes]:
    headers, buffer = encode([values for _, values in tiles])
    return [{**item, **header} for (item, _), header in zip(tiles, headers, strict=True)], buffer
