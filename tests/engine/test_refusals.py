"""What is said of numbers out of range, another backend, and tokens without a grid."""

import pickle

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from kx_widget.engine.errors import KxError, ModelError, ParameterError, UnknownLayerError
from kx_widget.engine.explainer import EXPLAINER_PARAMETERS, QUESTION_PARAMETERS
from kx_widget.engine.methods import METHODS
from kx_widget.engine.parameters import check_params
from kx_widget.engine.types import Parameter
from kx_widget.engine.wrappers import WRAPPERS
from kx_widget.explainer import Explainer
from tests import cases, models

OWNERS = [
    *((m.title, m.params) for m in METHODS.values()),
    *((w.id, w.params) for w in WRAPPERS.values()),
    ("Explainer", EXPLAINER_PARAMETERS),
    ("explain", QUESTION_PARAMETERS),
]
RANGES = [
    (owner, p, limit + beyond)
    for owner, known in OWNERS
    for p in known
    if p.kind in ("int", "float")
    for limit, beyond in ((p.minimum, -1), (p.maximum, 1))
    if limit is not None
]


@pytest.mark.parametrize(("owner", "p", "value"), RANGES, ids=lambda v: getattr(v, "name", v))
def test_a_number_out_of_its_range_is_told_the_range(owner, p, value):
    low = f"{p.minimum:g}"
    limits = f"{low} or more" if p.maximum is None else f"{low} to {p.maximum:g}"
    with pytest.raises(ParameterError) as told:
        check_params(owner, (p,), {p.name: value})
    assert str(told.value) == f"{owner}: {p.name}={value!r} is outside its range {limits}."


@pytest.mark.parametrize(("maximum", "value", "limits"), [(1, 2, "-inf to 1"), (None, float("nan"), "-inf to inf")])
def test_a_range_without_a_lower_end_is_told(maximum, value, limits):
    with pytest.raises(ParameterError, match=f"is outside its range {limits}"):
        check_params("mine", (Parameter("shift", "float", 0.0, "Added.", maximum=maximum),), {"shift": value})


def test_an_explainer_is_not_pickled():
    with pytest.raises(KxError, match=r"cannot be pickled or copied.*save the model"):
        pickle.dumps(Explainer(models.pooled()))


def test_another_backend_is_refused_with_the_way_out(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(ModelError, match=r"runs on 'torch'.*os\.environ\[\"KERAS_BACKEND\"\] = \"tensorflow\""):
        Explainer(models.pooled())


def test_tokens_that_form_no_grid_are_offered_with_the_reason():
    x = image = keras.Input((12, 12, 3))
    x = layers.Reshape((18, 24), name="strips")(x)
    model = keras.Model(image, layers.Dense(2)(layers.GlobalAveragePooling1D()(layers.Dense(5, name="mixed")(x))))
    explainer = Explainer(model)
    reasons = {layer.path: layer.reason for layer in explainer.inspection.layers}
    assert reasons["mixed"] == "18 tokens, of which the trace does not show that they are a grid"
    with pytest.raises(UnknownLayerError, match=r"'mixed' cannot be explained: 18 tokens, of which"):
        explainer.explain(cases.photos(), layer="mixed")


@pytest.mark.parametrize("method", ["gradcam", "gradients"])
def test_scores_that_are_no_numbers_are_told_with_the_images(method):
    image = keras.Input((12, 12, 3))
    x = layers.Conv2D(2, 3, kernel_initializer="ones", name="late")(image)
    x = layers.Dense(2, kernel_initializer="ones")(layers.GlobalAveragePooling2D()(x))
    explainer = Explainer(keras.Model(image, keras.ops.sqrt(x)), preprocess=None)
    images = np.stack([np.full((12, 12, 3), v, np.float32) for v in (0.5, -0.5, 1.0, -1.0)])
    said = r"^The model's scores are NaN or infinite for image 1, image 3\. Look for weights"
    for ask in (lambda: explainer.explain(images, 0, method=method), lambda: explainer.predict(images)):
        with pytest.raises(ModelError, match=said):
            ask()
    assert np.isfinite(explainer.explain(images[::2], 0, method=method).scores).all()


@pytest.mark.parametrize("method", ["gradcam", "gradients"])
def test_what_the_models_own_code_raises_is_named(method):
    """TensorFlow's error begins with a list of nodes."""

    @tf.custom_gradient
    def of_python(x):
        def grad(dy):
            return dy

        return tf.ensure_shape(tf.py_function(picky, [x], tf.float32), x.shape), grad

    def picky(x):
        if float(tf.reduce_max(x)) > 5:
            raise RuntimeError("no film for bright pictures")
        return x

    image = keras.Input((12, 12, 3))
    x = layers.Conv2D(2, 3, kernel_initializer="ones", name="late")(image)
    x = layers.Lambda(of_python)(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(image, layers.Dense(2)(x))
    explainer = Explainer(model, preprocess=None)
    dark, bright = np.zeros((1, 12, 12, 3), np.float32), np.full((1, 12, 12, 3), 99, np.float32)
    explainer.explain(dark, 0, method=method)
    for ask in (
        lambda: explainer.explain(bright, 0, method=method),
        lambda: list(explainer.stream(bright, 0, method=method)),
        lambda: explainer.explain_layers(bright, 0, layers=["late"], method="gradcam"),
        lambda: explainer.predict(bright),
        lambda: next(explainer.explain_dataset([bright], 0, method=method)),
    ):
        with pytest.raises(ModelError, match=r"^The model raised RuntimeError: no film for bright pictures$"):
            ask()
    explainer.explain(dark, 0, method=method)
