"""How far maps can be believed, as kernel and page tell each other; see `messages`."""

from typing import Literal, TypedDict


class MetricRecord(TypedDict):
    """What a metric says of a map; `control` is mean and spread of random maps, where it is compared with these."""

    title: str
    better: Literal["higher", "lower"]
    value: float | None
    control: list[float] | None
    sentence: str


class CurvesRecord(TypedDict):
    """How the value of the target goes as what the map marks most is covered, or shown.

    `covered` and `shown` are the parts of the picture at each step, `random_low` and `random_high` what the value is
    between in random orders, empty where there are none. `flips_at` is the smallest part whose loss takes the
    prediction, `keeps_at` the smallest that keeps it, None where no step does; `shares` say so. A score is rescaled: 0
    where all is covered, 1 for the picture; `ends` are what it is there, [] where that is not known.
    """

    value: Literal["probability", "score"]
    covered: list[float]
    shown: list[float]
    deletion: list[float | None]
    insertion: list[float | None]
    random_low: list[float | None]
    random_high: list[float | None]
    flips_at: float | None
    keeps_at: float | None
    shares: list[str]
    ends: list[float]


class CellsRecord(TypedDict):
    """By how much the value falls when each of grid × grid cells is covered, and the map's sum there, row by row."""

    grid: int
    losses: list[float | None]
    sums: list[float | None]
    correlation: float | None


class EvidenceRecord(TypedDict):
    """What is known of how far one map can be believed.

    `state` says it in a word, `headline` in a few, `verdict` in full: bad news first, and what was not measured last.
    """

    image: int
    column: int
    state: Literal["holds", "weak", "unknown", "unmeasured"]
    headline: str
    verdict: str
    cover: str
    metrics: list[MetricRecord]
    curves: CurvesRecord | None
    cells: CellsRecord | None


class Evidence(TypedDict):
    """What was measured since the last one; a later item for the same image and column replaces an earlier one."""

    kind: Literal["evidence"]
    gen: int
    items: list[EvidenceRecord]


class ClassRecord(TypedDict):
    """A class that a model finds in a picture; without probabilities, its score is told."""

    index: int
    probability: float | None
    score: float


class CurveStep(TypedDict):
    """A step of a curve, `"deletion"` or `"insertion"`, of one map, with what covers."""

    gen: int
    image: int
    column: int
    curve: str
    step: int
    cover: str


class Covered(CurveStep):
    """Answers `cover`, with one buffer: the very picture that was scored, as PNG; or why there is none."""

    kind: Literal["covered"]
    share: float
    width: int
    height: int
    classes: list[ClassRecord]
    problem: str


class Measure(TypedDict):
    """Measure the evidence of these images' maps now, those in focus first, with what covers; none of them to stop."""

    kind: Literal["measure"]
    gen: int
    images: list[int]
    cover: str


class Cover(CurveStep):
    """Asks for the picture at a step of a curve."""

    kind: Literal["cover"]
