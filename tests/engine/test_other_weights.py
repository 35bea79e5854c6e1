"""The same graph with permuted weights: what it computes, what stays, and that nobody's model is touched."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.ndimage import label
from scipy.stats import spearmanr

import kx_widget as kx
from kx_widget.engine.explainer import Explainer
from tests import cases, models, segmenters


def fed(explainer):
    functions = explainer.prepare((models.SIDE, models.SIDE, 3)).functions.fed()
    return functions, functions.graph.weights


def variables_read(model, weights):
    """By path of a variable, the value that is passed in for it now."""
    handles = {id(v.value.handle): v.path for v in model.variables}
    return {handles[id(variable)]: weights._value(name).numpy() for name, (variable, _) in weights._reads.items()}


@pytest.mark.parametrize("make", [models.residual, models.transformer, models.nested])
def test_a_graph_with_permuted_weights_is_a_model_that_has_them(make):
    model, x = make(), cases.photos()
    functions, weights = fed(Explainer(model))
    everything = frozenset().union(*weights.layers)
    before = [np.array(w) for w in model.get_weights()]
    with weights.permuted(everything, 7):
        values, scores = variables_read(model, weights), functions.predict(x)
    twin = make()
    for mine, its in zip(twin.variables, model.variables, strict=True):
        mine.assign(values.get(its.path, its))
        if its.path in values:
            assert_array_equal(np.sort(values[its.path].ravel()), np.sort(np.ravel(its.numpy())))
    assert_allclose(scores, Explainer(twin).predict(x)[0], rtol=1e-4, atol=1e-5)
    assert not np.allclose(scores, Explainer(model).predict(x)[0], atol=1e-3)
    for old, new in zip(before, model.get_weights(), strict=True):
        assert_array_equal(old, new)
    assert_allclose(functions.predict(x), Explainer(model).predict(x)[0], rtol=1e-5, atol=1e-6)


def test_layers_come_from_the_last_to_the_first_and_vectors_of_a_layer_go_together():
    model = models.residual()
    _, weights = fed(Explainer(model))
    paths = {id(v.value.handle): v.path for v in model.variables}
    layers = [{paths[id(weights._reads[name][0])].split("/")[0] for name in layer} for layer in weights.layers]
    assert layers == [{model.layers[-1].name}, {"branch_end"}, {"norm"}, {"branch"}, {"stem"}]
    norm = model.get_layer("norm")
    for variable in norm.variables:
        variable.assign(np.arange(5.0))
    with weights.permuted(weights.layers[2], 1):
        vectors = [values for path, values in variables_read(model, weights).items() if path.startswith("norm")]
    assert len(vectors) == 4
    assert len({tuple(values) for values in vectors}) == 1
    assert sorted(vectors[0]) == [0, 1, 2, 3, 4] != list(vectors[0])


def test_layers_that_the_scores_do_not_depend_on_are_none():
    model = models.two_outputs()
    _, weights = fed(Explainer(model, output="kind"))
    assert not [name for layer in weights.layers for name in layer if "size" in name]
    assert len(weights.layers) == 2


def test_what_was_permuted_for_a_while_is_itself_again_also_after_an_error():
    model, x = models.residual(), cases.photos()
    functions, weights = fed(Explainer(model))
    before = functions.predict(x)
    with weights.permuted(weights.layers[0], 1):
        assert not np.allclose(functions.predict(x), before, atol=1e-3)
    with pytest.raises(ZeroDivisionError), weights.permuted(weights.layers[0], 1):
        raise ZeroDivisionError
    assert_array_equal(functions.predict(x), before)
    with weights.permuted((), 1):
        assert_array_equal(functions.predict(x), before)


def test_the_head_cascade_of_gradcam_before_a_pooled_head_on_paper():
    """The map is Σ_k w_k A_k / n; the kernel's entries are permuted, the activations are not."""
    model, x = models.pooled(), cases.photos()
    explainer = Explainer(model)
    e = explainer.explain(x, [1, 2])
    c = explainer.counts
    ev = explainer.evaluate(e, ["randomization"], images=x)
    made = explainer.counts - c
    assert (made["trunk"], made["predict"], made["head"]) == (0, 0, 2), "one pass through the head a target"
    a = keras.Model(model.inputs[0], model.get_layer("late").output)(x).numpy()
    _, weights = fed(explainer)
    with weights.permuted(weights.layers[0], 0):
        kernel = variables_read(model, weights)["scores/kernel"]
    for i, t in np.ndindex(e.targets.shape):
        other = a[i] @ kernel[:, t + 1]
        assert_allclose(ev.scores["randomization"][i, t], spearmanr(e.maps[i, t].ravel(), other.ravel())[0], atol=1e-5)


@pytest.mark.parametrize("method", ["gradcam", "gradients", "attention_gradient", "scorecam", "occlusion"])
@pytest.mark.parametrize("order", ["top_down", "bottom_up"])
def test_any_method_is_asked_of_the_model_with_other_weights(method, order):
    model, x = models.transformer(), cases.photos(2)
    explainer = Explainer(model)
    before = [np.array(w) for w in model.get_weights()]
    e = explainer.explain(x, ["top"], **cases.asked(method))
    ev = explainer.evaluate(e, {"randomization": {"order": order, "draws": 2}}, images=x)
    assert np.isfinite(ev.scores["randomization"]).all()
    assert (np.abs(ev.scores["randomization"]) < 0.999).all()
    for old, new in zip(before, model.get_weights(), strict=True):
        assert_array_equal(old, new)
    assert_array_equal(explainer.explain(x, ["top"], **cases.asked(method)).maps, e.maps)


def test_bottom_up_is_the_map_of_a_model_that_has_these_weights():
    model, x = models.residual(), cases.photos(2)
    explainer = Explainer(model)
    e = explainer.explain(x, [1], layer="norm")
    ev = explainer.evaluate(e, {"randomization": {"order": "bottom_up"}}, images=x)
    _, weights = fed(explainer)
    with weights.permuted(frozenset().union(*weights.layers), 0):
        values = variables_read(model, weights)
    twin = models.residual()
    for mine, its in zip(twin.variables, model.variables, strict=True):
        mine.assign(values.get(its.path, its))
    other = Explainer(twin).explain(x, [1], layer="norm").maps
    for i in range(2):
        expected = spearmanr(e.maps[i, 0].ravel(), other[i, 0].ravel())[0]
        assert_allclose(ev.scores["randomization"][i, 0], expected, atol=1e-4)


@pytest.mark.parametrize("kind", ["wins", "object"])
def test_what_counts_in_a_segmenter_is_what_counts_with_its_own_weights(kind):
    net, x = segmenters.unet(), segmenters.photographs(1)
    winners = net(x).numpy()[0].argmax(-1)
    row, column = np.argwhere(winners == 3)[0]
    labels, _ = label(winners == 3)
    mask, region = winners == 3, None
    if kind == "object":
        mask, region = labels == labels[row, column], kx.region(object_at=(column, row))
    explainer = Explainer(net, preprocess=None)
    e = explainer.explain(x, 3, layer="third", region=region)
    ev = explainer.evaluate(e, {"randomization": {"order": "bottom_up"}}, images=x)
    weights = explainer.prepare(x.shape[1:]).functions.fed().graph.weights
    with weights.permuted(frozenset().union(*weights.layers), 0):
        values = variables_read(net, weights)
    twin = segmenters.unet()
    for mine, its in zip(twin.variables, net.variables, strict=True):
        mine.assign(values.get(its.path, its))
    assert (winners != twin(x).numpy()[0].argmax(-1)).any()
    other = Explainer(twin, preprocess=None).explain(x, 3, layer="third", region=kx.region(mask=mask)).maps
    assert_allclose(ev.scores["randomization"][0, 0], spearmanr(e.maps.ravel(), other.ravel())[0], atol=1e-4)


def test_a_head_without_weights_is_told():
    x = image = keras.Input((models.SIDE, models.SIDE, 3))
    x = keras.layers.Conv2D(4, 3, name="late")(x)
    model = keras.Model(image, keras.layers.Softmax()(keras.layers.GlobalAveragePooling2D()(x)))
    explainer, photos = Explainer(model), cases.photos(2)
    e = explainer.explain(photos, [1])
    ev = explainer.evaluate(e, ["randomization"], images=photos)
    assert np.isnan(ev.scores["randomization"]).all()
    assert "no weights after the layer" in ev.notes[0][0][0]
    assert np.isfinite(
        explainer.evaluate(e, {"randomization": {"order": "bottom_up"}}, images=photos).scores["randomization"]
    ).all()


def test_a_map_that_does_not_see_the_weights_is_condemned():
    model, x = models.residual(), cases.photos(2)
    explainer = Explainer(model)
    e = explainer.explain(x, [1], method="eigencam")
    ev = explainer.evaluate(e, ["randomization", "random_logit"], images=x)
    assert_allclose(ev.scores["randomization"], 1, atol=1e-6)
    assert "with permuted weights it stays the same" in ev.verdict(0, 0)
    assert replace(ev, scores={}).verdict(0, 0).startswith("Not measured")
