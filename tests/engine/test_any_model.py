"""Every family of keras.applications, and the shapes that people give their own models."""

import os
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from numpy.testing import assert_allclose

from kx_widget.engine.answer import AnswerBuilder
from kx_widget.engine.cache import Cache
from kx_widget.engine.explainer import Explainer
from tests import hub, models

TABLE = Path(__file__).parents[2] / "docs" / "models.md"
SIDES = {"InceptionV3": 128, "InceptionResNetV2": 128, "Xception": 96}
# Family -> type, name (where it does not depend on what was built before) and channels of the layer to explain.
FAMILIES = {
    "VGG16": ("Conv2D", "block5_conv3", 512),
    "ResNet50": ("Activation", "conv5_block3_out", 2048),
    "ResNet50V2": ("Activation", "post_relu", 2048),
    "MobileNet": ("ReLU", "conv_pw_13_relu", 1024),
    "MobileNetV2": ("ReLU", "out_relu", 1280),
    "MobileNetV3Small": ("Activation", None, 576),
    "DenseNet121": ("Activation", "relu", 1024),
    "InceptionV3": ("Concatenate", "mixed10", 2048),
    "InceptionResNetV2": ("Activation", "conv_7b_ac", 1536),
    "Xception": ("Activation", "block14_sepconv2_act", 2048),
    "EfficientNetB0": ("Activation", "top_activation", 1280),
    "EfficientNetV2B0": ("Activation", "top_activation", 1280),
    "NASNetMobile": ("Activation", None, 1056),
    "ConvNeXtTiny": ("Add", None, 768),
}
# Fused ReLUs and hidden Dense layers; batch norms with γ; batch norms without.
PIECEWISE_LINEAR = ("VGG16", "ResNet50", "InceptionV3")


@pytest.fixture(scope="module")
def table():
    """Rows for the documentation; written when KX_WRITE_DOCS is set, compared with what is there otherwise."""
    rows = {}
    yield rows
    if len(rows) < len(FAMILIES) + len(OWN) + len(hub.NETS):
        return
    lines = [
        "# Models that are tested",
        "",
        "Each is built with random weights and explained as it is; the map equals that of a textbook Grad-CAM, for",
        "nets of keras-hub that of Keras run eagerly under a tape, and every layer offered gives a map of the image's",
        "aspect.",
        "This table is written by `tests/engine/test_any_model.py`.",
        "",
        "| model | input | head | layer to explain | why | method to begin with |",
        "|---|---|---|---|---|---|",
        *(rows[name] for name in [*FAMILIES, *hub.NETS, *OWN]),
    ]
    text = TABLE.read_text(encoding="utf-8")
    written, mark, others = text.partition("\n\n## ")
    if os.environ.get("KX_WRITE_DOCS"):
        written = "\n".join(lines)
        TABLE.write_text(written + mark + others, encoding="utf-8")
    assert written == "\n".join(lines), "docs/models.md is old: run with KX_WRITE_DOCS=1"


def row(name, inspection, layer=None):
    size = " × ".join(map(str, inspection.input_shape))
    head = f"{inspection.head}, {inspection.classes} classes"
    where = f"`{layer or inspection.recommended}` | {inspection.why} | `{inspection.recommended_method}`"
    return f"| {name} | {size} | {head} | {where} |"


def noise(shape, n=2):
    return np.random.default_rng(0).uniform(-1, 1, (n, *shape)).astype(np.float32)


def randomise(model):
    """Weights that leave no batch norm or bias at its neutral start."""
    rng = np.random.default_rng(1)
    for v in model.variables:
        if v.path.endswith(("bias", "beta", "moving_mean")):
            v.assign(rng.normal(0, 0.05, v.shape))
        elif v.path.endswith(("gamma", "moving_variance")):
            v.assign(rng.uniform(0.8, 1.2, v.shape))


def textbook(model, tensor, x, target):
    """Grad-CAM as textbooks have it: a second model that also returns the layer, and a tape."""
    both = keras.Model(model.inputs[0], [tensor, model.output])
    with tf.GradientTape() as tape:
        a, scores = both(tf.constant(x), training=False)
        chosen = scores[:, target]
    g = tape.gradient(chosen, a)
    return tf.einsum("bhwk,bk->bhw", a, tf.reduce_mean(g, (1, 2))).numpy(), chosen.numpy()


def assert_frozen_is_the_same(explainer, x, found, tolerance=1e-4):
    """With frozen weights: other functions, the same maps and scores."""
    asked = explainer.ask(x, found.targets, method=found.method)
    frozen = asked.model.functions.frozen(1)
    assert frozen is not asked.model.functions
    asked = replace(asked, model=replace(asked.model, functions=frozen), cache=Cache(2**30))
    explanation = AnswerBuilder(asked).add_all(asked.stream()).explanation(0)
    assert_allclose(explanation.maps, found.maps, rtol=tolerance, atol=tolerance * np.abs(found.maps).max())
    assert_allclose(explanation.scores, found.scores, rtol=tolerance, atol=tolerance * np.abs(found.scores).max())


@pytest.mark.parametrize("family", FAMILIES)
def test_family(family, table):
    side = SIDES.get(family, 64)
    model = getattr(keras.applications, family)(
        weights=None, input_shape=(side, side, 3), classes=7, classifier_activation=None
    )
    randomise(model)
    x = noise((side, side, 3))
    explainer = Explainer(model, preprocess=None)
    inspection = explainer.inspection
    info = next(li for li in inspection.layers if li.path == inspection.recommended)
    kind, name, channels = FAMILIES[family]
    assert (info.type, info.shape[-1]) == (kind, channels)
    assert name in (None, info.path)
    assert min(info.spatial) > 1
    e = explainer.explain(x, [3])
    tensor = next(op for op in model.operations if op.name == info.path).output
    maps, scores = textbook(model, tensor, x, 3)
    assert_allclose(e.scores[:, 0], scores, rtol=1e-3, atol=1e-4 * np.abs(scores).max())
    assert_allclose(e.maps[:, 0], maps, rtol=1e-2, atol=1e-3 * np.abs(maps).max())
    if model.count_params() * 4 < 2**25:
        assert_frozen_is_the_same(explainer, x, e)
    if family in PIECEWISE_LINEAR:
        e = explainer.explain(x, ["top", 3], method="full_gradients")
        assert e.checks["completeness_gap"].max() < 1e-3
        assert e.maps.min() >= 0
        assert np.ptp(e.maps, axis=(2, 3)).min() > 0
    else:
        assert np.isfinite(explainer.explain(x, ["top"], method="gradients").maps).all()
    shown = name or f"{info.type} before the pooling"
    table[family] = row(family, inspection, shown).replace(info.path, shown)


def layer_at(model, path):
    for name in path.split("/"):
        inside = [*model._flatten_layers(include_self=False, recursive=False), *getattr(model, "operations", ())]
        model = next(layer for layer in inside if layer.name == name)
    return model


def watched(model, path, x, target, monkeypatch):
    """What the layer returns to Keras run eagerly, and the score's gradient there, from a tape that watches it."""
    layer, seen = layer_at(model, path), []
    call = type(layer).call

    def watching(self, *args, **kwargs):
        out = call(self, *args, **kwargs)
        if self is layer:
            seen.append(out)
            tape.watch(out)
        return out

    monkeypatch.setattr(type(layer), "call", watching)
    with tf.GradientTape() as tape:
        scores = model({model.inputs[0].name: x} if isinstance(model.input, dict) else x, training=False)
        score = tf.reduce_sum(scores[:, target])
    return seen[0].numpy(), tape.gradient(score, seen[0]).numpy(), scores.numpy()


# Keras says of keras-hub's own windowed attention that it does not pass a mask on.
@pytest.mark.filterwarnings("ignore:Layer 'attn' .of type WindowAttention. was passed an input with a mask")
@pytest.mark.parametrize("name", hub.NETS)
def test_hub(name, table, monkeypatch):
    """Every candidate gives a map of the image's aspect, the recommended one what Keras and a tape give."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    make, grid, first = hub.NETS[name]
    model = hub.randomised(make())
    explainer = Explainer(model, preprocess=None)
    inspection = explainer.inspection
    info = next(li for li in inspection.layers if li.path == inspection.recommended)
    assert (info.spatial, info.first) == (grid, first or 0)
    x = noise(inspection.input_shape)
    e = explainer.explain(x, [3])
    a, g, scores = watched(model, info.path, x, 3, monkeypatch)
    if first is not None:
        cells = slice(first, first + grid[0] * grid[1])
        a, g = (v[:, cells].reshape(len(x), *grid, -1) for v in (a, g))
    maps = np.einsum("bhwk,bk->bhw", a, g.mean((1, 2)))
    assert_allclose(e.scores[:, 0], scores[:, 3], rtol=1e-4, atol=1e-4 * np.abs(scores).max())
    assert_allclose(e.maps[:, 0], maps, rtol=1e-4, atol=1e-4 * np.abs(maps).max())
    assert np.ptp(maps, axis=(1, 2)).min() > 0
    height, width, _ = inspection.input_shape
    for path, answer in explainer.explain_layers(x, [3], layers=inspection.candidates).items():
        h, w = answer.maps.shape[2:]
        assert np.isfinite(answer.maps).all(), path
        assert abs(h * width - w * height) <= max(width, height), path
    begin = explainer.explain(x, [3], method=None)
    assert begin.method == inspection.recommended_method
    assert np.ptp(begin.maps, axis=(2, 3)).min() > 0
    table[name] = row(name, inspection)


def backbone(pooling=None, name="backbone", side=models.SIDE):
    x = image = keras.Input((side, side, 3))
    x = layers.Conv2D(5, 3, activation="relu", name="late")(x)
    return keras.Model(image, layers.GlobalAveragePooling2D()(x) if pooling else x, name=name)


def nested_without_pooling():
    head = [layers.GlobalAveragePooling2D(), layers.Dense(4, activation="softmax")]
    return keras.Sequential([keras.Input((12, 12, 3)), backbone(), *head], name="outer")


def functional_around():
    image = keras.Input((12, 12, 3))
    x = backbone("avg")(layers.Rescaling(2.0)(image))
    return keras.Model(image, layers.Dense(4, activation="softmax")(x))


def two_levels():
    image = keras.Input((12, 12, 3))
    middle = keras.Model(image, layers.Dropout(0.5)(backbone(name="inner")(image)), name="middle")
    head = [layers.GlobalAveragePooling2D(), layers.Dense(4, activation="softmax")]
    return keras.Sequential([keras.Input((12, 12, 3)), middle, *head])


class Twice(keras.Model):
    """Sees the image and its mirror with one backbone."""

    def __init__(self):
        super().__init__(name="twice")
        self.body = backbone("avg")
        self.scores = layers.Dense(4, name="scores")

    def call(self, x):
        return self.scores(self.body(x) - self.body(x[:, :, ::-1]) * 0.5)


def calls_twice():
    model = Twice()
    model(np.zeros((1, 12, 12, 3), np.float32))
    return model


def operations():
    image = keras.Input((12, 12, 3))
    x = keras.ops.relu(layers.Conv2D(5, 3, name="late")(image)) * 2.0 + 0.1
    x = layers.Lambda(lambda t: keras.ops.square(t), output_shape=(10, 10, 5))(x)
    return keras.Model(image, layers.Dense(4)(keras.ops.mean(x, (1, 2))))


def half():
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        return models.residual()
    finally:
        keras.mixed_precision.set_global_policy("float32")


def saved_and_loaded():
    path = Path(os.environ["PYTEST_TMP"]) / "model.keras"
    models.residual().save(path)
    return keras.saving.load_model(path)


def free_size():
    image = keras.Input((None, None, 3))
    x = layers.Conv2D(5, 3, activation="relu", name="late")(image)
    return keras.Model(image, layers.Dense(4, activation="softmax")(layers.GlobalAveragePooling2D()(x)))


def one_channel():
    image = keras.Input((12, 12, 3))
    x = layers.Conv2D(1, 3, activation="relu", name="late", bias_initializer="ones")(image)
    return keras.Model(image, layers.Dense(4, activation="softmax")(layers.GlobalAveragePooling2D()(x)))


OWN = {
    "Sequential around a backbone with pooling": (models.nested, "backbone/late"),
    "Sequential around a backbone without pooling": (nested_without_pooling, "backbone/late"),
    "Functional around a backbone": (functional_around, "backbone/late"),
    "backbone two levels deep": (two_levels, "middle/inner/late"),
    "subclassed": (models.subclassed, "late"),
    "subclassed, calls its backbone twice": (calls_twice, "backbone/late#2"),
    "keras.ops and Lambda inside": (operations, "relu"),
    "mixed_float16": (half, "after_add"),
    "saved to .keras and loaded": (saved_and_loaded, "after_add"),
    "sigmoid, several labels": (lambda: models.pooled("sigmoid"), "late"),
    "one sigmoid unit": (models.single_unit, "late"),
    "two outputs, one chosen": (models.two_outputs, "late"),
    "gray, not square": (models.gray, "late"),
    "any input size": (free_size, "late"),
    "one channel": (one_channel, "late"),
    "tokens with a class token": (lambda: models.tokens(True), "joined"),
    "tokens without a class token": (lambda: models.tokens(False), "grid"),
    "no layer with a map": (models.flat, None),
}


@pytest.mark.parametrize("name", OWN)
def test_own(name, table, tmp_path, monkeypatch):
    """The gradient at the layer is that of the whole model: a step along it changes the score as promised."""
    monkeypatch.setenv("PYTEST_TMP", str(tmp_path))
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    make, expected = OWN[name]
    model = make()
    explainer = Explainer(model, preprocess=None, output="size" if name.startswith("two outputs") else None)
    inspection = explainer.inspection
    assert inspection.recommended == expected
    x = noise(inspection.input_shape if name != "any input size" else (12, 12, 3), 3)
    method = "gradcam" if expected else "gradients"
    e = explainer.explain(x, [0, 1], method=method)
    assert np.isfinite(e.maps).all()
    assert np.abs(e.maps).max() > 0
    if name != "mixed_float16":
        _, probe = next(explainer.ask(x, [1], method="gradients").probes())
        g = probe.input_gradient(np.eye(inspection.classes, dtype=np.float32)[[1] * len(x)])
        step = np.random.default_rng(2).normal(0, 1e-3, x.shape).astype(np.float32)
        change = explainer.predict(x + step)[0][:, 1] - explainer.predict(x - step)[0][:, 1]
        assert_allclose(change, 2 * (g * step).sum((1, 2, 3)), rtol=0.05, atol=2e-5)
    assert_frozen_is_the_same(explainer, x, e, 2e-2 if name == "mixed_float16" else 1e-4)
    table[name] = row(name, explainer.inspection)
