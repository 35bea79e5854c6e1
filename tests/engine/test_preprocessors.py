"""Preprocessors that hang on a model: what they make of an image, and which region of it the model gets.

The oracle is keras-hub's converter in a `tf.data` pipeline, as its tasks have it.
"""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from numpy.testing import assert_allclose, assert_array_equal

import kx_widget as kx
from kx_widget.engine.images import load
from kx_widget.engine.preprocessing import Preprocessing
from tests import models

pytest.importorskip("keras_hub")

from tests import tasks
from tests.tasks import net, of_pipeline, photo

pytestmark = pytest.mark.slow


def loaded(preprocessor, images, shape=(32, 48, 3), **keywords):
    return load(images, shape, Preprocessing(net(preprocessor, shape), "auto"), **keywords)


FITS = ({"crop_to_aspect_ratio": True}, {"crop_to_aspect_ratio": False, "pad_to_aspect_ratio": True},
        {"crop_to_aspect_ratio": False})  # fmt: skip
NUMBERS = (
    {},
    {"scale": 1 / 255},
    {"offset": -100.0},
    {"scale": (0.1, 0.2, 0.3), "offset": (1.0, -2.0, 3.0)},
    {"scale": None, "mean": [0.4, 0.5, 0.6], "variance": [0.04, 0.05, 0.06]},
)


@pytest.mark.parametrize("fit", FITS, ids=["crop", "pad", "stretch"])
def test_every_setting_of_a_converter(fit):
    images = [photo(50, 40), photo(20, 90, 1)]
    ways = itertools.product(("bilinear", "nearest", "bicubic", "lanczos3"), (False, True))
    for (interpolation, antialias), numbers in zip(ways, itertools.cycle(NUMBERS)):
        if "mean" in numbers:
            numbers = {**numbers, "scale": 1 / 255}
        converter = tasks.converter((32, 48), interpolation=interpolation, antialias=antialias, **fit, **numbers)
        batch = loaded(converter, images).batch
        expected = [of_pipeline(converter, image) for image in images]
        assert_allclose(batch, np.stack(expected), rtol=1e-5, atol=1e-5, err_msg=str(converter.get_config()))


@pytest.mark.parametrize("fit", FITS, ids=["crop", "pad", "stretch"])
def test_the_box_lies_on_the_original_to_a_pixel(fit):
    """A bright square at a known place is where the box says that it is, seen by its centre of mass."""
    rng, worst = np.random.default_rng(0), 0.0
    for _ in range(40):
        size = tuple(int(v) for v in rng.integers(24, 120, 2))
        h, w = (int(v) for v in rng.integers(90, 600, 2))
        converter = tasks.converter(size, antialias=True, **fit)
        side = int(rng.integers(max(8, min(h, w) // 8), min(h, w) // 4))
        # In the middle third, which no crop of less than 1 : 3 cuts off.
        top, left = (int(rng.integers(0, n // 20 + 1)) + (n - side) // 2 for n in (h, w))
        image = np.zeros((h, w, 3), np.uint8)
        image[top : top + side, left : left + side] = 250
        images = loaded(converter, [image], (*size, 3))
        mass = images.batch[0, ..., 0]
        (x0, y0, x1, y1), total = images.boxes[0], mass.sum()
        across = (mass.sum(0) @ (np.arange(size[1]) + 0.5)) / total / size[1]
        down = (mass.sum(1) @ (np.arange(size[0]) + 0.5)) / total / size[0]
        if max(mass[0].max(), mass[-1].max(), mass[:, 0].max(), mass[:, -1].max()) > 0:
            continue
        worst = max(worst, abs((x0 + across * (x1 - x0)) * w - (left + side / 2)))
        worst = max(worst, abs((y0 + down * (y1 - y0)) * h - (top + side / 2)))
    assert 0 < worst <= 1


@pytest.mark.parametrize("fit", FITS, ids=["crop", "pad", "stretch"])
def test_what_is_shown_is_what_the_model_sees(fit):
    for h, w in ((131, 77), (60, 201), (33, 48)):
        images = loaded(tasks.converter((32, 48), antialias=True, **fit), [photo(h, w)])
        assert images.previews[0].shape == (h, w, 3)
        assert np.abs(images.pixels[0] - images.batch[0]).mean() < 1.5


def test_black_is_what_the_preprocessor_makes_of_it():
    converter = tasks.converter((32, 48), **tasks.DEVIATIONS)
    black = loaded(converter, [photo(50, 40), photo(20, 90, 1)]).black
    assert_allclose(black, [tasks.DEVIATIONS["offset"]] * 2, rtol=1e-5)


def test_a_preprocessor_that_does_not_resize_comes_after_the_fit():
    image = np.full((40, 40, 3), 200, np.uint8)
    for preprocessor in (lambda x: x / 100 - 1, tasks.converter(None, scale=0.01, offset=-1.0)):
        images = loaded(preprocessor, image, fit="pad")
        assert_allclose(images.batch[0, 16, [0, 24]], [[-1] * 3, [1] * 3], atol=1e-6)
        assert images.boxes == ((-0.25, 0.0, 1.25, 1.0),)


def test_a_preprocessor_of_unknown_geometry():
    explainer = kx.Explainer(net(lambda x: tf.image.resize(x, (32, 48)) / 255, (None, None, 3)))
    image = photo(80, 90)
    assert_allclose(explainer.load(image).batch[0], tf.image.resize(np.float32(image), (32, 48)) / 255, atol=1e-6)
    explainer.predict(image)
    assert explainer.preprocessing == (
        "preprocess: the model's own <lambda>, which resizes: how is not known, and taken as stretching"
    )
    maps = explainer.explain([image, photo(50, 40)]).maps
    assert maps.shape[0] == 2


@pytest.mark.parametrize(
    "wrap",
    [
        lambda x: {"images": x, "size": 3},
        lambda x: {"whatever": x},
        lambda x: (x, None, None),
        lambda x: ({"pixel_values": x}, 1),
        lambda x: x[0],
    ],
)
def test_the_image_is_found_in_what_is_returned(wrap):
    image = photo(32, 48)
    assert_allclose(loaded(lambda x: wrap(x / 2), image).batch[0], image / 2)


def _raising(x):
    raise RuntimeError("no tables")


@pytest.mark.parametrize(
    ("preprocessor", "said"),
    [
        (_raising, r"The model's own _raising raised RuntimeError: no tables"),
        (tasks.converter((20, 20)), r"makes images of 20 × 20 × 3, where the model takes 32 × 48 × 3: set "
         r"model.preprocessor.image_size = \(32, 48\)"),
        (lambda x: x[..., :1], r"makes images of 32 × 48 × 1, where"),
        (lambda x: x * np.nan, r"returned values that are NaN or infinite"),
        (lambda x: {"a": x, "b": x}, r"returned a dict with 'a', 'b'; the image is looked for under 'images'"),
        (lambda x: "text", r"The model's own <lambda> raised ValueError: "),
    ],
)  # fmt: skip
def test_a_bad_preprocessor_is_named(preprocessor, said):
    with pytest.raises(kx.ImageError, match=said):
        loaded(preprocessor, photo(50, 40))


def test_a_fit_that_contradicts_is_refused():
    crops = tasks.converter((32, 48))
    with pytest.raises(kx.ImageError, match=r"fit=.pad. contradicts the model.s own ImageConverter, which crops"):
        loaded(crops, photo(50, 40), fit="pad")
    assert loaded(crops, photo(50, 40), fit="crop").boxes == loaded(crops, photo(50, 40)).boxes


class Inside(keras.Model):
    """Calls its preprocessor itself."""

    def __init__(self, preprocessor):
        super().__init__()
        self.preprocessor = preprocessor
        self.body = layers.Dense(3)
        self.pool = layers.GlobalAveragePooling2D()

    def _prepared(self, x):
        return self.preprocessor(x)

    def call(self, x):
        return self.body(self.pool(self._prepared(x)))


class InsideDirectly(Inside):
    def call(self, x):
        return self.body(self.pool(self.preprocessor(x)))


@pytest.mark.parametrize("make", [lambda: Inside(layers.Rescaling(1 / 255)), lambda: InsideDirectly(lambda x: x / 255)])
def test_a_preprocessor_within_the_model_is_left_to_it(make):
    model = make()
    images = photo(32, 48)[None].astype(np.float32)
    expected = model(images).numpy()
    explainer = kx.Explainer(model)
    assert_allclose(explainer.predict(images.astype(np.uint8))[0], expected, rtol=1e-4, atol=1e-6)
    assert "own" not in explainer.preprocessing


def test_nothing_of_the_users_is_written_to():
    def greedy(x):
        x = np.asarray(x)
        x.flags.writeable = True
        x /= 3
        return x

    for image in (photo(32, 48), photo(32, 48).astype(np.float32)):
        before = image.copy()
        assert_allclose(loaded(greedy, image[None]).batch[0], before / 3, rtol=1e-6)
        assert_array_equal(image, before)


def test_models_without_anything_of_the_kind_are_as_before():
    assert Preprocessing(models.pooled(), "auto").own is None
