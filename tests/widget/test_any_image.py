"""The widget on images of four bands and 16 bits, and on models that take more than an image."""

import base64
import io

import keras
import numpy as np
import pytest
from keras import layers
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

import kx_widget as kx
from tests.widget.page import until

SHAPE = (12, 10, 4)


def photos():
    images = np.random.default_rng(0).integers(0, 4096, (3, *SHAPE)).astype(np.uint16)
    images[:, 0, 0] = 4095
    return images


@pytest.fixture(scope="module")
def explainer():
    keras.utils.set_random_seed(0)
    image, age = keras.Input(SHAPE, name="image"), keras.Input((1,), name="age")
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="last")(layers.Rescaling(1 / 255)(image))
    x = layers.Concatenate()([layers.GlobalAveragePooling2D()(x), age])
    model = keras.Model({"image": image, "age": age}, layers.Dense(3)(x))
    return kx.Explainer(model, rgb=(3, 2, 1), value_range=(0, 4095))


@pytest.fixture
def images():
    return {"image": photos(), "age": np.array([1.0, 2.0, 3.0])}


@pytest.fixture
def widget(explainer, images, browser):
    widget = browser.open(kx.KxWidget(explainer, images, method="gradcam"))
    browser.wait(widget)
    yield widget
    widget.close()


def test_it_opens(widget, browser, explainer, images):
    assert_array_equal(widget.result.maps, explainer.explain(images).maps)
    assert len(browser.maps) == 3


def test_the_bands_that_were_chosen_are_shown(widget):
    for i, record in enumerate(widget._images):
        data = record["data"]
        data = data if isinstance(data, bytes) else base64.b64decode(data)
        want = photos()[i][..., [3, 2, 1]] * (255 / 4095)
        assert_allclose(np.asarray(Image.open(io.BytesIO(data))), want, atol=0.51)


def test_depth_and_bands_are_among_the_facts(widget, browser):
    welcome = next(m for m in browser.messages if m["kind"] == "welcome")
    said = welcome["inspection"]["preprocessing"]
    assert "0 is taken as black and 4095 as white" in said
    assert "bands 3, 2, 1 of 4 are shown as red, green and blue" in said


def test_each_band_is_a_column(widget, browser, explainer, images):
    widget.method, widget.params = "integrated_gradients", {"channels": "each"}
    e = browser.wait(widget)
    assert_array_equal(e.maps, explainer.explain(images, method="integrated_gradients", channels="each").maps)
    assert sorted({column for _, column in browser.maps}) == [0, 1, 2, 3]
    for (image, column), (item, values) in browser.maps.items():
        assert item["target_name"] == e.target_names[image][column]
        assert item["target_name"].endswith(f" · band {column}")
        assert_allclose(values, e.maps[image, column], atol=np.ptp(e.maps[image, column]) / 131000)


def test_bands_of_several_classes_and_back(widget, browser, explainer, images):
    widget.method, widget.params = "gradients", {"channels": "each"}
    widget.compare, widget.compare_with = "targets", [0, 2]
    want = explainer.explain(images, [0, 2], method="gradients", channels="each")
    assert_array_equal(browser.wait(widget).maps, want.maps)
    widget.compare_with = [2, 0]
    assert_array_equal(browser.wait(widget).maps, np.roll(want.maps, 4, axis=1))
    widget.compare, widget.target, widget.params = "none", 2, {"channels": "sum"}
    assert_array_equal(browser.wait(widget).maps, explainer.explain(images, 2, method="gradients", channels="sum").maps)


def test_a_part_at_full_resolution(widget, browser, images):
    browser.say(widget, "enlarge", id="v", image=1, box=[2, 3, 8, 9], longest=500, gen=1, column=0)
    until(lambda: browser.crops)
    content, data = browser.crops[-1]
    assert content["problem"] == ""
    want = images["image"][1, 3:9, 2:8][..., [3, 2, 1]] * (255 / 4095)
    assert_allclose(np.asarray(Image.open(io.BytesIO(data))), want, atol=0.51)


def test_layers_at_a_glance_and_a_page(widget, browser, tmp_path):
    browser.say(widget, "want", gen=browser.gen, image=0, column=0, have="")
    until(lambda: "last" in browser.thumbnails)
    assert np.ptp(browser.thumbnails["last"]) > 0
    widget.save(tmp_path / "view.html")
    assert (tmp_path / "view.html").stat().st_size > 10_000
    widget.save(tmp_path / "maps.npz")
    assert kx.Explanation.load(tmp_path / "maps.npz").images.shape == (3, 12, 10, 3)


@pytest.mark.parametrize("with_model", [False, True])
def test_a_store_of_files_of_bands(browser, tmp_path, with_model):
    model = keras.Sequential(
        [keras.Input(SHAPE), layers.Rescaling(1 / 255), layers.Conv2D(3, 3), layers.GlobalAveragePooling2D()]
    )
    for i, image in enumerate(photos()):
        np.save(tmp_path / f"{i}.npy", image)
    explainer = kx.Explainer(model, rgb=(3, 2, 1))
    store = explainer.explain_to(tmp_path / "store", [str(tmp_path / f"{i}.npy") for i in range(3)], ["top", 0])
    widget = browser.open(kx.KxWidget.from_store(store, model if with_model else None))
    e = browser.wait(widget)
    want = explainer.explain(photos(), ["top", 0])
    assert_allclose(e.maps[0, 0], want.maps[0, 0], atol=1e-6)
    assert_array_equal(e.images, want.images[:1])
    if with_model:
        widget.method, widget.params = "gradients", {"channels": "each"}
        e = browser.wait(widget)
        assert_allclose(e.maps, explainer.explain(photos()[:1], method="gradients", channels="each").maps, atol=1e-7)
    widget.close()
