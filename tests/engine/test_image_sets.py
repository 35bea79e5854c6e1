"""Images that are a parameter of a question: any kind is read, and a text stands for them."""

import json
import pickle

import keras
import numpy as np
import pytest
from keras import layers
from numpy.testing import assert_array_equal
from PIL import Image

from kx_widget.engine.errors import ParameterError
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.explanation import Explanation
from tests import cases, models

ASKED = {"method": "expected_gradients", "draws": 6}


@pytest.fixture(scope="module")
def explainer():
    return Explainer(models.residual())


def pictures(n=3, side=models.SIDE):
    return np.random.default_rng(5).integers(0, 256, (n, side, side, 3), np.uint8)


def test_every_kind_of_images_is_read_as_those_explained_are(explainer, tmp_path):
    x, pixels = cases.photos(), pictures()
    for i, array in enumerate(pixels):
        Image.fromarray(array).save(tmp_path / f"{i}.png")
    e = explainer.explain(x, [1], **ASKED, background=pixels)
    for same in (list(pixels), sorted(tmp_path.iterdir()), tmp_path, [Image.fromarray(array) for array in pixels]):
        assert_array_equal(explainer.explain(x, [1], **ASKED, background=same).maps, e.maps)
    assert np.abs(explainer.explain(x, [1], **ASKED, background=pixels[:2]).maps - e.maps).max() > 0
    assert np.abs(explainer.explain(x, [1], **ASKED).maps - e.maps).max() > 0


def test_a_text_stands_for_them_while_the_explainer_knows_it(explainer, tmp_path):
    x, pixels = cases.photos(), pictures()
    e = explainer.explain(x, [1], **ASKED, background=pixels)
    text = json.loads(json.dumps(e.params["background"]))
    assert text.startswith("3 images ")
    assert_array_equal(explainer.explain(x, [1], **ASKED, background=text).maps, e.maps)
    assert pickle.loads(pickle.dumps(e.params["background"])) == text
    e.save(tmp_path / "maps.npz")
    loaded = Explanation.load(tmp_path / "maps.npz")
    assert loaded.params["background"] == text
    with pytest.raises(
        ParameterError, match=f"{text}' stands for images that were not kept .* pass these images again"
    ):
        Explainer(explainer.model).explain(x, [1], method=loaded.method, **loaded.params)
    # Metrics that ask the method again take them from the answer.
    assert np.isfinite(explainer.evaluate(e, ["max_sensitivity"]).scores["max_sensitivity"]).all()


def test_they_are_of_the_size_of_each_question():
    """Of a model of free size images decide; what a text stands for is read anew for others."""
    image = keras.Input((None, None, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, activation="relu")(image))
    explainer = Explainer(keras.Model(image, layers.Dense(2)(x)), preprocess=None)
    large, small = (np.float32(pictures(2, side)) for side in (20, 14))
    e = explainer.explain(large, [1], **ASKED, background=small)
    assert e.params["background"].batch.shape == (2, 20, 20, 3)
    again = explainer.explain(small, [1], **ASKED, background=e.params["background"])
    assert_array_equal(again.params["background"].batch, small)


@pytest.mark.parametrize("background", [3, "nowhere/", [], np.zeros((2, 12, 12, 7), np.float32)])
def test_what_is_no_image_is_refused(explainer, background):
    with pytest.raises(ParameterError, match="Expected gradients: background: "):
        explainer.explain(cases.photos(), [1], **ASKED, background=background)
