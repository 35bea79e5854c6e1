"""One model, ready to be asked: validates a question before anything is computed, then drives the method."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from kx_widget.engine import targets as target_parsing
from kx_widget.engine.answer import answer_to, answerable, steps_of
from kx_widget.engine.bands import Bands, bands_of
from kx_widget.engine.budget import Budget
from kx_widget.engine.cache import Cache, digest
from kx_widget.engine.comparison import COMPARED, Comparison, compare
from kx_widget.engine.compiled_models import CompiledModels
from kx_widget.engine.covering import finished
from kx_widget.engine.decoding import NUMBERS
from kx_widget.engine.errors import (
    ImageError,
    KxError,
    ModelError,
    ParameterError,
    UnknownLayerError,
)
from kx_widget.engine.evaluation import Evaluation
from kx_widget.engine.evaluation_inputs import (
    EvaluationSettings,
    check_parts,
    columns_of,
    covering_of,
    covering_pixels,
)
from kx_widget.engine.evaluator import Evaluator, evaluator_of
from kx_widget.engine.explanation import Explanation
from kx_widget.engine.graph.trace import Call
from kx_widget.engine.image_sets import ImageSets
from kx_widget.engine.images import Fit, Images, load
from kx_widget.engine.inspection import check_model, find_call
from kx_widget.engine.labels import read_labels
from kx_widget.engine.methods import METHODS
from kx_widget.engine.metrics import METRICS
from kx_widget.engine.model_inputs import ModelInputs, inputs_of
from kx_widget.engine.multi_layer import warm_cache
from kx_widget.engine.parameters import check_params
from kx_widget.engine.partials import checked
from kx_widget.engine.preprocessing import Preprocessing
from kx_widget.engine.question import CompiledModel, Question, model_failures
from kx_widget.engine.ranges import Pixels, Ranges
from kx_widget.engine.regions import Region, RegionKind, parse_regions
from kx_widget.engine.registry import Method, Metric, find, table
from kx_widget.engine.scalars import own_targets
from kx_widget.engine.scored_picture import ScoredPicture
from kx_widget.engine.similarity import Similarity, similarity_of
from kx_widget.engine.tiled import NO_DATA_SET, REFUSED, TiledImages, TiledQuestion, load_tiled
from kx_widget.engine.tiling import Tiling, tiling_of
from kx_widget.engine.types import Floats, Inspection, Parameter, Predicted, Step
from kx_widget.engine.wrappers import WRAPPERS
from kx_widget.engine.wrappers import smooth as smoothed
from kx_widget.engine.wrappers import tta as augmented

FREE_SIDE = 224
QUESTION_KEYWORDS = (
    *("targets", "labels", "method", "layer", "region"),
    *("smooth", "tta", "batch_size", "seed", "progress"),
)
# Arguments of a question that `params` of a widget or a command cannot hold, since they are given apart.
RESERVED = ("self", "images", "targets", "labels", "method", "layer", "region", "progress")
EXPLAINER_PARAMETERS = (
    Parameter("memory_mib", "float", 1024, "What one model call may take, in MiB.", minimum=0),
    Parameter("cache_mib", "float", 512, "What may be kept between calls, in MiB.", minimum=0),
    Parameter("fit", "choice", "stretch", "How images of another shape meet the input.", choices=get_args(Fit)),
)
QUESTION_PARAMETERS = (
    Parameter("batch_size", "int", None, "Images at once; None goes by memory.", minimum=1),
    Parameter("seed", "int", 0, "Of random numbers.", minimum=0),
)


@dataclass(frozen=True)
class ExplainerSettings:
    """The keywords that an `Explainer` was made with; `Explainer(model, **vars(settings))` makes its like."""

    preprocess: Any = "auto"
    class_names: Any = None
    output: str | int | None = None
    memory_mib: float = 1024
    cache_mib: float = 512
    fit: Fit = "stretch"
    methods: tuple[Method, ...] = ()
    metrics: tuple[Metric, ...] = ()
    output_names: Any = None
    value_range: tuple[float, float] | None = None
    rgb: Any = None
    explain_input: str | int | None = None
    references: Any = None
    tile: Any = None
    detect: Any = None


KEYWORDS = tuple(ExplainerSettings.__dataclass_fields__)


class Explainer:
    """Explains one model; keeps compiled functions and what it learned about images.

    Args:
        model: a built Keras 3 model on the TensorFlow backend that takes an image, channels last or first, and
            whatever else. It is never changed.
        preprocess: `"auto"` (the model's own preprocessor, as keras-hub's tasks have, or what its family of
            keras.applications expects), None, or a function of (N, H, W, C) float32 0..255.
        class_names: a list, a dict by index, `"imagenet"`, or None for what is known.
        output: name or index of the output to explain, if there are several.
        memory_mib: what one model call may take, in MiB.
        cache_mib: what may be kept between calls, in MiB; no more than half of `memory_mib` is.
        fit: how images of another shape meet the input: `"stretch"`, `"crop"`, `"pad"`; an own preprocessor wins.
        methods: your own, beside or, with the same id, instead of those of `METHODS`.
        metrics: your own, beside or instead of those of `METRICS`.
        output_names: of the values that a regression tells, instead of class names: a list of names or of pairs of a
            name and a unit, or a dict of both. They are values and no probabilities, unless a softmax or sigmoid at
            the end or a compiled loss says so.
        value_range: (low, high), what black and white are in the numbers of images, (0, 4095) for 12 bits: what
            becomes 0..255; with `preprocess=None` numbers are left as they are. None where the images tell: the depth
            that all of them use, or the range of floats.
        rgb: which bands are shown as red, green and blue, `(3, 2, 1)`, or which one, `3` in grey or `(3, "viridis")`;
            counted from 0. It changes nothing of what the model gets. None for the first ones.
        explain_input: name or index of the image to explain, if several inputs of the model are images; `"each"` shows
            them side by side in a `KxWidget`, where `explain` explains the first.
        references: what `similar_to` makes, of a model that tells embeddings: its classes are these references, and
            scores say how similar an image is to each.
        tile: (height, width, overlap) in pixels, or True: pictures are explained at full size, in tiles that overlap,
            see "Large images" in docs/images.md. None for pictures that are resized to one input of the model.
        detect: of what a detector returns to boxes (B, A, 4), as x0, y0, x1, y1 in pixels of the model's input, and
            class scores (B, A, C), before any suppression: logits, or probabilities that a sigmoid or softmax makes of
            them; where something else does, probabilities (B, A, C) come third. None for what is known, which are
            RetinaNet and D-FINE of keras-hub; False for none.

    Attributes:
        settings: the arguments above, but for the model.
        declared: the input (H, W, C) that the model declares; None for a side that may be of any length.
        preprocessor: makes images model-ready.
        bands: the channels of images, and which of them are shown.
        tiling: how pictures are cut into tiles, None where they are not.
        ranges: tells in what range the numbers of images lie.
        inputs: all that the model takes.
        similarity: tells how similar images are to `references`, None where there are none.

    Raises:
        ModelError: the model cannot be explained; says what is missing.
        UnknownTargetError: the class names are not as many as the classes.
        ParameterError: a setting is outside its range.
    """

    def __init__(
        self,
        model: Any,
        *,
        preprocess: Any = "auto",
        class_names: Any = None,
        output: str | int | None = None,
        memory_mib: float = 1024,
        cache_mib: float = 512,
        fit: Fit = "stretch",
        methods: Sequence[Method] = (),
        metrics: Sequence[Metric] = (),
        output_names: Any = None,
        value_range: tuple[float, float] | None = None,
        rgb: Any = None,
        explain_input: str | int | None = None,
        references: Any = None,
        tile: Any = None,
        detect: Any = None,
    ) -> None:
        check_model(model)
        settings = {"memory_mib": memory_mib, "cache_mib": cache_mib, "fit": fit}
        memory_mib, cache_mib, fit = check_params("Explainer", EXPLAINER_PARAMETERS, settings).values()
        self.model = model
        self.methods: Mapping[str, Method] = table(Method, *METHODS.values(), own=methods)
        self.metrics: Mapping[str, Metric] = table(Metric, *METRICS.values(), own=metrics)
        methods = tuple(method for name, method in self.methods.items() if METHODS.get(name) is not method)
        metrics = tuple(metric for name, metric in self.metrics.items() if METRICS.get(name) is not metric)
        about_images = value_range, rgb, explain_input, references, tile, detect
        self.settings: ExplainerSettings = ExplainerSettings(
            preprocess, class_names, output, memory_mib, cache_mib, fit, methods, metrics, output_names, *about_images
        )
        self.similarity: Similarity | None = similarity_of(model, vars(self.settings))
        self.preprocessor: Preprocessing = Preprocessing(model, preprocess, getattr(references, "tokenizer", None))
        self.inputs: ModelInputs = self.similarity.inputs if self.similarity else inputs_of(model, explain_input)
        self.declared: tuple[int | None, int | None, int] = self.preprocessor.declared(self.inputs.declared)
        self.bands: Bands = bands_of(self.declared[2], value_range, rgb)
        self.tiling: Tiling | None = self._tiling(tile)
        self.ranges: Ranges = Ranges()
        self._lock = threading.RLock()
        self._budget = Budget(memory_mib)
        self._cache = Cache(int(min(cache_mib, memory_mib / 2) * 2**20))
        self._loaded: tuple[Any, Images | None] = (None, None)
        # The images of the last question with all that goes with them.
        self._latest: Images | None = None
        self._described = "no images seen yet"
        self._image_sets = ImageSets(self._load)
        self._of_input: dict[str, Explainer] = {}
        about = vars(self.settings), self.inputs, self.similarity, self.preprocessor.knows_imagenet, self._budget
        self._models = CompiledModels(model, *about)
        height, width, channels = self.declared
        free = (self.tiling.height, self.tiling.width) if self.tiling else (FREE_SIDE, FREE_SIDE)
        shape = height or free[0], width or free[1], channels
        if self.similarity is not None:
            self.similarity.begin(self.preprocessor, shape)
        self._models.update_references(self._read_references)
        compiled = self.prepare(shape)
        self.preprocessor.leave_to(call.layer for call in compiled.graph.calls)

    def _tiling(self, tile: Any) -> Tiling | None:
        """How pictures are cut into tiles.

        Raises:
            ParameterError: the tiles cannot be so, or another input of the model is an image, too.
        """
        tiling = tiling_of(tile, self.declared)
        images = [spec.name for spec in self.inputs.others if self.inputs.is_image(spec)]
        if tiling is not None and images:
            raise ParameterError(f"tile={tile!r}: the input {images[0]!r} is an image, too, and is not cut into tiles.")
        return tiling

    def __getstate__(self) -> Any:
        raise KxError(
            "An Explainer cannot be pickled or copied, for it holds compiled functions: save the model, and make an "
            "Explainer of it in each process."
        )

    @property
    def inspection(self) -> Inspection:
        """Facts about the model, for the input size last used."""
        return self._models.last.inspection

    @property
    def has_places(self) -> bool:
        """Whether the model has scores for several places of an image, as segmenters and detectors have."""
        return self._models.last.graph.output is not None

    @property
    def places(self) -> tuple[int, int] | None:
        """The (h, w) of a segmenter's output; None where the output has no rows and columns."""
        output = self._models.last.graph.output
        return None if output is None else output.grid

    @property
    def predicts(self) -> Predicted:
        """What tells classes apart in `predict`: probabilities, scores, values, or which share of places each wins."""
        meaning, classes = self._models.last.meaning, len(self.class_names)
        if meaning.units:
            return "value"
        if self.has_places:
            return "share"
        return "score" if meaning.link is None or (meaning.link == "softmax" and classes == 1) else "probability"

    @property
    def units(self) -> tuple[str, ...]:
        """Of the values that a regression tells, "" of one without; () where scores are those of classes."""
        return self._models.last.meaning.units

    @property
    def region_kinds(self) -> tuple[str, ...]:
        """The kinds of regions that can be asked about, none of a model of one score per class."""
        places = self._models.last.graph.output
        if places is None:
            return ()
        if self.is_detector:
            return ("wins", "whole", "box", "object")
        return get_args(RegionKind) if places.grid is not None else ("wins", "whole", "mask")

    @property
    def is_detector(self) -> bool:
        """Whether the places of its scores are boxes."""
        return self._models.last.graph.proposals is not None

    @property
    def class_names(self) -> tuple[str, ...]:
        """One name per class."""
        return self._models.last.class_names

    @property
    def preprocessing(self) -> str:
        """What was decided about the last images, in words."""
        return self._described

    @property
    def counts(self) -> Counter[str]:
        """How often each compiled part was made (`"trace …"`) and run, and how the cache did."""
        return self._models.counts + Counter({"cache hits": self._cache.hits, "cache misses": self._cache.misses})

    def _read_references(self, images: Any) -> Images:
        return self._read_all(images, self._load)

    def _read_all(self, images: Any, read: Callable[[Any], Images]) -> Images:
        """What was given for the image that is explained, read, with what was given for the other inputs."""
        image, others = self.inputs.split(images)
        loaded = read(image)
        return loaded.with_beside(self.read_beside(others, len(loaded.batch)))

    def prepare(self, shape: tuple[int, int, int]) -> CompiledModel:
        """The model traced for inputs of this shape (H, W, C), once; `inspection` then speaks of it."""
        return self._models.of_classes(shape)

    def load(self, images: Any) -> Images:
        """Images of every accepted kind as a model-ready batch with the pictures to show.

        Raises:
            ImageError: lists every item that cannot be used.
        """
        if isinstance(images, Images):
            loaded = images
            if isinstance(images, TiledImages) != (self.tiling is not None):
                raise ParameterError(NO_DATA_SET)
        else:
            loaded = self._read_all(images, self._read)
            if loaded.beside:
                self._latest = loaded
        self._described = loaded.described
        return loaded

    def read_beside(self, others: Sequence[Any], images: int) -> list[NDArray[Any]]:
        """What rides along with so many images; pictures among it are made ready as the image that is explained is."""
        read: list[NDArray[Any]] = []
        for spec, values in zip(self.inputs.others, others, strict=True):
            if values is None:
                raise ImageError(f"The input {spec.name!r} is missing: it is None.")
            if self.inputs.is_image(spec):
                declared = self.inputs.declared_of(spec)
                bands = bands_of(declared[2], self.settings.value_range)
                try:
                    loaded = load(values, declared, self.preprocessor, self.settings.fit, bands=bands, previews=False)
                except ImageError as error:
                    raise ImageError(f"The input {spec.name!r}: {error}") from error
                if len(loaded.batch) != images:
                    spec.check(loaded.batch, images)
                read.append(loaded.batch)
            else:
                read.append(spec.check(values, images))
        return read

    def _read(self, images: Any) -> Images:
        if self.tiling is not None:
            return load_tiled(images, self.tiling, self.declared, self.preprocessor, self.settings.fit, self.bands)
        if not isinstance(images, np.ndarray) or images.dtype.kind not in NUMBERS:
            return self._load(images)
        key = (images.shape, images.dtype.str, digest(images))
        # Read once: another thread may put another array there meanwhile.
        last_key, last = self._loaded
        loaded = last.found_in(images) if last is not None and key == last_key else self._load(images)
        self._loaded = (key, loaded) if loaded.nbytes <= self._cache.limit else (None, None)
        return loaded

    def _load(self, images: Any, shape: tuple[int | None, int | None, int] | None = None) -> Images:
        shape = shape or self.declared
        return load(images, shape, self.preprocessor, self.settings.fit, self.ranges, bands=self.bands)

    def with_image_sets(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters of methods, where those that are images are texts that stand for them; see `ImageSet`."""
        return self._image_sets.written(self.methods.values(), params, self.inspection.input_shape)

    def predict(self, images: Any) -> tuple[Floats, Floats]:
        """Scores before the final softmax or sigmoid, and probabilities.

        Of a model that has scores for several places, a segmenter for instance: in which part of them each class wins,
        and its mean probability there, NaN where it wins nowhere. Of a detector the scores, too, are the mean
        probability of the boxes that show each class, 0 where none does.

        Args:
            images: as in `explain`.

        Returns:
            `(scores, probabilities)`, float32 (N, C) each. Without final activation these need a model compiled with a
            cross-entropy `from_logits`, or class names; else it may be no classifier, and they are NaN.
        """
        with model_failures():
            return self.ask(images, [0], method="gradients").predictions()

    def ask(
        self,
        /,
        images: Any,
        targets: Any = "top",
        *,
        labels: Any = None,
        method: str | None = "gradcam",
        layer: str | None = None,
        region: Any = None,
        batch_size: int | None = None,
        seed: int = 0,
        **params: Any,
    ) -> Question:
        """A checked question, with nothing computed yet; arguments as in `explain`."""
        settings = {name: params.pop(name, None) for name in WRAPPERS}
        wrappers = {name: WRAPPERS[name].check(value) for name, value in settings.items() if not _is_off(value)}
        if method is not None:
            # Refused before images are read, which may take long.
            find(self.methods, method).complete(params, QUESTION_KEYWORDS)
        checked_values = check_params("explain", QUESTION_PARAMETERS, {"batch_size": batch_size, "seed": seed})
        loaded = self.load(images)
        own = own_targets(targets)
        shape = loaded.input_shape
        self._models.update_references(self._read_references)
        compiled = self._models.of_targets(shape, own) if own else self.prepare(shape)
        # By number: a name may read as a rank or as the true class.
        targets = range(len(own)) if own else targets
        row = find(self.methods, compiled.inspection.recommended_method if method is None else method)
        params = self._image_sets.of(row, row.complete(params, QUESTION_KEYWORDS), shape)
        columns = target_parsing.parse(targets, compiled.class_names, len(loaded.batch))
        columns = columns.in_bands(loaded.input_shape[2]) if row.is_in_bands(params) else columns
        generator = checked(row)
        for name, wrap in (("tta", augmented), ("smooth", smoothed)):
            generator = wrap(generator, wrappers[name]) if name in wrappers else generator
        regions = _regions(compiled, region, len(loaded.batch))
        output = compiled.graph.output
        if self.tiling is not None and output is not None and output.grid is None:
            raise ModelError("The places of the model's output have no rows and columns, and cannot be laid on tiles.")
        checked_question: dict[str, Any] = {
            "model": compiled,
            "cache": self._cache,
            "images": loaded,
            "columns": columns.with_labels(read_labels(labels, len(loaded.batch), compiled.class_names)),
            "method": row,
            "params": params,
            "generator": generator,
            "wrappers": wrappers,
            "call": _call(compiled, row, layer),
            "regions": regions,
        }
        kind = TiledQuestion if isinstance(loaded, TiledImages) else Question
        return kind(**checked_question, **checked_values)

    def stream(self, /, images: Any, targets: Any = "top", **question: Any) -> Iterator[Step]:
        """The same as `explain`, as a generator of partial answers.

        Args:
            images, targets, **question: as in `explain`.

        Yields:
            `Step(maps, scores, done, total)`; NaN where nothing is known yet. The last one equals `explain`.
            Closing the generator cancels within one model call and leaves the explainer usable.
        """
        return steps_of(answerable(self.ask(images, targets, **question)))

    def explain(self, /, images: Any, targets: Any = "top", *, progress: bool = False, **question: Any) -> Explanation:
        """Explain what each image's scores rest on.

        Args:
            images: arrays (N, H, W, C), (H, W, C) or (N, H, W), paths, folders, globs, PIL images, or a list of these;
                for a model of several inputs a dict of these and of whatever else it takes of each image, by name, or a
                tuple in the order of `model.inputs`.
            targets: `"top"`, `"top-2"`…, a class index or name, `"true"` (each image's own label), `contrast(a, b)`, a
                sequence of these for T targets, or an int array (N, T); or a `Target` of one's own, or several.
            progress: show a progress bar.
            **question: `labels=None` (the true class of each image, by index or name, None where it is unknown: what
                `"true"` means; an image without one has a map of NaN and a note that says so),
                `method="gradcam"` (an id of `METHODS`; None is the one that `inspection` recommends),
                `layer=None` (a path; None is the recommended one, for methods that follow attention its start),
                `region=None` (what `region` makes, or one of each image: which places of the output count, of a model
                that has scores for several; None is where the class wins; an image that has no such place has a map of
                NaN and a note that says why),
                `smooth=None` and `tta=None` (True or settings, see `wrappers`), `batch_size=None` (images at once;
                None goes by memory), `seed=0`, and the method's own parameters.

        Returns:
            An `Explanation` with raw maps (N, T, h, w).

        Raises:
            ImageError: an image cannot be used; all of them are named.
            UnknownTargetError: there is no such class.
            UnknownMethodError: there is no such method.
            UnknownLayerError: there is no such layer, or it gives no map.
            ParameterError: a parameter is unknown or out of range.
            UnsupportedMethodError: the model cannot be explained by this method, which may be known only at the first
                computation.
        """
        start = time.perf_counter()
        return answer_to(answerable(self.ask(images, targets, **question)), start, progress)

    def explain_layers(
        self, /, images: Any, targets: Any = "top", *, layers: Sequence[str], **question: Any
    ) -> dict[str, Explanation]:
        """Explain the same scores at several layers, in one forward and one backward pass a target.

        Args:
            images, targets, **question: as in `explain`.
            layers: paths of layers.

        Returns:
            An `Explanation` for each layer, by its path; maps are of different sizes.

        Raises:
            KxError: as in `explain`.
        """
        start = time.perf_counter()
        loaded = self.load(images)
        paths = _paths(layers)
        questions = [answerable(self.ask(loaded, targets, layer=path, **question)) for path in paths]
        warm_cache(questions)
        # A question that sees the input has no layer.
        return {each.layer or path: answer_to(each, start) for path, each in zip(paths, questions, strict=True)}

    def of_input(self, name: str) -> "Explainer":
        """This explainer, or its like that explains another input of the model, made once.

        Raises:
            ModelError: there is no such input.
        """
        if name == self.inputs.image.name:
            return self
        with self._lock:
            if name not in self._of_input:
                settings: dict[str, Any] = {**vars(self.settings), "explain_input": name}
                self._of_input[name] = type(self)(self.model, **settings)
            return self._of_input[name]

    def explain_inputs(self, /, images: Any, targets: Any = "top", **question: Any) -> dict[str, Explanation]:
        """Explain the same scores at each input of the model that is an image, a siamese net's two for instance.

        Args:
            images, targets, **question: as in `explain`; layers are those that each input has.

        Returns:
            An `Explanation` for each of these inputs, by its name; the others are held as they are meanwhile.

        Raises:
            KxError: as in `explain`.
        """
        return {name: self.of_input(name).explain(images, targets, **question) for name in self.inputs.images}

    def evaluate(
        self,
        explanation: Explanation,
        metrics: Any = None,
        *,
        images: Any = None,
        masks: Any = None,
        progress: bool = False,
        **settings: Any,
    ) -> Evaluation:
        """Measure how far maps can be believed.

        What does not depend on the map is computed once an image, for all classes: another class, layer or method
        takes no further pass for it.

        Args:
            explanation: the maps, made by this explainer or its like.
            metrics: ids of `METRICS`, or a dict of ids and their parameters; None for some that say most, without
                `randomization` where the method would take many passes once more.
            images: what was explained, as in `explain`; needed where it is not at hand any more and pictures of
                8 bits do not tell it.
            masks: (N, H, W) in the size that the model sees, not 0 where what counts is, for metrics that ask.
            progress: show a progress bar.
            **settings: `cover="blur"` (what covers; also `"mean"`, the mean colour, and `"black"`; made of pixels
                before they are preprocessed), `steps=10` of curves, `controls=8` random maps to compare with, 0 for
                none, `batch_size=None`, `seed=0`.

        Returns:
            An `Evaluation`: scores (N, T) by metric, NaN where it cannot be told, with the reason in its notes.

        Raises:
            ParameterError: the maps belong to other images; unknown metric or setting; masks of another shape, or
                empty.
            ImageError, ModelError: as in `explain`.
        """
        return self._evaluator(explanation, metrics, images, masks, settings).evaluate(progress)

    def evaluate_stream(
        self, explanation: Explanation, metrics: Any = None, *, images: Any = None, masks: Any = None, **settings: Any
    ) -> Generator[Evaluation, None, None]:
        """The same as `evaluate`, as a generator of partial evaluations.

        Args:
            explanation, metrics, images, masks, **settings: as in `evaluate`.

        Yields:
            `Evaluation`s, after each call of the model; the last one, whose `done` is 1, equals that of `evaluate`.
            Closing the generator cancels; what was computed is kept.
        """
        return self._evaluator(explanation, metrics, images, masks, settings).stream()

    def scored_picture(
        self,
        explanation: Explanation,
        image: int = 0,
        target: int = 0,
        *,
        step: int,
        curve: str = "deletion",
        images: Any = None,
        **settings: Any,
    ) -> ScoredPicture:
        """The very picture that was scored at a step of a curve, and what the model says of it.

        Args:
            explanation, images, **settings: as in `evaluate`.
            image, target: which map.
            step: from 0 to `steps`.
            curve: `"deletion"`, where what the map marks most is covered first, or `"insertion"`, where it is shown
                first.

        Returns:
            A `ScoredPicture`; no pass is made where the curve is known.

        Raises:
            ParameterError: there is no such map, step or curve, or the map says nothing; those of `evaluate`.
        """
        return self._evaluator(explanation, "deletion", images, None, settings).picture(image, target, curve, step)

    def compare(
        self,
        images: Any,
        target: Any = "top",
        *,
        methods: Sequence[str] = COMPARED,
        layers: Sequence[str | None] = (None,),
        metrics: Any = ("srg", "single_deletion", "random_logit"),
        labels: Any = None,
        region: Any = None,
        progress: bool = False,
        **settings: Any,
    ) -> Comparison:
        """Measure several methods and layers on the same images.

        Args:
            images: as in `explain`.
            target: as in `explain`.
            methods: ids of `METHODS`.
            layers: paths, None for the recommended one; methods that see the input are asked once.
            metrics: as in `evaluate`.
            labels: the true class of each image, as in `explain`.
            region: as in `explain`.
            progress: show a progress bar for each method and layer.
            **settings: as in `evaluate`.

        Returns:
            A `Comparison`: by metric a mean for each method and layer, with an interval. Where a method does not apply
            to the model, its row says so.

        Raises:
            KxError: as in `explain` and `evaluate`.
        """
        self._check_whole()
        loaded = self.load(images)
        columns_of(metrics, self.metrics)
        contenders = [
            (name, layer)
            for name in methods
            for layer in ((None,) if find(self.methods, name).sees == "input" else _paths(layers))
        ]
        return compare(
            contenders,
            lambda method, layer: self.explain(
                loaded, target, labels=labels, region=region, method=method, layer=layer
            ),
            lambda e: self.evaluate(e, metrics, images=loaded, progress=progress, **settings),
        )

    def what_if(
        self,
        images: Any,
        masks: Any,
        cover: str = "blur",
        keep: bool = False,
        batch_size: int | None = None,
        region: Any = None,
        targets: Any = None,
    ) -> tuple[Floats, Floats]:
        """What the model says of images when parts of them are covered, 1 pass a mask; each is computed once.

        Args:
            images: as in `explain`.
            masks: (M, H, W) or, others for each image, (N, M, H, W), in the size that the model sees: True, or 1, is
                covered, between 0 and 1 in part.
            cover: what covers: `"blur"`, the `"mean"` colour, `"black"`.
            keep: cover everything else instead.
            batch_size: images at once; None goes by memory.
            region: as in `explain`; where a class wins is where it does in the image that nothing covers.
            targets: a `Target` of one's own, or several, whose values are told in place of the classes' scores.

        Returns:
            `(scores, probabilities)` of all classes, float32 (N, M, C) each; see `predict`.

        Raises:
            ParameterError: masks of another shape, or another cover.
            ImageError, ModelError: as in `explain`.
        """
        self._check_whole()
        settings = EvaluationSettings.checked({"cover": cover, "batch_size": batch_size})
        targets = [0] if targets is None else targets
        question = self.ask(images, targets, method="occlusion", batch_size=settings.batch_size, region=region)
        parts = check_parts(masks, question.images)
        extra_bytes = 8 * parts.shape[1] * question.columns.classes
        with model_failures():
            scores = np.concatenate(
                [
                    finished(covering_of(question.images, rows, cover, probe).masks(parts[rows], keep))
                    for rows, probe in question.probes(extra_bytes=extra_bytes)
                ]
            )
        return scores, question.model.probabilities(scores)

    def uncovered(self, images: Any, targets: Any = None, region: Any = None) -> tuple[Floats, Floats]:
        """What `what_if` tells where nothing is covered, (N, C) each: `predict`, but for models with several places."""
        question = self.ask(images, [0] if targets is None else targets, method="occlusion", region=region)
        with model_failures():
            scores = np.concatenate([question.scores(rows, probe) for rows, probe in question.probes()])
        return scores, question.model.probabilities(scores)

    def cover_pixels(self, images: Any, cover: str = "blur") -> Pixels:
        """What covers images, to see what `what_if` scores: `np.where(mask[..., None], cover_pixels, pixels)`.

        Args:
            images: as in `explain`.
            cover: as in `what_if`.

        Returns:
            uint8 (N, H, W, 3), before it is preprocessed.

        Raises:
            ParameterError: another cover.
            ImageError: as in `explain`.
        """
        self._check_whole()
        return covering_pixels(self.load(images).pixels, EvaluationSettings.checked({"cover": cover}).cover)

    def _check_whole(self) -> None:
        if self.tiling is not None:
            raise ParameterError(REFUSED)

    def _evaluator(
        self, explanation: Any, metrics: Any, images: Any, masks: Any, settings: Mapping[str, Any]
    ) -> Evaluator:
        self._check_whole()
        if not isinstance(explanation, Explanation):
            raise ParameterError(f"{type(explanation).__name__} is no Explanation: pass what explain() returned.")
        columns = columns_of(metrics, self.metrics, self.methods.get(explanation.method))
        values = EvaluationSettings.checked(settings)
        loaded = self._images_of(explanation, images)
        return evaluator_of(explanation, loaded, columns, masks, values, self.ask, self.methods)

    def _images_of(self, explanation: Explanation, images: Any) -> Images:
        """What maps were made of: what is given, the images that were read last, or else those that the maps keep."""
        if images is not None:
            return self.load(images)
        # Read once, as in `_read`.
        last = self._latest or self._loaded[1]
        if last is not None and np.array_equal(last.pixels, explanation.images):
            return last
        if self.inputs.others or not self.bands.are_colours:
            raise ParameterError(
                "Pictures of 8 bits are not all that the model takes: pass images= what was explained."
            )
        return self.load(explanation.images)


def _paths(layers: Any) -> list[Any]:
    if isinstance(layers, str) or not isinstance(layers, Iterable):
        raise UnknownLayerError(f"layers={layers!r} must be a list of paths of layers.")
    return list(layers)


def check_parameters(params: Mapping[str, Any]) -> None:
    """Refuse what cannot be passed as `explain(images, targets, method=…, layer=…, **params)`.

    Raises:
        ParameterError: a parameter has the name of another argument.
    """
    for name in RESERVED:
        if name in params:
            raise ParameterError(
                f"{name!r} is no parameter of a method: pass {name}= by itself, beside the parameters."
            )


def _is_off(wrapper: Any) -> bool:
    return wrapper is None or wrapper is False or (isinstance(wrapper, dict) and not wrapper)


def _call(model: CompiledModel, method: Method, layer: str | None) -> Call | None:
    """The layer that a method is asked at, by its path or the method's own choice; None if it sees the input.

    Raises:
        UnknownLayerError: there is no such layer, or it has no map.
        ModelError: the method needs a layer with a map, and the model has none.
        UnsupportedMethodError: the method follows attention, which is not what the layer hands on.
    """
    path = layer if layer is not None else model.inspection.layer_for(method.sees)
    call = None if path is None else find_call(model.graph, model.inspection, path)
    if method.sees == "input":
        return None
    if call is None and method.sees in ("layer", "both"):
        raise ModelError(f"{method.title} needs a layer with a map. {model.inspection.why}")
    if method.sees == "attention":
        model.functions.attention.check(method.title, call)
    return call


def _regions(model: CompiledModel, region: Any, images: int) -> tuple[Region, ...]:
    """A region of each image, none where the model has one score per class.

    Raises:
        ParameterError: no region, or the model has no places.
    """
    if model.graph.output is not None:
        regions = parse_regions(region, images)
        winner = max((each.winner for each in regions if each.winner is not None), default=0)
        if winner >= model.graph.classes:
            raise ParameterError(f"winner={winner}: the model has classes 0 to {model.graph.classes - 1}.")
        return regions
    if region is not None:
        what = "A target of one's own is one number" if model.own else "The model has one score per class"
        raise ParameterError(f"{what} for the whole image: region= has nothing to choose.")
    return ()


def explain(model: Any, images: Any, targets: Any = "top", **arguments: Any) -> Explanation:
    """Explain once, without keeping anything: `Explainer(model, …).explain(images, targets, …)`.

    Args:
        model: see `Explainer`, which also tells the keywords that belong to it.
        images, targets: see `Explainer.explain`, which tells the other keywords.
        **arguments: keywords of both.

    Returns:
        An `Explanation` with raw maps (N, T, h, w).
    """
    settings = {name: arguments.pop(name) for name in KEYWORDS if name in arguments}
    return Explainer(model, **settings).explain(images, targets, **arguments)
