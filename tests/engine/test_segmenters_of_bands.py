"""Segmenters of four bands of 12 bits that take a second input: regions, bands and inputs together."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from numpy.testing import assert_allclose, assert_array_equal

import kx_widget as kx

SHAPE, CLASSES, N = (12, 10, 4), 3, 4
# Columns, then rows: left, top, right, bottom.
BOX, IN_BOX = (2, 3, 8, 9), np.s_[:, 3:9, 2:8]
TAKES = {"value_range": (0, 4095), "rgb": (3, 2, 1), "preprocess": None}


def rng(seed=0):
    return np.random.default_rng(seed)


def data():
    return {"image": rng().integers(0, 4096, (N, *SHAPE)).astype("u2"), "age": rng(1).normal(size=N).astype("f4")}


def inputs():
    return keras.Input(SHAPE, name="image"), keras.Input((1,), name="age")


@pytest.fixture(scope="module")
def linear():
    """Σ_k w_k x_k + v age at each place."""
    image, age = inputs()
    planes, shift = layers.Conv2D(CLASSES, 1, use_bias=False), layers.Dense(CLASSES, use_bias=False)
    y = layers.Add()([planes(image), layers.Reshape((1, 1, CLASSES))(shift(age))])
    model = keras.Model({"image": image, "age": age}, y)
    w, v = rng(2).normal(0, 1e-3, (4, CLASSES)).astype("f4"), rng(3).normal(size=CLASSES).astype("f4")
    planes.set_weights([w[None, None]])
    shift.set_weights([v[None]])
    return kx.Explainer(model, **TAKES), w, v


def by_hand(w, v):
    """The output of the linear model (N, 12, 10, C)."""
    return data()["image"].astype("f4") @ w + (data()["age"][:, None] * v)[:, None, None]


@pytest.fixture(scope="module")
def deep():
    """The age gates channels before the last layer, and moves the classes after it."""
    keras.utils.set_random_seed(4)
    image, age = inputs()
    x = layers.Conv2D(4, 3, activation="relu", padding="same")(layers.Rescaling(1 / 4095)(image))
    x = x * layers.Reshape((1, 1, 4))(layers.Dense(4, activation="sigmoid")(age))
    x = layers.Conv2D(6, 3, 2, activation="relu", padding="same", name="last")(x)
    y = layers.Conv2D(CLASSES, 1)(layers.UpSampling2D()(x))
    y = y + layers.Reshape((1, 1, CLASSES))(layers.Dense(CLASSES)(age))
    return keras.Model({"image": image, "age": age}, layers.Softmax()(y), name="deep")


class TestClosedForm:
    def test_bands_in_a_box(self, linear):
        explainer, w, v = linear
        x = data()["image"].astype("f4")
        e = explainer.explain(
            data(), 1, region=kx.region(box=BOX), method="integrated_gradients", channels="each", baseline="black"
        )
        want = np.zeros((N, *SHAPE), np.float32)
        want[IN_BOX] = x[IN_BOX] * w[:, 1] / 36
        assert_allclose(e.maps, np.moveaxis(want, -1, 1), atol=1e-5)
        assert_allclose(e.scores, np.repeat(by_hand(w, v)[IN_BOX][..., 1].mean((1, 2))[:, None], 4, 1), atol=1e-4)

    def test_where_a_class_wins(self, linear):
        """Who wins goes by the age, too."""
        explainer, w, v = linear
        y = by_hand(w, v)
        wins = y.argmax(-1)[..., None] == np.arange(CLASSES)
        shares, _ = explainer.predict(data())
        assert_allclose(shares, wins.mean((1, 2)), atol=1e-6)
        older = {**data(), "age": data()["age"] + 3}
        assert_allclose(
            explainer.predict(older)[0],
            ((y + 3 * v).argmax(-1)[..., None] == np.arange(CLASSES)).mean((1, 2)),
            atol=1e-6,
        )
        number = int(wins.sum((0, 1, 2)).argmax())
        e = explainer.explain(data(), number, method="gradients", channels="each")
        count = wins[..., number].sum((1, 2))
        there = count > 0
        want = (wins[..., number] / np.maximum(count, 1)[:, None, None])[:, None] * w[:, number, None, None]
        assert_allclose(e.maps[there], want[there], atol=1e-7)

    def test_covered_in_part(self, linear):
        explainer, w, v = linear
        part = np.zeros((1, *SHAPE[:2]), bool)
        part[0, 4:7, 2:5] = True
        scores, _ = explainer.what_if(data(), part, "black", region=kx.region(box=BOX))
        covered = np.where(part[0, ..., None], 0, data()["image"]).astype("f4") @ w
        want = covered[IN_BOX].mean((1, 2)) + data()["age"][:, None] * v
        assert_allclose(scores[:, 0], want, atol=1e-4)

    def test_a_number_of_ones_own(self, linear):
        explainer, w, v = linear
        gap = kx.Target(lambda y: keras.ops.mean(y[..., 0] - y[..., 2], (1, 2)), "gap")
        e = explainer.explain(data(), gap, method="gradients", channels="each")
        y = by_hand(w, v)
        assert_allclose(e.scores[:, 0], (y[..., 0] - y[..., 2]).mean((1, 2)), atol=1e-4)
        want = np.broadcast_to(((w[:, 0] - w[:, 2]) / 120)[:, None, None], (N, 4, *SHAPE[:2]))
        assert_allclose(e.maps, want, atol=1e-8)


class TestByKeras:
    @pytest.mark.parametrize("method", ["gradcam", "hirescam"])
    @pytest.mark.parametrize("region", [None, "whole", kx.region(box=BOX)])
    def test_maps_are_those_of_a_tape(self, deep, method, region):
        takes = {"image": data()["image"].astype("f4"), "age": data()["age"][:, None]}
        upper = keras.Model(deep.inputs, [deep.get_layer("last").output, deep.layers[-1].input, deep.output])
        with tf.GradientTape() as tape:
            a, y, probable = upper([takes[tensor.name] for tensor in deep.inputs])
            masks = np.zeros(y.shape[:3], np.float32)
            if region is None:
                masks = (y.numpy().argmax(-1) == 1).astype("f4")
            elif region == "whole":
                masks += 1
            else:
                masks[IN_BOX] = 1
            counts = np.maximum(masks.sum((1, 2)), 1)
            score = tf.reduce_sum(y[..., 1] * masks, (1, 2)) / counts
        a, g = a.numpy(), tape.gradient(score, a).numpy()
        g = g.mean((1, 2), keepdims=True) if method == "gradcam" else g
        e = kx.Explainer(deep, **TAKES).explain(data(), 1, method=method, layer="last", region=region)
        there = masks.any((1, 2))
        assert there.any()
        assert_array_equal(np.isfinite(e.scores[:, 0]), there)
        assert_allclose(e.scores[there, 0], score.numpy()[there], atol=1e-5)
        assert_allclose(e.maps[there, 0], (a * g).sum(-1)[there], rtol=1e-3, atol=1e-7)
        mean = (probable.numpy()[..., 1] * masks).sum((1, 2)) / counts
        assert_allclose(e.probabilities[there, 0], mean[there], atol=1e-5)

    @pytest.mark.parametrize("method", ["gradcam", "ablationcam", "scorecam", "rise", "occlusion", "gradients"])
    def test_each_image_with_its_own(self, deep, method):
        settings = {"masks": 30} if method == "rise" else {}
        explainer, alone = kx.Explainer(deep, **TAKES), kx.Explainer(deep, **TAKES)
        together = explainer.explain(data(), "top", method=method, **settings)
        one = {name: values[2:3] for name, values in data().items()}
        want = alone.explain(one, "top", method=method, **settings)
        assert np.ptp(want.maps) > 0
        assert_allclose(together.maps[2], want.maps[0], rtol=1e-4, atol=1e-5 * np.abs(want.maps).max())
        before = explainer.counts
        explainer.explain(data(), "top", method=method, **settings)
        assert {key: explainer.counts[key] for key in ("predict", "trunk")} == {
            key: before[key] for key in ("predict", "trunk")
        }

    def test_a_data_set_and_evidence(self, deep):
        explainer, region = kx.Explainer(deep, **TAKES), kx.region(box=BOX)
        want = explainer.explain(data(), 1, region=region)
        rows = [{name: values[i] for name, values in data().items()} for i in range(N)]
        run = list(explainer.explain_dataset(rows, 1, region=region, batch_size=3))
        assert_allclose(np.concatenate([e.maps for e in run]), want.maps, rtol=1e-4, atol=1e-7)
        v = explainer.evaluate(want, ["srg", "random_logit"], images=data(), steps=4, controls=0)
        assert np.isfinite(v.scores["random_logit"]).all()
        y = deep.predict({"image": data()["image"].astype("f4"), "age": data()["age"]}, verbose=0)
        assert_allclose(want.probabilities[:, 0], y[IN_BOX][..., 1].mean((1, 2)), atol=1e-5)
