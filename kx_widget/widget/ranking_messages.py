"""Methods beside each other, as kernel and page tell each other; see `messages`."""

from typing import Literal, TypedDict


class RankedCell(TypedDict):
    """What a metric says of a method: the mean over `images`, and the ends of its interval, None of one image.

    `place` is `"best"`, or `"tied"` where nobody can tell it from the best; `note` says why there is no value.
    """

    value: float | None
    low: float | None
    high: float | None
    images: int
    place: Literal["best", "tied", ""]
    note: str


class RankedMethod(TypedDict):
    """A method at a layer, "" where it sees the input, as far as it is measured; `problem` says why it cannot be."""

    method: str
    layer: str
    state: Literal["holds", "weak", "unknown", "unmeasured"]
    headline: str
    relatives: list[str]
    problem: str
    cells: list[RankedCell]


class RankedMetric(TypedDict):
    """A metric by which methods are sorted."""

    title: str
    better: Literal["higher", "lower"]


class RankingRecord(TypedDict):
    """Methods beside each other, for one target of these images; `done` of `total` maps are measured."""

    target: str
    images: list[int]
    cover: str
    sentence: str
    metrics: list[RankedMetric]
    methods: list[RankedMethod]
    done: int
    total: int


class RankableMethod(TypedDict):
    """A method that can be ranked at a layer, or why not; about how many seconds its own passes of an image take.

    Maps of one `size` share random maps to compare with; `chosen` are those to begin with.
    """

    method: str
    layer: str
    seconds: float | None
    size: list[int]
    chosen: bool
    problem: str


class Rankings(TypedDict):
    """Which methods can be compared, and all that were for this question's targets, in place of what was told before.

    `image_seconds` is what an image takes for all methods, `size_seconds` what it takes for each size of maps.
    """

    kind: Literal["rankings"]
    gen: int
    rankable: list[RankableMethod]
    image_seconds: float | None
    size_seconds: float | None
    items: list[RankingRecord]


class Rank(TypedDict):
    """Compare these methods for the target of a column, on these images, with what covers; no methods to stop."""

    kind: Literal["rank"]
    gen: int
    column: int
    images: list[int]
    methods: list[str]
    cover: str
