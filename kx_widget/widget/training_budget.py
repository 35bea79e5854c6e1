"""How often a model can be explained while it is trained, so that training hardly takes longer."""

import math
from dataclasses import dataclass, field

# What counts of how long something took: the median of so many times.
MEASURED = 5


@dataclass
class TrainingBudget:
    """Of the seconds of training a `share` may be spent; what is not spent is saved.

    `spent` and `trained` are seconds since the beginning.
    """

    share: float
    saved: float = 0.0
    spent: float = 0.0
    trained: float = 0.0
    _costs: dict[str, list[float]] = field(default_factory=dict)

    def earn(self, seconds: float) -> None:
        """Note that the model was trained for so long."""
        self.trained += seconds
        self.saved += self.share * seconds

    def spend(self, what: str, seconds: float) -> None:
        """Spend what something took."""
        self._costs[what] = [*self._costs.get(what, []), seconds][-MEASURED:]
        self.spent += seconds
        self.saved -= seconds

    def cost(self, what: str) -> float:
        """About how many seconds something takes; 0 where that is not known."""
        costs = sorted(self._costs.get(what, [0.0]))
        return costs[len(costs) // 2]

    def can_afford(self, what: str) -> bool:
        """Whether enough is saved for it."""
        return self.cost(what) <= self.saved

    def every(self, what: str, seconds: float) -> int:
        """Of how many pieces of training, so many seconds each, one can be followed by it."""
        earned = self.share * seconds
        return max(1, math.ceil(self.cost(what) / earned)) if earned > 0 else 1
