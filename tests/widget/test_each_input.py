"""A widget of a model of two pictures: a column for each, with its own picture, map and evidence."""

import io

import keras
import numpy as np
import pytest
from keras import layers
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

import kx_widget as kx
from tests import models
from tests.widget.test_evidence import measure
from tests.widget.test_painting import paint

RNG = np.random.default_rng(0)
LEFT, RIGHT = RNG.integers(0, 256, (2, 3, 24, 24, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def siamese():
    keras.utils.set_random_seed(0)
    tower = models.tower(24)
    left, right = keras.Input((24, 24, 3), name="left"), keras.Input((24, 24, 3), name="right")
    z = layers.Concatenate()([tower(layers.Rescaling(1 / 255)(left)), tower(layers.Rescaling(1 / 255)(right))])
    return keras.Model([left, right], layers.Dense(3, name="kind")(z))


@pytest.fixture
def widget(siamese, browser):
    settings = {"explain_input": "each", "class_names": ["a", "b", "c"]}
    with kx.KxWidget(siamese, (LEFT, RIGHT), layer="tower/conv", **settings) as widget:
        browser.open(widget)
        browser.wait(widget)
        yield widget


def running(browser):
    return [message for message in browser.messages if message["kind"] == "running"][-1]


def test_a_column_of_each_input_has_its_picture_and_its_map(siamese, widget, browser):
    assert [column["input"] for column in running(browser)["columns"]] == ["left", "right"]
    for i, record in enumerate(widget._images):
        assert_array_equal(np.asarray(Image.open(io.BytesIO(record["data"]))), LEFT[i])
        assert list(record["inputs"]) == ["right"]
        assert_array_equal(np.asarray(Image.open(io.BytesIO(record["inputs"]["right"]["data"]))), RIGHT[i])
    for number, name in enumerate(("left", "right")):
        alone = kx.Explainer(siamese, explain_input=name, class_names=["a", "b", "c"])
        e = alone.explain((LEFT, RIGHT), "top", layer="tower/conv")
        assert_array_equal(widget.results[number].maps, e.maps)
        for image in range(3):
            assert_array_equal(browser.maps[image, number][1], e.maps[image, 0])


def test_other_questions_are_asked_of_each(siamese, widget, browser):
    widget.target = "b"
    widget.wait()
    widget.method = "gradient_x_input"
    browser.wait(widget)
    expected = kx.Explainer(siamese, explain_input="right", class_names=["a", "b", "c"]).explain(
        (LEFT, RIGHT), "b", method="gradient_x_input"
    )
    assert_array_equal(widget.results[1].maps, expected.maps)
    widget.compare = "targets"
    browser.wait(widget)
    assert [column["input"] for column in running(browser)["columns"]] == ["left"] * 3 + ["right"] * 3


def test_evidence_is_that_of_its_own_input(siamese, widget, browser):
    found = measure(widget, browser, [0], cover="black")
    for column, name in enumerate(("left", "right")):
        alone = kx.Explainer(siamese, explain_input=name, class_names=["a", "b", "c"])
        e = alone.explain((LEFT, RIGHT), "top", layer="tower/conv")
        expected = alone.evaluate(e, "deletion", images=(LEFT, RIGHT), cover="black").curves["deletion"][0, 0]
        assert_allclose(found[0, column]["curves"]["deletion"], expected, rtol=1e-3, atol=1e-5)


def test_paint_covers_the_picture_of_its_column(siamese, widget, browser):
    mask = np.zeros((24, 24), bool)
    mask[:12] = True
    (message, _) = paint(widget, browser, mask, column=1, cover="black")
    alone = kx.Explainer(siamese, explain_input="right", class_names=["a", "b", "c"])
    after = alone.what_if((LEFT, RIGHT), mask[None], cover="black")[1][0, 0]
    for told in message["classes"]:
        assert_allclose(told["after"], after[told["index"]], atol=1e-5)
