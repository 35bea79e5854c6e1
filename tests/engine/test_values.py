"""Regressions tell values, and no probabilities."""

import keras
import numpy as np
import pytest
from keras import layers
from numpy.testing import assert_array_equal

import kx_widget as kx
from tests import models

IMAGES = np.random.default_rng(0).random((2, 12, 12, 3)).astype(np.float32)


def regression(outputs=2, activation=None, loss=None):
    net = models.pooled(activation)
    net = keras.Model(net.input, layers.Dense(outputs, activation=activation, name="values")(net.layers[-2].output))
    if loss:
        net.compile(loss=loss)
    return net


@pytest.mark.parametrize(
    "names", [["age", "height"], [("age", "years"), ("height", "cm")], {"age": "years", "height": "cm"}]
)
def test_named_values_are_no_probabilities(names):
    net = regression()
    e = kx.explain(net, IMAGES, ["age", "height"], preprocess=None, output_names=names)
    assert np.isnan(e.probabilities).all()
    np.testing.assert_allclose(e.scores, net(IMAGES).numpy(), atol=1e-5)
    units = ["", ""] if isinstance(names, list) and isinstance(names[0], str) else ["years", "cm"]
    rows = zip(("age", "height"), e.scores[0], units, strict=True)
    texts = [f"{name} · {score:.2f} {unit}".strip() for name, score, unit in rows]
    assert [e.caption(0, 0), e.caption(0, 1)] == [text.replace("-", "−") for text in texts]
    assert e.display_of(0).sign == "signed"
    assert "raises the value" in e.legend


@pytest.mark.parametrize("loss", ["mse", "mean_absolute_error", keras.losses.Huber(), keras.losses.mean_squared_error])
def test_a_loss_of_values_says_so(loss):
    x = kx.Explainer(regression(loss=loss), preprocess=None)
    assert x.class_names == ("output 0", "output 1")
    assert np.isnan(x.predict(IMAGES)[1]).all()
    assert x.explain(IMAGES, "output 1").caption(0, 0).startswith("output 1 · ")


def test_class_names_and_a_softmax_still_make_probabilities():
    named = kx.Explainer(regression(), preprocess=None, class_names=["a", "b"])
    shown = kx.Explainer(regression(activation="softmax"), preprocess=None, output_names=["a", "b"])
    for x in (named, shown):
        np.testing.assert_allclose(x.predict(IMAGES)[1].sum(1), 1, atol=1e-5)
        assert x.explain(IMAGES).units == ()


def test_one_value(tmp_path):
    e = kx.explain(regression(1), IMAGES, "age", preprocess=None, output_names={"age": "years"})
    e.save(tmp_path / "age.npz")
    loaded = kx.Explanation.load(tmp_path / "age.npz")
    assert loaded.units == ("years",)
    assert loaded.caption(1, 0) == e.caption(1, 0)
    assert loaded.caption(1, 0).endswith(" years")
    assert "warm raises age, cool lowers it" in e._repr_html_()


def test_a_difference_of_values_has_their_unit():
    for units, end in (("cm", " cm"), ("", "")):
        names = [("width", "cm"), ("height", units or "mm")]
        e = kx.explain(regression(), IMAGES, kx.contrast("width", "height"), preprocess=None, output_names=names)
        assert e.caption(0, 0) == f"width − height · {e.scores[0, 0]:.2f}{end}".replace("-", "−")
        assert e.legend == "warm raises width − height, cool lowers it"


def test_a_store_keeps_units(tmp_path):
    x = kx.Explainer(regression(), preprocess=None, output_names=[("width", "cm"), ("height", "cm")])
    store = x.explain_to(tmp_path / "maps", list(IMAGES), ["width", "height"])
    e = store.explanation_of(np.arange(4).reshape(2, 2), np.zeros((2, 12, 12, 3), np.uint8))
    assert e.units == ("cm", "cm")
    assert_array_equal(e.scores, x.explain(IMAGES, ["width", "height"]).scores)


@pytest.mark.parametrize(
    ("names", "said"),
    [(["a"], "1"), (5, "must be a list of names"), ([("a", 1), "b"], "no pair of a name and a unit")],
)
def test_names_of_values_that_do_not_fit_are_refused(names, said):
    with pytest.raises(kx.KxError, match=said):
        kx.Explainer(regression(), output_names=names)
    with pytest.raises(kx.ParameterError, match="pass one of them"):
        kx.Explainer(regression(), output_names=["a", "b"], class_names=["a", "b"])
