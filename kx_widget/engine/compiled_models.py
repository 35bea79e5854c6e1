"""A model traced for each size of its input, and what its scores are."""

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import Any

from kx_widget.engine.budget import Budget
from kx_widget.engine.detectors import adapter_of
from kx_widget.engine.graph.compiled import Functions
from kx_widget.engine.graph.trace import Graph
from kx_widget.engine.heads import Meaning, meaning_of
from kx_widget.engine.images import Images
from kx_widget.engine.inspection import inspect
from kx_widget.engine.model_inputs import ModelInputs
from kx_widget.engine.question import CompiledModel
from kx_widget.engine.scalars import Target
from kx_widget.engine.similarity import Similarity
from kx_widget.engine.weights import Weights

MOST_SIZES = 4


class CompiledModels:
    """A model compiled for the sizes (H, W, C) that were used last; safe to use from several threads.

    Args:
        model: what is explained.
        settings: of its explainer.
        inputs: what it takes.
        similarity: how its embeddings are compared with references, None where its output is explained itself.
        knows_imagenet: whether 1000 classes are those of ImageNet.
        budget: of memory.

    Attributes:
        weights: of the model.
        last: for the size that was asked for last; there is none before `of_classes`.
    """

    last: CompiledModel

    def __init__(
        self,
        model: Any,
        settings: Mapping[str, Any],
        inputs: ModelInputs,
        similarity: Similarity | None,
        knows_imagenet: bool,
        budget: Budget,
    ) -> None:
        self._model, self._settings, self._inputs, self._similarity = model, settings, inputs, similarity
        self._knows_imagenet, self._budget = knows_imagenet, budget
        self._lock = threading.RLock()
        self.weights: Weights = Weights(model)
        self._of_classes: OrderedDict[Hashable, CompiledModel] = OrderedDict()
        self._of_targets: OrderedDict[Hashable, CompiledModel] = OrderedDict()

    @property
    def counts(self) -> Counter[str]:
        """How often each compiled part was made and run."""
        with self._lock:
            every = [*self._of_classes.values(), *self._of_targets.values()]
            return sum((compiled.functions.counts for compiled in every), Counter())

    def update_references(self, read: Callable[[Any], Images]) -> None:
        """Embed references anew where the weights have changed; what was traced with the old ones is of no use."""
        with self._lock:
            if self._similarity is not None and self._similarity.update(self.weights.version(), read):
                self._of_classes.clear()
                self._of_targets.clear()

    def of_classes(self, shape: tuple[int, int, int]) -> CompiledModel:
        """Its scores are those of classes, or of references."""
        # Another thread may ask for another size meanwhile.
        self.last = compiled = self._latest(self._of_classes, shape, lambda: self._with_meaning(shape))
        return compiled

    def of_targets(self, shape: tuple[int, int, int], own: tuple[Target, ...]) -> CompiledModel:
        """Its scores are those of targets of one's own."""
        meaning = Meaning(tuple(t.name for t in own), None, tuple(t.unit for t in own))
        return self._latest(
            self._of_targets, (shape, own), lambda: self._compiled(self._graph(shape, own), meaning, own)
        )

    def _latest(
        self, models: OrderedDict[Hashable, CompiledModel], key: Hashable, trace: Callable[[], CompiledModel]
    ) -> CompiledModel:
        """The model of this key, traced where there is none, as the last of those that are kept."""
        with self._lock:
            compiled = models.pop(key, None) or trace()
            models[key] = compiled
            while len(models) > MOST_SIZES:
                models.popitem(last=False)
            return compiled

    def _graph(self, shape: tuple[int, int, int], own: tuple[Target, ...] = ()) -> Graph:
        output = self._settings["output"]
        detect = None if own else adapter_of(self._model, self._settings["detect"], output, shape[:2])
        return Graph(self._model, shape, output, self._inputs, own, self._similarity, detect)

    def _with_meaning(self, shape: tuple[int, int, int]) -> CompiledModel:
        graph = self._graph(shape)
        if self._similarity is not None:
            meaning = self._similarity.meaning
        else:
            about = graph.head, graph.classes, self._settings, self._knows_imagenet
            meaning = meaning_of(self._model, self._settings["output"], *about)
        graph.link = meaning.link
        return self._compiled(graph, meaning)

    def _compiled(self, graph: Graph, meaning: Meaning, own: tuple[Target, ...] = ()) -> CompiledModel:
        inspection = inspect(self._model, graph)
        return CompiledModel(graph, Functions(graph, self._budget), inspection, meaning, self.weights, own)
