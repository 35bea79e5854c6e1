"""What Keras and TensorFlow do not promise: in one file, checked when an explainer is made."""

import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import kx_widget as kx
from kx_widget.engine import keras_private
from kx_widget.engine.weights import Weights
from tests import cases, models


@pytest.fixture
def unchecked():
    keras_private.check.cache_clear()
    yield
    keras_private.check.cache_clear()


@pytest.mark.parametrize(
    ("name", "broken", "problem"),
    [
        ("HOOKED", ("called",), "a layer's call is not seen"),
        ("GUIDED", {}, "guided backpropagation is not guided"),
        ("as_input", lambda model, x: x, "the structure of a model's inputs is not known"),
        ("shapes_at_build", lambda layer: [], "the shape for which a layer was built is not known"),
        ("sublayers", lambda model: iter(()), "the layers inside a model are not listed"),
        ("inbound_nodes", lambda layer: layer.nodes_of_old, "AttributeError"),
    ],
)
def test_what_is_not_as_it_was_is_named_with_the_versions(name, broken, problem, unchecked, monkeypatch):
    monkeypatch.setattr(keras_private, name, broken)
    with pytest.raises(kx.ModelError) as told:
        kx.Explainer(models.pooled())
    assert f"Keras {keras.__version__} with TensorFlow {tf.__version__}" in str(told.value)
    assert problem in str(told.value)


def test_a_module_that_is_gone_is_named_with_the_versions(unchecked, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow.python.eager.context", None)
    with pytest.raises(kx.ModelError, match=rf"with TensorFlow {tf.__version__}: ModuleNotFoundError: .*context"):
        kx.Explainer(models.pooled())


def test_the_check_leaves_no_trace_in_the_names_of_layers(unchecked):
    def new():
        return layers.ReLU().name, keras.Sequential().name, layers.InputLayer((1,)).name

    new()
    before = new()
    keras_private.check()
    for earlier, later in zip(before, new(), strict=True):
        stem, _, number = earlier.rpartition("_")
        assert later == f"{stem}_{int(number) + 1}"


def test_a_variable_that_copies_its_value_for_each_read_is_compared():
    """Scattered updates put a variable into this mode, for good."""
    model = models.pooled()
    weights = Weights(model)
    variable = model.trainable_variables[0].value
    tf.raw_ops.ResourceScatterAdd(resource=variable.handle, indices=[0], updates=tf.zeros_like(variable[:1]))
    first = weights.version()
    assert weights.version() == weights.version() == first
    variable.assign_add(tf.ones_like(variable))
    assert weights.version() == first + 1
    assert weights.version() == first + 1


def test_the_cache_answers_although_a_variable_copies_its_value():
    model, x = models.pooled(), cases.photos(1)
    explainer = kx.Explainer(model)
    variable = model.trainable_variables[0].value
    tf.raw_ops.ResourceScatterAdd(resource=variable.handle, indices=[0], updates=tf.zeros_like(variable[:1]))
    before = explainer.explain(x, [1]).maps
    runs = explainer.counts["trunk"]
    assert np.array_equal(explainer.explain(x, [1]).maps, before)
    assert explainer.counts["trunk"] == runs
