"""The conversation with the browser, version 1; `js/src/messages.ts` is its twin.

Traits carry the question; these messages carry the answer. `gen` numbers questions: the latest wins, frames of
an older one are dropped on both sides.
"""

from typing import Any, Literal, TypedDict

VERSION = 1


class Encoded(TypedDict):
    """Where a map lies in its frame's buffer, and how to read it; see `codec`."""

    shape: list[int]
    dtype: Literal["float32", "uint16"]
    scale: float
    offset: float
    vmin: float
    vmax: float
    byte_offset: int
    byte_length: int


class Item(Encoded):
    """One map of one image in one column; `target` is −1 for a contrast."""

    image: int
    column: int
    layer: str
    method: str
    target: int
    target_name: str
    score: float | None
    probability: float | None
    signed: bool
    partial: bool


class Column(TypedDict):
    """What a column of the grid asks."""

    layer: str
    method: str
    method_title: str
    target: str
    signed: bool


class Welcome(TypedDict):
    """Answers `hello`: all that does not change while the widget lives; `arguments` are the user's own, as Python."""

    kind: Literal["welcome"]
    version: int
    gen: int
    catalogue: list[dict[str, Any]]
    wrappers: list[dict[str, Any]]
    inspection: dict[str, Any]
    class_names: list[str]
    arguments: list[str]


class Predictions(TypedDict):
    """With one buffer: float32 probabilities (N, C), NaN where the head gives none; `best` (N,) is of most score."""

    kind: Literal["predictions"]
    shape: list[int]
    best: list[int]


class Queued(TypedDict):
    """The question is taken; older ones are void."""

    kind: Literal["queued"]
    gen: int


class Running(TypedDict):
    """The question's columns, before their first maps."""

    kind: Literal["running"]
    gen: int
    columns: list[Column]


class Progress(TypedDict):
    """How far a long question is; `eta_s` is None while unknown."""

    kind: Literal["progress"]
    gen: int
    done: int
    total: int
    eta_s: float | None


class Maps(TypedDict):
    """Some maps, with one buffer; a later item for the same image and column replaces an earlier one."""

    kind: Literal["maps"]
    gen: int
    seq: int
    final: bool
    items: list[Item]


class Thumbnail(Encoded):
    """A small map of one image at one layer."""

    layer: str


class Thumbnails(TypedDict):
    """Answers `want`, in parts, with one buffer each; those of one `key` belong together."""

    kind: Literal["thumbnails"]
    gen: int
    image: int
    column: int
    key: str
    method_title: str
    signed: bool
    items: list[Thumbnail]


class Done(TypedDict):
    """The answer is whole."""

    kind: Literal["done"]
    gen: int
    seconds: float


class Cancelled(TypedDict):
    """The question was given up on request."""

    kind: Literal["cancelled"]
    gen: int


class Error(TypedDict):
    """The question failed; gen 0 if it was no question but something else the browser sent."""

    kind: Literal["error"]
    gen: int
    message: str
    hint: str
    traceback: str


class Hello(TypedDict):
    """From a view that has just been drawn."""

    kind: Literal["hello"]
    version: int
    have: list[str]


class Cancel(TypedDict):
    """Give up this question."""

    kind: Literal["cancel"]
    gen: int


class Want(TypedDict):
    """Asks for one image's thumbnails at all layers, once the question is answered; `have` is the last one's key."""

    kind: Literal["want"]
    gen: int
    image: int
    column: int
    have: str


class Ack(TypedDict):
    """A frame was taken in."""

    kind: Literal["ack"]
    gen: int
    seq: int


Down = Welcome | Predictions | Queued | Running | Progress | Maps | Thumbnails | Done | Cancelled | Error
Up = Hello | Cancel | Want | Ack
