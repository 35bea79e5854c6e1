"""What is known of the question that was asked last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from kx_widget.engine.explanation import Explanation
from kx_widget.engine.types import Floats, Frame
from kx_widget.widget.answer_sources import Part, Query
from kx_widget.widget.evidence import COVER, MapEvidence
from kx_widget.widget.messages import Column
from kx_widget.widget.model_messages import AgreementRecord
from kx_widget.widget.ranking import Ranking
from kx_widget.widget.serialize import Tile

Status = Literal["idle", "running", "done", "cancelled", "error"]


@dataclass
class CurrentAnswer:
    """What is known of the latest question, answered with the weights of this `version`.

    `tiles` are for views that come later, too. The `parts` that are being computed become `explanations` of their
    `frames`, which are by image and column.
    """

    gen: int
    traits: Mapping[str, Any] = field(default_factory=dict)
    query: Query | None = None
    focus: int = 0
    explained: int | None = None
    version: int = 0
    key: str = ""
    is_held: bool = False
    tiles: dict[tuple[int, int], Tile] = field(default_factory=dict)
    parts: Sequence[Part] = ()
    part_seconds: list[float] = field(default_factory=list)
    frames: dict[tuple[int, int], Frame] = field(default_factory=dict)
    explanations: list[Explanation] = field(default_factory=list)
    prefetched: set[str] = field(default_factory=set)
    costs: dict[str, Any] | None = None
    measuring: float | None = None
    evidence: MapEvidence = field(default_factory=MapEvidence)
    cover: str = COVER
    rankings: Sequence[Ranking] = ()
    agreements: Sequence[AgreementRecord] = ()
    status: Status = "running"
    error: BaseException | None = None
    seconds: float = 0.0

    @property
    def columns(self) -> list[Column]:
        """Of the grid."""
        return self.query.columns if self.query else []

    def begin(self, parts: Sequence[Part]) -> None:
        """Begin with these parts, of which nothing is computed yet."""
        self.parts, self.part_seconds, self.frames = parts, [0.0] * len(parts), {}

    def explain(self) -> list[Explanation]:
        """An explanation of each part that has maps, as far as they have come."""
        if not self.parts:
            return self.explanations
        frames = [[self.frames[at] for at in self.frames if at[1] in part.numbers] for part in self.parts]
        parts = zip(self.parts, frames, self.part_seconds, strict=True)
        return [part.explanation(each, seconds) for part, each, seconds in parts if each]

    def map_at(self, image: int, column: int) -> Floats | None:
        """The whole map (h, w) of an image in a column of the grid, once the answer has ended; None without one."""
        for explanation in self.explanations:
            images, columns = explanation.targets.shape
            if image < images and 0 <= column < columns:
                return explanation.maps[image, column]
            column -= columns
        return None

    def settle(self) -> None:
        """Explain what has come of the parts, and let go of them."""
        self.explanations = self.explain()
        self.begin(())
