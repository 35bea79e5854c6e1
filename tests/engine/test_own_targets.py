"""Numbers of one's own, told of a model's outputs."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops
from numpy.testing import assert_allclose, assert_array_equal

import kx_widget as kx
from tests import models

IMAGES = np.random.default_rng(0).random((2, 12, 12, 3)).astype(np.float32)


def two_outputs():
    net = models.pooled(None)
    pooled = net.layers[-2].output
    return keras.Model(net.input, {"a": layers.Dense(3, name="a")(pooled), "b": layers.Dense(2, name="b")(pooled)})


def spread(y):
    return ops.sum(ops.square(y["a"]), -1) - y["b"][:, 0]


def test_maps_are_those_of_a_gradient_tape():
    net = two_outputs()
    both = keras.Model(net.input, [net.get_layer("late").output, net.output])
    with tf.GradientTape() as tape:
        a, y = both(IMAGES)
        values = spread(y)
    g = tape.gradient(values, a).numpy()
    x = kx.Explainer(net, preprocess=None, output="a")
    before = x.explain(IMAGES, layer="late")
    e = x.explain(IMAGES, kx.Target(spread, "spread", "m"), layer="late")
    assert_allclose(e.scores[:, 0], values, rtol=1e-5)
    assert_allclose(e.maps[:, 0], (g.mean((1, 2), keepdims=True) * a.numpy()).sum(-1), rtol=1e-4, atol=1e-7)
    assert e.caption(0, 0) == f"spread · {float(values[0]):.2f} m".replace("-", "−")
    assert np.isnan(e.probabilities).all()
    # The model's own classes are as they were.
    assert x.class_names == ("class 0", "class 1", "class 2")
    assert_array_equal(x.explain(IMAGES, layer="late").maps, before.maps)
    v = x.evaluate(e, {"deletion": {}}, images=IMAGES, controls=0)
    assert v.scores["deletion"].shape == (2, 1)


def test_several_at_once():
    net = two_outputs()
    x = kx.Explainer(net, preprocess=None, output="a")
    first, second = kx.Target(spread, "spread"), kx.Target(lambda y: y["b"][:, 1], "other")
    e = x.explain(IMAGES, [first, second])
    assert_allclose(e.scores[:, 1], net(IMAGES)["b"][:, 1], rtol=1e-5)
    assert_allclose(e.maps[:, :1], x.explain(IMAGES, first).maps, rtol=1e-5, atol=1e-8)


def test_a_name_that_reads_as_a_rank_or_the_true_class_is_but_a_name():
    net = two_outputs()
    x = kx.Explainer(net, preprocess=None, output="a")
    own = [kx.Target(lambda y, i=i: y["b"][:, i], name) for i, name in enumerate(("top-2", "true"))]
    e = x.explain(IMAGES, own)
    assert_allclose(e.scores, net(IMAGES)["b"], rtol=1e-5)
    assert e.target_names == (("top-2", "true"),) * 2


def test_regions_have_nothing_to_choose_in_a_target_of_ones_own():
    image = keras.Input((12, 12, 3))
    x = kx.Explainer(keras.Model(image, layers.Conv2D(3, 3)(image)), preprocess=None)
    area = kx.Target(lambda y: ops.mean(y[..., 1], (1, 2)), "area")
    with pytest.raises(kx.ParameterError, match="A target of one's own is one number for the whole image"):
        x.explain(IMAGES, area, method="gradients", region="whole")


def test_what_has_no_gradient_is_refused_where_it_is_needed():
    x = kx.Explainer(two_outputs(), preprocess=None, output="a")
    best = kx.Target(lambda y: ops.cast(ops.argmax(y["a"], -1), "float32"), "best")
    for method in ("gradcam", "gradients", "full_gradients", "integrated_gradients"):
        with pytest.raises(kx.UnsupportedMethodError, match="'best' is not differentiable"):
            x.explain(IMAGES, best, method=method)
    assert x.explain(IMAGES, best, method="occlusion", patch=0.5).maps.shape[:2] == (2, 1)


@pytest.mark.parametrize(
    ("target", "error", "said"),
    [
        (lambda: kx.Target(lambda y: y["a"], "all"), kx.ParameterError, r"returned float32 of shape \(None, 3\)"),
        (lambda: kx.Target(lambda y: y["c"][:, 0], "c"), kx.ParameterError, "'c' raised KeyError"),
        (lambda: kx.Target(lambda y: ops.ones((3,)), "one"), kx.ModelError, "does not depend on its input"),
        (lambda: kx.Target("a", "a"), kx.ParameterError, "must be of a function and a name"),
        (lambda: [kx.Target(spread, "s"), "class 0"], kx.UnknownTargetError, "ask twice"),
        (lambda: [kx.Target(spread, "s"), kx.Target(spread, "s")], kx.UnknownTargetError, "one name"),
    ],
)
def test_what_is_no_target_is_refused(target, error, said):
    x = kx.Explainer(two_outputs(), preprocess=None, output="a")
    with pytest.raises(error, match=said):
        x.explain(IMAGES, target())


def test_a_store_goes_by_the_code_of_the_target(tmp_path):
    x = kx.Explainer(two_outputs(), preprocess=None, output="a")
    store = x.explain_to(tmp_path / "maps", list(IMAGES), kx.Target(spread, "spread"))
    e = store.explanation_of(np.arange(2)[:, None], np.zeros((2, 12, 12, 3), np.uint8))
    assert_array_equal(e.maps, x.explain(IMAGES, kx.Target(spread, "spread")).maps)
    with pytest.raises(kx.FormatError, match="another question"):
        x.explain_to(tmp_path / "maps", list(IMAGES), kx.Target(lambda y: y["a"][:, 0], "spread"))
