"""Several layers at once: the same answers, for one pass forward and one backward."""

import gc
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal

from kx_widget.engine.errors import UnknownLayerError
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.graph.compiled import BYTES_PER_OP
from kx_widget.engine.graph.trace import Graph
from tests import cases, models

LAYERS = ["stem", "branch", "inside", "after_add"]


@pytest.mark.parametrize("method", ["gradcam", "hirescam"])
def test_each_layer_has_the_answer_it_has_alone(method):
    explainer, x = Explainer(models.residual()), cases.photos()
    together = explainer.explain_layers(x, ["top", 2], layers=LAYERS, method=method)
    assert list(together) == LAYERS
    for layer, found in together.items():
        alone = Explainer(explainer.model).explain(x, ["top", 2], layer=layer, method=method)
        assert_allclose(found.maps, alone.maps, rtol=1e-4, atol=1e-7)
        assert_array_equal(found.targets, alone.targets)
        assert_allclose(found.scores, alone.scores, rtol=1e-5)


def test_one_pass_serves_all_layers_and_the_family():
    explainer, x = Explainer(models.residual()), cases.photos()
    explainer.explain_layers(x, [1], layers=LAYERS)
    assert explainer.counts["layers"] == 1
    explainer.explain_layers(x, [1], layers=LAYERS, method="layercam")
    for layer in LAYERS:
        explainer.explain(x, [1], layer=layer, method="gradcampp")
    counts = explainer.counts
    assert counts["layers"] == 1
    assert counts["trunk"] == counts["head"] == counts["predict"] == 0


def test_without_room_to_keep_it_the_answer_is_the_same():
    model, x = models.residual(), cases.photos()
    kept, forgotten = (Explainer(model, cache_mib=mib).explain_layers(x, [1], layers=LAYERS) for mib in (512, 0))
    for layer in LAYERS:
        assert_allclose(kept[layer].maps, forgotten[layer].maps, rtol=1e-4, atol=1e-7)


def test_a_method_that_sees_the_input_answers_for_each_layer_as_well():
    explainer, x = Explainer(models.residual()), cases.photos()
    together = explainer.explain_layers(x, [1], layers=LAYERS, method="gradients")
    assert list(together) == LAYERS
    alone = explainer.explain(x, [1], method="gradients")
    for explanation in together.values():
        assert_array_equal(explanation.maps, alone.maps)


def test_an_unknown_layer_is_refused():
    with pytest.raises(UnknownLayerError, match="no layer 'stemm'"):
        Explainer(models.residual()).explain_layers(cases.photos(), layers=["stem", "stemm"])


def ops(explainer):
    return len(explainer.prepare(explainer.inspection.input_shape).graph.graph.get_operations())


@pytest.mark.parametrize("order", [1, -1])
def test_the_graph_grows_to_one_backward_pass_whatever_layers_are_visited(order):
    model, x = models.residual(), cases.photos(2)
    together, visited = Explainer(model), Explainer(model)
    candidates = together.inspection.candidates
    together.explain_layers(x, [1], layers=candidates)
    for layer in candidates[::order]:
        visited.explain(x, [1], layer=layer)
    assert ops(visited) <= 1.02 * ops(together)
    before = ops(visited)
    for _ in range(2):
        for layer in candidates:
            visited.explain(cases.photos(2), [2], layer=layer)
    assert ops(visited) == before


def test_compiled_parts_of_layers_visited_long_ago_are_let_go(monkeypatch):
    parts = []
    compile_part = Graph.part

    def noting(*arguments):
        part = compile_part(*arguments)
        parts.append(weakref.ref(part.graph))
        return part

    monkeypatch.setattr(Graph, "part", noting)
    explainer, x = Explainer(models.residual(), memory_mib=20), cases.photos(2)
    candidates, most = explainer.inspection.candidates, 0
    for _ in range(3):
        for layer in candidates:
            explainer.explain(x, [1], layer=layer, method="ablationcam")
            explainer.explain(x, [1], layer=layer)
            explainer._cache.clear()
        gc.collect()
        alive = [graph for part in parts if (graph := part()) is not None]
        most = max(most, sum(len(graph.get_operations()) for graph in alive) * BYTES_PER_OP)
        del alive
    assert len(parts) > 3 * len(candidates)
    assert 0 < most <= 5 * 2**20


@pytest.mark.parametrize("model", [models.residual, models.nested, models.tokens, models.subclassed, models.pointwise])
@pytest.mark.parametrize("method", ["gradcam", "layercam"])
def test_a_layer_visited_for_the_first_time_is_not_compiled_for(model, method):
    model, x = model(), cases.photos()
    explainer = Explainer(model)
    explainer.explain(x, [1])
    compiled = [explainer.inspection.recommended]
    for layer in [path for path in explainer.inspection.candidates if path not in compiled]:
        visited = explainer.explain(x, [1], layer=layer, method=method)
        alone = Explainer(model).explain(x, [1], layer=layer, method=method)
        assert_allclose(visited.maps, alone.maps, rtol=1e-4, atol=1e-6 * abs(alone.maps).max())
        assert_allclose(visited.scores, alone.scores, rtol=1e-5)
        before = explainer.counts
        assert before["trace any_layer"] == 1
        assert not before[f"trace cut {layer}"]
        again = explainer.explain(x, [2], layer=layer, method=method)
        alone = Explainer(model).explain(x, [2], layer=layer, method=method)
        assert_allclose(again.maps, alone.maps, rtol=1e-4, atol=1e-6 * abs(alone.maps).max())


def test_a_late_layer_is_cut_sooner_than_an_early_one_and_then_another_class_takes_no_forward_pass():
    explainer, x = Explainer(models.residual()), cases.photos()
    explainer.explain(x, [1])
    looks = {}
    for layer in ("stem", "branch_end"):
        before = explainer.counts["look"]
        while not explainer.counts[f"trace cut {layer}"]:
            explainer.explain(x, [1], layer=layer)
            explainer._cache.clear()
            explainer.predict(x)
        looks[layer] = explainer.counts["look"] - before
        runs = explainer.counts
        explainer.explain(x, [0, 3], layer=layer)
        assert explainer.counts["look"] == runs["look"]
        assert explainer.counts["trunk"] <= runs["trunk"] + 1
    assert 1 <= looks["branch_end"] < looks["stem"]


def test_a_look_goes_back_no_farther_than_the_layer():
    passed = []

    @tf.custom_gradient
    def noting(x):
        def gradient(g):
            note = tf.numpy_function(lambda _: passed.append("back") or np.float32(0), [tf.reduce_sum(g)], tf.float32)
            return g + tf.ensure_shape(note, ())

        return tf.identity(x), gradient

    x = image = keras.Input((12, 12, 3))
    x = keras.layers.Conv2D(4, 3, name="early", activation="relu")(x)
    x = keras.layers.Lambda(noting, output_shape=(10, 10, 4), name="noting")(x)
    for name in ("middle", "late", "last"):
        x = keras.layers.Conv2D(4, 3, name=name, activation="relu")(x)
    x = keras.layers.Dense(4)(keras.layers.GlobalAveragePooling2D()(x))
    explainer, images = Explainer(keras.Model(image, x)), cases.photos()
    for layer in ("last", "late", "middle"):
        explainer.explain(images, [1], layer=layer)
    assert explainer.counts["look"] == 2
    assert passed == []
    explainer.explain(images, [1], layer="early")
    assert passed
