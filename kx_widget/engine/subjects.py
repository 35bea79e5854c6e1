"""What a map explains, in the words that sentences about it need: a class, a value, a number of one's own."""

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple, TypeVar

SubjectKind = Literal["class", "contrast", "contrast of several", "value", "own", "detection"]
Part = TypeVar("Part", bound=str)
# By kind, what `Metric.meaning` and its like put between their own words; a value has its name in them.
WORDS: Mapping[SubjectKind, Mapping[str, str]] = {
    "class": {
        "subject": "the class",
        "speaks": "speaks for the class",
        "why": "why this class",
        "others": "other classes",
        "number": "score",
    },
    "contrast": {
        "subject": "the difference of the two classes",
        "speaks": "speaks for the one class rather than the other",
        "why": "why the one class rather than the other",
        "others": "other classes",
        "number": "score",
    },
    "contrast of several": {
        "subject": "the difference of the class and the others",
        "speaks": "speaks for the class rather than the others",
        "why": "why the class rather than the others",
        "others": "other classes",
        "number": "score",
    },
    "value": {
        "subject": "{name}",
        "speaks": "raises {name}",
        "why": "what raises {name}",
        "others": "other values",
        "number": "value",
    },
    "own": {
        "subject": "{name}",
        "speaks": "raises {name}",
        "why": "what raises {name}",
        "others": "other targets",
        "number": "value",
    },
    "detection": {
        "subject": "the detection",
        "speaks": "speaks for the detection",
        "why": "why this detection",
        "others": "other targets",
        "number": "score",
    },
}
# By kind, what stands for a name where several are spoken of.
NAMELESS: Mapping[SubjectKind, str] = {"value": "the value", "own": "the target"}
# By kind of a region, where what is explained counts.
WHERE: Mapping[str, str] = {
    "wins": "where it wins",
    "whole": "in the whole output",
    "pixel": "at this pixel",
    "box": "in this box",
    "object": "in this object",
    "mask": "in this mask",
}


class Subject(NamedTuple):
    """What a map explains.

    `name` and `unit` are those of a value, or of a difference of two; `where` says which places count, "" where all do.
    """

    kind: SubjectKind = "class"
    name: str = ""
    unit: str = ""
    where: str = ""

    @property
    def words(self) -> dict[str, str]:
        """By what a sentence asks for, see `Metric.meaning`, the words that suit."""
        name = self.name or NAMELESS.get(self.kind, "")
        words = {part: text.replace("{name}", name) for part, text in WORDS[self.kind].items()}
        located = {part: f"{words[part]} {self.where}".rstrip() for part in ("subject", "speaks")}
        return words | located

    @property
    def label(self) -> str:
        """A value with its unit, as axes are named."""
        return f"{self.name} ({self.unit})" if self.unit else self.name


# What a map explains where nobody says.
CLASS = Subject()


def common(subjects: Iterable[Subject]) -> Subject:
    """What several have in common, and of all else what a class has."""
    each = set(subjects)
    return Subject(
        _same((subject.kind for subject in each), CLASS.kind),
        _same((subject.name for subject in each), CLASS.name),
        _same((subject.unit for subject in each), CLASS.unit),
        _same((subject.where for subject in each), CLASS.where),
    )


def _same(values: Iterable[Part], default: Part) -> Part:
    different = set(values)
    return different.pop() if len(different) == 1 else default
