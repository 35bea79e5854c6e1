"""The concepts of many images, as kernel and page tell each other; see `messages`."""

from typing import Literal, TypedDict


class TypicalRecord(TypedDict):
    """A part of an image that is typical of a concept: x0, y0, x1, y1 in fractions of what the model sees."""

    image: int
    box: list[float]


class ConceptRecord(TypedDict):
    """A concept; which one it is, its place in the list tells, for it has no name."""

    typical: list[TypicalRecord]


class FoundConcepts(TypedDict):
    """Answers `find_concepts`, with two buffers, in parts where there are many images; or says why there are none.

    `key` names the concepts, other ones of which take the place of all before. The first buffer holds what each class
    loses without each concept, float32 (concepts, classes), and is empty where the page has these concepts already. The
    second holds how strong each concept is in each cell of these `images`, bytes (images, concepts, height, width) of
    the height and width of `shape`, where 255 is the strongest place of a concept in all images that it was looked for
    in. `sentence` and `notes` say how far the concepts stand for the layer. While they are looked for, `done` says how
    far that is, below 1, and all else is empty.
    """

    kind: Literal["concepts"]
    key: str
    layer: str
    shape: list[int]
    images: list[int]
    concepts: list[ConceptRecord]
    sentence: str
    notes: list[str]
    problem: str
    done: float


class FindConcepts(TypedDict):
    """Asks for so many concepts at the layer of the question, and where they are in these images.

    They are those of the images of `among`, or of all where that is empty; of a store of those that are asked for at
    first. `have` is the key of those that the page has, whose maps of other images it has.
    """

    kind: Literal["find_concepts"]
    have: str
    concepts: int
    images: list[int]
    among: list[int]
