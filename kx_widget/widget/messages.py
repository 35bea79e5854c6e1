"""The conversation with the browser, version 1; `js/write_protocol.py` writes the front end's types from these.

Traits carry the question; these messages carry the answer. `gen` numbers questions: the latest wins, frames of
an older one are dropped on both sides.
"""

from typing import Any, Literal, TypedDict, get_args, get_type_hints

from kx_widget.widget.concept_messages import FindConcepts, FoundConcepts
from kx_widget.widget.encoded_maps import Encoded, MapPart
from kx_widget.widget.evidence_messages import Cover, Covered, Evidence, Measure
from kx_widget.widget.model_messages import Agreements, ModelRecord
from kx_widget.widget.nearest_messages import Nearest
from kx_widget.widget.prediction_messages import Detected, Predictions, Segment, Segmentation
from kx_widget.widget.ranking_messages import Rank, Rankings
from kx_widget.widget.region_messages import Bits, LocatedRegionRecord, RegionKind, RegionRecord

VERSION = 1
# The longest text or list that a browser may send.
MOST = 1000
# The longest mask, which is `Bits`.
MOST_BITS = 2**21


class QuestionRecord(TypedDict):
    """The traits that make a question, under the names they have there.

    `regions` are by the number of the image, as text, and those of all others under `"others"`; an image that is not
    there is explained where the class wins.
    """

    layer: str
    method: str
    target: str | int
    params: dict[str, Any]
    compare: Literal["none", "targets", "methods", "layers", "models"]
    compare_with: list[str | int]
    regions: dict[str, RegionRecord]


class ParameterRecord(TypedDict):
    """A parameter of a method or wrapper, as a form shows it."""

    name: str
    title: str
    help: str
    kind: Literal["choice", "int", "float", "bool", "numbers", "images"]
    default: Any
    choices: list[Any]
    minimum: float | None
    maximum: float | None
    step: float | None


class MethodRecord(TypedDict):
    """A method, as a picker shows it.

    `purpose` is the question that it answers, a heading; `resolution` what its map is made of where that is neither
    cells of the layer nor pixels of the input, else "".
    """

    id: str
    title: str
    family: str
    purpose: str
    summary: str
    sees: Literal["layer", "input", "both", "attention"]
    cost: str
    reference: str
    good_for: str
    fails: str
    resolution: str
    params: list[ParameterRecord]


class WrapperRecord(TypedDict):
    """What any method can be wrapped in; its settings lie in a question's `params` under its id."""

    id: str
    title: str
    summary: str
    params: list[ParameterRecord]


class LayerRecord(TypedDict):
    """A layer, or a head of its attention; `reason` says why it cannot be chosen.

    `aside` says why a list can leave out a layer that can be chosen.
    """

    path: str
    type: str
    shape: list[int | None]
    spatial: list[int] | None
    is_candidate: bool
    reason: str
    aside: str


class InspectionRecord(TypedDict):
    """Facts about the model.

    `recommended` is None where no layer has a map; `why` then says so. Methods that look at attention start at
    `attention_start`, None where no attention tells where the model looks. `cautions` say by a method's id, or by
    what it sees, how far its maps can be trusted on this model. `recommended_methods` are those to begin with, by id,
    and why.
    """

    layers: list[LayerRecord]
    recommended: str | None
    why: str
    attention_start: str | None
    recommended_method: str
    why_method: str
    recommended_methods: dict[str, str]
    cautions: dict[str, str]
    head: str
    classes: int
    input_shape: list[int]
    preprocessing: str


class Item(Encoded):
    """One map.

    `target` is −1 for a contrast, `evidence` `"against"` where nothing positive is there to be drawn; `checks` are
    numbers by name that tell how exact the method was. A `partial` one will still change, or would have without a
    cancel; `done` is the part of its passes that are made, 0 to 1. `unit` is that of a value, "" of one without, None
    where the score is that of a class; `region` is None for a model of one score per class. `whole_shape` is that of
    the map in Python, which is averaged where it has more cells than are sent.
    """

    image: int
    column: int
    layer: str
    method: str
    target: int
    target_name: str
    score: float | None
    probability: float | None
    unit: str | None
    signed: bool
    partial: bool
    done: float
    notes: list[str]
    evidence: Literal["some", "against", "none"]
    checks: dict[str, float | None]
    region: LocatedRegionRecord | None
    whole_shape: list[int]


class DisplayRecord(TypedDict):
    """How maps are drawn where the user chooses nothing else: see `engine.display`."""

    clip: float
    origin: Literal["zero", "quartile"]
    sign: Literal["positive", "absolute", "signed"]
    borders: bool


class Column(TypedDict):
    """What a column of the grid asks, a class or a number of the user's `own`, and how its maps want to be drawn.

    `input` is the name of the model's input whose pictures it shows where there are several, else "". `model` is the
    name of the model where there are several, else ""; `matched` says in words why it shows this layer, "" where that
    has the name of the one that was chosen.
    """

    layer: str
    method: str
    method_title: str
    target: str
    signed: bool
    own: bool
    input: str
    model: str
    matched: str
    display: DisplayRecord


class NumberColumn(TypedDict):
    """A number of each image, by which pages filter and sort; `title` says in words what it is.

    `values` are those of all images, None where it cannot be told; [] where a `shelf` brings them.
    """

    name: str
    title: str
    values: list[float | None]


class SuspectPicture(TypedDict):
    """A small picture with its map, as an address, and the part that was tested, in fractions, None where none was."""

    name: str
    url: str
    box: list[float] | None


class SuspicionRecord(TypedDict):
    """Images that stand apart from their class, and what interventions say of that.

    `size` is how many there are, `images` the numbers of those that are shown, little-endian uint32 in base64; `wrong`
    which parts of them and of the others of the class are predicted wrong, None without labels; `map` the mean map as
    an address, "" where there is none.
    """

    target_name: str
    verdict: Literal["confirmed", "not confirmed", "not testable"]
    why: str
    size: int
    share: float
    wrong: list[float] | None
    images: str
    pictures: list[SuspectPicture]
    map: str


class SuspicionRecords(TypedDict):
    """What a search for shortcuts has found in a store, the worst first; `limits` are what it cannot find."""

    headline: str
    summary: str
    limits: list[str]
    items: list[SuspicionRecord]


class Welcome(TypedDict):
    """Answers `hello`: all that does not change while the widget lives.

    `arguments` are the user's own, as Python; `offer` the questions that can be asked, None where any can; `columns`
    what is stored of each image besides, `suspicions` what was found in a store, None where nobody has searched.
    `predicts` says what the numbers of `predictions` are: probabilities, scores where the head gives none, values of a
    regression, or which share of a segmenter's places each class wins. `units` are those of values, "" of one without,
    and [] where scores are of classes; `places` is the (height, width) of what a segmenter tells, [] of other models.
    `regions` are the kinds that can be asked about, none where the model has one score per class.
    `unmeasurable` says why nothing can be covered, None where it can. `models` are those that can be compared, the
    first of which the other facts are about; none where there is one.
    """

    kind: Literal["welcome"]
    version: int
    gen: int
    catalogue: list[MethodRecord]
    wrappers: list[WrapperRecord]
    inspection: InspectionRecord
    class_names: list[str]
    arguments: list[str]
    offer: list[QuestionRecord] | None
    columns: list[NumberColumn]
    suspicions: SuspicionRecords | None
    predicts: Literal["probability", "score", "value", "share"]
    units: list[str]
    places: list[int]
    regions: list[RegionKind]
    unmeasurable: str | None
    models: list[ModelRecord]


class Shelf(TypedDict):
    """What is known of all images of a store, in parts, with one buffer each.

    It holds, for the `count` images from `first` on: the most probable classes, the true ones (both int32, −1 where
    unknown), their probabilities, the scores of the first target, and each of the welcome's `columns` (all float32,
    NaN where unknown).
    """

    kind: Literal["shelf"]
    images: int
    first: int
    count: int


class Photo(TypedDict):
    """A picture of a store, or why there is none.

    `box` is the part of it that the model sees, `original_size` the (width, height) of the file.
    """

    image: int
    name: str
    width: int
    height: int
    box: list[float]
    original_size: list[int]
    mime: str
    problem: str
    byte_offset: int
    byte_length: int


class Pictures(TypedDict):
    """Some pictures, with one buffer."""

    kind: Literal["pictures"]
    seq: int
    items: list[Photo]


class Queued(TypedDict):
    """The question is taken; older ones are void."""

    kind: Literal["queued"]
    gen: int


class Running(TypedDict):
    """The question's columns, before their first maps.

    `asked` holds its traits; `key` names the answer. Where it is `held` no maps follow: views have them already.
    """

    kind: Literal["running"]
    gen: int
    key: str
    asked: QuestionRecord
    columns: list[Column]
    held: bool


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
    items: list[Item]


class Whole(TypedDict):
    """A whole answer; its items point into the buffer of the message."""

    key: str
    asked: QuestionRecord
    columns: list[Column]
    items: list[Item]


class Ahead(TypedDict):
    """Answers that were not asked for, and may be next; with one buffer."""

    kind: Literal["ahead"]
    seq: int
    answers: list[Whole]


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


class Costs(TypedDict):
    """About how many seconds each method would take for these images, at the layer that it would be asked at, by id.

    Those that are missing do not tell; the words of the catalogue then have to do. `refused` says why others cannot be
    asked. `measuring` is what the evidence of all maps of one image takes, None while that is unknown.
    """

    kind: Literal["costs"]
    gen: int
    seconds: dict[str, float]
    refused: dict[str, str]
    measuring: float | None


class PaintedClass(TypedDict):
    """The probability of a class in a picture as it is, and as a part of it is covered; without such, its scores."""

    index: int
    before: float | None
    after: float | None


class PaintedImage(TypedDict):
    """What covering a part of an image does.

    `before` and `after` are values of what the map explains, None where it explains nothing. `lost` is which part is
    gone: of a probability, of itself; of a score, of what it loses when all is covered, None where that is too little.
    The others are the predicted classes.
    """

    image: int
    before: float | None
    after: float | None
    lost: float | None
    best_before: int
    best_after: int


class Painted(TypedDict):
    """Answers `paint`, with one buffer, in parts where there are many images; or says why there is no answer.

    Of a single image there are `classes`, told by probability where `has_probabilities`, and the buffer is the very
    picture that was scored, as PNG. `share` is the part of the pictures that is marked; `images` are those scored so
    far, of so many that are `asked`, and `value` is that of what the map explains.
    """

    kind: Literal["painted"]
    gen: int
    view: str
    serial: int
    column: int
    value: Literal["probability", "score"]
    share: float
    images: list[PaintedImage]
    asked: int
    classes: list[PaintedClass]
    has_probabilities: bool
    width: int
    height: int
    problem: str


class Done(TypedDict):
    """The answer is whole: it has so many maps."""

    kind: Literal["done"]
    gen: int
    seconds: float
    maps: int


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


class File(TypedDict):
    """A part of a file that a view asked for, with one buffer; or, with an empty buffer, why there is none."""

    kind: Literal["file"]
    id: str
    part: int
    parts: int
    error: str


class Crop(TypedDict):
    """A part of an image, in the first of two buffers; or, with an empty one, why there is none.

    The second holds the same part of a map that was averaged to be sent, if there is a `map`. `box` is the part in
    pixels of the original, [x0, y0, x1, y1], which is `original_size` (width, height) large; the crop has `width` ×
    `height` pixels of its own.
    """

    kind: Literal["crop"]
    id: str
    image: int
    box: list[int]
    original_size: list[int]
    width: int
    height: int
    mime: str
    map: MapPart | None
    problem: str


class EpochPredictions(Encoded):
    """What the model predicted at an epoch: numbers of all classes (N, C), and the classes of most score (N,)."""

    best: list[int]


class EpochFigure(TypedDict):
    """A number of each map of an epoch, image by image and column by column, None where it is not known.

    `better` is "" of what the model says, and says which way is better of what a metric does.
    """

    name: str
    title: str
    better: Literal["higher", "lower", ""]
    values: list[list[float | None]]


class EpochRecord(TypedDict):
    """What was explained at one moment of a training, the `number`th from 0 on, after so many `epoch`s.

    `items` and `predictions` lie in the record's buffer; there are none where they had to make room for others.
    """

    number: int
    epoch: float
    words: str
    asked: QuestionRecord
    columns: list[Column]
    items: list[Item]
    predictions: EpochPredictions | None
    figures: list[EpochFigure]


class Epochs(TypedDict):
    """What was explained while a model is trained, with a buffer for each of `items`.

    `kept` are the numbers of all whose maps are still there, `notes` what else is to be said of the training that is
    followed, `training` whether it goes on.
    """

    kind: Literal["epochs"]
    items: list[EpochRecord]
    kept: list[int]
    notes: list[str]
    training: bool


class Hello(TypedDict):
    """From a view that has just been drawn; `have` are the keys of the answers that it has."""

    kind: Literal["hello"]
    version: int
    view: str
    have: list[str]


class Seen(TypedDict):
    """A view came into sight or went out of it."""

    kind: Literal["seen"]
    view: str
    visible: bool


class Miss(TypedDict):
    """Something of this question did not arrive, or the answer said to be held is not here any more."""

    kind: Literal["miss"]
    gen: int


class Refresh(TypedDict):
    """Ask this question again: the weights have changed."""

    kind: Literal["refresh"]
    gen: int


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


class Paint(TypedDict):
    """Asks what the model says of images when the marked pixels are covered, or all but these, to `keep` them alone.

    `size` is the (height, width) of the mask, which is brought to that of the model's input. Of those of a view, the
    latest about one image and the latest about several are answered; `serial` numbers them.
    """

    kind: Literal["paint"]
    gen: int
    view: str
    serial: int
    images: list[int]
    column: int
    cover: str
    keep: bool
    size: list[int]
    mask: Bits


class Look(TypedDict):
    """The images of a store whose rows are near sight: those whose picture, and those whose maps, are not here yet."""

    kind: Literal["look"]
    gen: int
    pictures: list[int]
    maps: list[int]


class Export(TypedDict):
    """Make a file, `"html"` or `"npz"` (of one column), for the view that knows this id."""

    kind: Literal["export"]
    id: str
    format: str
    column: int


class Enlarge(TypedDict):
    """Asks for a part of an image, and of its map in a `column` of the question `gen`, at most `longest` pixels long.

    `box` is in pixels of the original, `id` is the view's; a later one takes the place of an earlier one that waits.
    """

    kind: Literal["enlarge"]
    id: str
    image: int
    box: list[int]
    longest: int
    gen: int
    column: int


class Ack(TypedDict):
    """A frame of maps or pictures was taken in."""

    kind: Literal["ack"]
    seq: int


Down = (
    Welcome | Predictions | Shelf | Pictures | Segmentation | Detected | Queued | Running | Progress | Maps | Ahead
    | Thumbnails | Costs | Agreements | Evidence | Covered | Painted | Rankings | Nearest | Done | Cancelled | Error
    | File | Crop | FoundConcepts | Epochs
)  # fmt: skip
Up = (
    Hello | Seen | Refresh | Cancel | Miss | Want | Measure | Cover | Paint | Rank | Look | Segment | Export | Enlarge
    | Ack | FindConcepts
)  # fmt: skip


def validate(content: Any) -> dict[str, Any] | None:
    """A message from the browser, or None where it is none of those above."""
    if not isinstance(content, dict):
        return None
    for message in get_args(Up):
        fields = get_type_hints(message)
        if content.get("kind") == get_args(fields.pop("kind"))[0]:
            return content if all(_fits(content.get(name), hint) for name, hint in fields.items()) else None
    return None


def _fits(value: Any, hint: Any) -> bool:
    if hint in (list[str], list[int]):
        return isinstance(value, list) and len(value) <= MOST and all(_fits(v, *get_args(hint)) for v in value)
    if hint is Bits:
        return type(value) is str and len(value) <= MOST_BITS
    return type(value) is hint and (hint is not str or len(value) <= MOST)
