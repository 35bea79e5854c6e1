"""A widget on a model that is sure of what it says, and pictures of noise: fixtures of tests about evidence."""

import keras
import numpy as np
import pytest

import kx_widget as kx
from tests import models
from tests.engine.test_metric_laws import decisive
from tests.widget.page import rest

NAMES = ["cat", "dog", "cup", "sky"]


def ready(pixels):
    """Pixels as the model takes them."""
    return np.asarray(pixels, np.float32) / 127.5 - 1


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(3).integers(0, 256, (3, models.SIDE, models.SIDE, 3), np.uint8)


@pytest.fixture
def explainer():
    keras.utils.set_random_seed(0)
    return kx.Explainer(decisive(), preprocess=ready, class_names=NAMES)


@pytest.fixture
def widget(browser, explainer, pictures):
    """Open, answered, and with nothing left to measure."""
    w = browser.open(kx.KxWidget(explainer, pictures))
    browser.wait(w)
    rest(w)
    yield w
    w.close()
