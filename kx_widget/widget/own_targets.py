"""Targets of the user's own, which traits and pages know by their names."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from kx_widget.bulk.function_digest import UnknownCodeError, digest_of
from kx_widget.engine.errors import UnknownTargetError
from kx_widget.engine.scalars import Target
from kx_widget.engine.targets import MINUS, is_reserved
from kx_widget.widget.call_site import variable_of
from kx_widget.widget.messages import Column


@dataclass(frozen=True)
class OwnTarget:
    """A target, how often another one had its name before, and a variable of the user's that holds it, if one does."""

    target: Target
    edition: int
    variable: str


class OwnTargets:
    """Those of one widget, by name; one that is defined anew takes the place of the one before.

    Args:
        class_names: of the model; no target may have the name of a class.
    """

    def __init__(self, class_names: Sequence[str]) -> None:
        self._class_names = class_names
        self._lock = threading.Lock()
        self._targets: dict[str, OwnTarget] = {}

    def add(self, target: Target) -> str:
        """Its name, by which it can be asked from now on.

        Raises:
            UnknownTargetError: its name means something else.
        """
        name = target.name
        if name in self._class_names or is_reserved(name) or MINUS in name:
            raise UnknownTargetError(
                f"The target {name!r} has a name that means a class, a rank or a contrast here: give it another one."
            )
        with self._lock:
            before = self._targets.get(name)
            edition = 0 if before is None else before.edition + (not _is_same(before.target, target))
            self._targets[name] = OwnTarget(target, edition, variable_of(target) or "")
        return name

    def remembered(self) -> Mapping[str, OwnTarget]:
        """All of them, for `restore`."""
        with self._lock:
            return dict(self._targets)

    def restore(self, targets: Mapping[str, OwnTarget]) -> None:
        """Go back to these."""
        with self._lock:
            self._targets = dict(targets)

    def read(self, value: Any) -> Any:
        """A value of a trait, or several, with each name of a target as the target."""
        if isinstance(value, list):
            return [self.read(each) for each in value]
        own = self._targets.get(value) if isinstance(value, str) else None
        return value if own is None else own.target

    def of_column(self, columns: Sequence[Column], column: int) -> Target | None:
        """The target that a column of the grid explains, None where that is a class."""
        is_own = column in range(len(columns)) and columns[column]["own"]
        return self.read(columns[column]["target"]) if is_own else None

    def runs(self, values: Sequence[Any]) -> list[list[Any]]:
        """Values in their order, as lists of targets of one's own and lists of classes: these are not asked at once."""
        runs: list[list[Any]] = []
        for value in values:
            is_own = isinstance(self.read(value), Target)
            if not runs or isinstance(self.read(runs[-1][-1]), Target) != is_own:
                runs.append([])
            runs[-1].append(value)
        return runs

    def named(self, traits: Mapping[str, Any]) -> list[str]:
        """The names of targets among a question's traits."""
        values = [traits["target"], *(traits["compare_with"] if traits["compare"] == "targets" else [])]
        return [value for value in values if isinstance(value, str) and value in self._targets]

    def editions(self, traits: Mapping[str, Any]) -> list[int]:
        """Which definitions of the targets among a question's traits are meant."""
        return [self._targets[name].edition for name in self.named(traits)]

    def redefined(self, before: Mapping[str, OwnTarget]) -> set[str]:
        """The names that meant other targets before, when these were remembered."""
        return {name for name, own in before.items() if self._targets[name].edition != own.edition}

    def records(self) -> list[dict[str, str]]:
        """As the trait `_own_targets` has them."""
        return [
            {"name": name, "unit": own.target.unit, "variable": own.variable}
            for name, own in self.remembered().items()
        ]  # fmt: skip


def _is_same(before: Target, target: Target) -> bool:
    """Whether two targets of one name tell the same: a cell that is run again makes another function of one code."""
    if before == target:
        return True
    with suppress(UnknownCodeError):
        return before.unit == target.unit and digest_of(before.fn) == digest_of(target.fn)
    return False
