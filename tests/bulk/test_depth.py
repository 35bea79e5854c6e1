"""A store remembers how many bits its images use: one of them alone might look like fewer."""

import json

import keras
import numpy as np
import pyarrow.compute as pc
import pytest
from keras import layers
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

import kx_widget as kx
from kx_widget.bulk.shortcuts import explainer_of

SIDE = 8


@pytest.fixture(scope="module")
def net():
    keras.utils.set_random_seed(0)
    image = keras.Input((SIDE, SIDE, 1))
    x = layers.Conv2D(4, 3, activation="relu")(layers.Rescaling(1 / 255)(image))
    return keras.Model(image, layers.Dense(3)(layers.GlobalAveragePooling2D()(x)))


@pytest.fixture(scope="module")
def deep():
    """Three images of 12 bits (height, width); the last one is so dark that alone it looks like 8."""
    images = np.random.default_rng(0).integers(0, 4096, (3, SIDE, SIDE)).astype(np.uint16)
    images[0, 0, 0] = 4095
    images[2] //= 32
    return images


@pytest.fixture(scope="module")
def store(net, deep, tmp_path_factory):
    folder = tmp_path_factory.mktemp("deep")
    for i, image in enumerate(deep):
        Image.fromarray(image).save(folder / f"{i}.png")
    return kx.Explainer(net).explain_to(folder / "maps.parquet", folder, 0)


@pytest.fixture(scope="module")
def dark(store):
    """The path of the last image."""
    return store.rows([2], ["id"])[0]["id"]


def test_what_is_shown_of_an_image_goes_by_the_bits_of_all(store, deep):
    assert (store.depth, kx.Store(store.path).depth) == (12, 12)
    want = (deep * (255 / 4095) + 0.5).astype(np.uint8)
    assert_array_equal(store.explanation_of(np.arange(3)[:, None]).images[..., 0], want)


def test_an_image_that_is_asked_anew_alone_is_what_it_was(store, net, deep, dark):
    scores = net.predict(deep[2:, ..., None] * np.float32(255 / 4095), verbose=0)
    assert not np.allclose(kx.Explainer(net).predict(dark)[0], scores, atol=1e-3), "alone it looks like another"
    assert_allclose(explainer_of(store, net).predict(dark)[0], scores, atol=1e-4)
    w = kx.KxWidget.from_store(store.path, net, where=pc.field("id") == dark)
    try:
        w.explainer.load(dark)
        assert "16-bit images taken as 12 bit (0..4095)" in w.explainer.preprocessing
        assert_allclose(w.explainer.predict(dark)[0], scores, atol=1e-4)
    finally:
        w.close()


def test_a_depth_that_no_camera_has_is_damage(tmp_path):
    (tmp_path / "_job.json").write_text("{}", encoding="utf-8")
    (tmp_path / "_done.json").write_text(json.dumps({"parts": 0, "depth": 13}), encoding="utf-8")
    with pytest.raises(kx.FormatError, match="depth is 13"):
        kx.Store(tmp_path)


def test_pictures_of_8_bits_say_nothing_of_depth(net, tmp_path):
    Image.fromarray(np.zeros((SIDE, SIDE), np.uint8)).save(tmp_path / "plain.png")
    plain = kx.Explainer(net).explain_to(tmp_path / "maps.parquet", tmp_path / "plain.png", 0)
    assert plain.depth == 0
    assert json.loads((tmp_path / "maps.parquet/_done.json").read_text(encoding="utf-8")) == {"parts": 1}
