"""Segmenters, detectors, regressions, models of bands and of several inputs: each row of their table is run."""

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose

from tests import other_models
from tools import models_page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page():
    return models_page.read_others()


def test_the_page_tells_of_these_models(page):
    assert list(page) == list(other_models.OTHERS)


@pytest.mark.parametrize("name", other_models.OTHERS)
def test_a_map_says_how_keras_answers_change(name, page):
    """A small step of the image along any direction changes Keras's score as the map of gradients says."""
    model, explainer = other_models.OTHERS[name], other_models.explainer_of(name)
    inputs = model.inputs(2)
    has_places = explainer.prepare(explainer.inspection.input_shape).graph.output is not None
    region = {"region": "whole"} if has_places else {}
    e = explainer.explain(inputs, [0], method="gradients", channels="each", **region)
    image = np.asarray(inputs["image"] if isinstance(inputs, dict) else inputs, np.float64)
    scale = image.max() * 1e-4
    step = np.random.default_rng(1).normal(0, scale, image.shape)

    def score(x):
        x = x.astype(np.float32)
        fed = {**inputs, "image": x} if isinstance(inputs, dict) else x
        return model.score(keras.tree.map_structure(np.asarray, explainer.model(fed, training=False))).astype(
            np.float64
        )

    assert_allclose(e.scores[:, 0], score(image), rtol=1e-4, atol=1e-4)
    change = (np.moveaxis(e.maps.astype(np.float64), 1, -1) * step).sum((1, 2, 3))
    size = np.sqrt((np.moveaxis(e.maps.astype(np.float64), 1, -1) ** 2).sum((1, 2, 3))) * scale
    assert_allclose(score(image + step) - score(image - step), 2 * change, atol=0.3 * size.max())
    begin = explainer.explain(inputs, [0], method=None, **region)
    assert begin.method == explainer.inspection.recommended_method
    assert np.ptp(begin.maps, axis=(2, 3)).min() > 0
    assert page[name] == models_page.row_of(name, explainer)
