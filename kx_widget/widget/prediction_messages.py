"""What the model predicts, as kernel and page tell each other; see `messages`."""

from typing import Literal, TypedDict


class Predictions(TypedDict):
    """With one buffer: float32 numbers of all classes, of the images from `first` on; `Welcome` says what they are.

    `shape` (N, C) and `best` (N,), the classes of most score, are of all images. `model` is the name of the one that
    predicts, "" for the only or the first one.
    """

    kind: Literal["predictions"]
    model: str
    shape: list[int]
    first: int
    best: list[int]


class SegmentedImage(TypedDict):
    """Which class wins at each place of the (height, width) of `shape`, or why that cannot be told.

    In the buffer lie the numbers of the classes, that of no class where none is probable, row by row, as gzip.
    """

    image: int
    shape: list[int]
    dtype: Literal["uint8", "uint16"]
    byte_offset: int
    byte_length: int
    problem: str


class Segmentation(TypedDict):
    """Answers `segment`, with one buffer, as weights of this `version` see the images."""

    kind: Literal["segmentation"]
    version: int
    items: list[SegmentedImage]


class DetectedBox(TypedDict):
    """Something that is detected: x0, y0, x1, y1 in pixels of the original, its class, and the probability of that."""

    box: list[float]
    target: int
    score: float


class DetectedImage(TypedDict):
    """What is detected in an image, the most probable first."""

    image: int
    boxes: list[DetectedBox]


class Detected(TypedDict):
    """What a detector detects in images of a store, after their pictures."""

    kind: Literal["detected"]
    items: list[DetectedImage]


class Segment(TypedDict):
    """Asks which class wins at each place of these images."""

    kind: Literal["segment"]
    images: list[int]
