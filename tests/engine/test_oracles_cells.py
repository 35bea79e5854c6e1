"""Methods that ask how a score depends on the cells of a grid: closed forms, loops, another library."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from numpy.testing import assert_allclose

from kx_widget.engine.explainer import Explainer
from kx_widget.engine.methods.hsic import dependence, gaussian, halves
from kx_widget.engine.methods.sobol import total_indices
from kx_widget.engine.sobol_sequence import flipped, sequence
from tests import cases, models
from tests.oracles.case import CELLS, DESIGNS, SIDE, answers_of, binary_masks, case, designs_of


@pytest.fixture(scope="module")
def told():
    return answers_of("xplique_cells")


def scores_of_cells(image, shown):
    """The score of the class of an image of the case, whose cells are shown so far (n, CELLS²) on black."""
    known = case()
    pixels = shown.reshape(-1, CELLS, CELLS).repeat(SIDE // CELLS, 1).repeat(SIDE // CELLS, 2)
    return known.logits(known.images[image] * pixels[..., None])[:, known.targets[image]]


@pytest.mark.oracle("hsic")
def test_hsic_equals_xplique_which_divides_by_the_masks_once(told):
    for image, expected in enumerate(told["hsic"]):
        masks = binary_masks(image)
        kernel = gaussian(scores_of_cells(image, masks), "score")
        assert_allclose(dependence(masks, kernel) * len(masks), expected, rtol=1e-4, atol=1e-4 * expected.max())


@pytest.mark.oracle("sobol")
def test_sobol_equals_xplique(told):
    for image, expected in enumerate(told["sobol"]):
        a, b = designs_of(image)
        scores = np.empty((DESIGNS, 1 + CELLS**2))
        scores[:, 0] = scores_of_cells(image, a)
        for cell in range(CELLS**2):
            changed = a.copy()
            changed[:, cell] = b[:, cell]
            scores[:, 1 + cell] = scores_of_cells(image, changed)
        assert_allclose(total_indices(scores[None])[0], expected, rtol=1e-4, atol=1e-4 * expected.max())


def bare_gray():
    model = models.gray()
    model.layers[-1].activation = keras.activations.linear
    return model


def covered(image, shown, cover):
    """An image (12, 24, 1), whose 3 × 3 cells of 4 × 8 pixels are shown so far (n, 9)."""
    pixels = shown.reshape(-1, 3, 3, 1).repeat(4, 1).repeat(8, 2)
    return (image * pixels + cover * (1 - pixels)).astype("f4")


def enlarged(cells):
    return tf.image.resize(np.reshape(cells, (1, 3, 3, 1)), (12, 24)).numpy()[0, ..., 0]


def close(found, expected):
    assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


@pytest.mark.oracle("hsic")
@pytest.mark.parametrize("width", ["distance", "score"])
def test_hsic_equals_its_formula_with_whole_matrices(width):
    """Also where the image is not square, with masks that are drawn for each image."""
    model, n = bare_gray(), 130
    x = cases.photos_for(model)
    asked = {"method": "hsic", "masks": n, "cells": 3, "seed": 4}
    explainer = Explainer(model)
    _, probe = next(explainer.ask(x, [2], **asked).probes())
    maps = explainer.explain(x, [2], **asked, width=width).maps[:, 0]
    center = np.eye(n) - 1 / n
    for i, image in enumerate(x):
        masks = halves(probe.rng(i), n, 9)
        scores = model(covered(image, masks, image.mean())).numpy()[:, 2]
        distance = np.abs(scores[:, None] - scores)
        sigma = (
            np.median(scores) if width == "score" else np.median([distance[j, k] for j in range(n) for k in range(j)])
        )
        kernel = np.exp(-(distance**2) / (2 * sigma**2))
        same = [np.float64(column[:, None] == column) for column in masks.T]
        close(maps[i], enlarged([np.trace(k @ center @ kernel @ center) / n**2 for k in same]))


def test_masks_show_a_cell_as_often_as_they_hide_it():
    masks = halves(np.random.default_rng(0), 120, 9)
    assert np.isin(masks, (0, 1)).all()
    assert (masks[:50].sum(0) == 25).all()
    assert (masks[50:100].sum(0) == 25).all()
    assert len(np.unique(masks, axis=1).T) == 9
    assert (halves(np.random.default_rng(0), 60, 9) == masks[:60]).all()


@pytest.mark.oracle("sobol")
def test_sobol_equals_a_loop_over_designs():
    model, n = bare_gray(), 6
    x = cases.photos_for(model)
    asked = {"method": "sobol", "designs": n, "cells": 3, "seed": 4, "baseline": "black"}
    explainer = Explainer(model)
    _, probe = next(explainer.ask(x, [2], **asked).probes())
    maps = explainer.explain(x, [2], **asked).maps[:, 0]
    for i, image in enumerate(x):
        points = flipped(sequence(n, 18), probe.rng(i))
        a, b = points[:, :9], points[:, 9:]
        scores = model(covered(image, a, -1)).numpy()[:, 2]
        indices = []
        for cell in range(9):
            changed = np.where(np.arange(9) == cell, b, a)
            changes = model(covered(image, changed, -1)).numpy()[:, 2] - scores
            indices.append((changes**2).sum() / (2 * n * scores.var(ddof=1)))
        close(maps[i], enlarged(indices))


def test_designs_fill_the_cube_evenly_for_each_image_in_its_own_way():
    """Of 64 points, one lies in each 64th of each axis, and 16 lie in each quarter of the first two."""
    points = [flipped(sequence(64, 20), np.random.default_rng(seed)) for seed in range(2)]
    assert np.abs(points[0] - points[1]).max() > 0.1
    for each in points:
        assert (np.sort(np.floor(each * 64), 0) == np.arange(64)[:, None]).all()
        quarters = np.floor(each[:, :2] * 2) @ [1, 2]
        assert (np.bincount(quarters.astype(int)) == 16).all()


@pytest.mark.oracle("sobol")
def test_sobol_indices_of_a_linear_model_are_the_squares_of_what_cells_add():
    image = keras.Input((6, 6, 3))
    model = keras.Model(image, layers.Dense(2)(layers.Flatten()(image)))
    x = cases.photos(2, (6, 6, 3))
    weights = model.layers[-1].kernel.numpy()[:, 1].reshape(6, 6, 3)
    added = (weights * (x + 1)).reshape(2, 3, 2, 3, 2, 3).sum((2, 4, 5)).reshape(2, 9)
    e = Explainer(model).explain(x, [1], method="sobol", designs=512, cells=3, baseline="black")
    # Where nothing is interpolated: at the outer corners.
    found = e.maps[:, 0][:, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert_allclose(found, (added**2 / (added**2).sum(1, keepdims=True))[:, [0, 2, 6, 8]], rtol=0.05, atol=0.01)


@pytest.fixture(scope="module")
def product():
    """S = the mean of the upper left quarter times that of the lower right one."""
    x = image = keras.Input((8, 8, 1))
    corners = [layers.Cropping2D(((a, 4 - a), (a, 4 - a)))(x) for a in (0, 4)]
    x = layers.Multiply()([layers.GlobalAveragePooling2D()(corner) for corner in corners])
    return Explainer(keras.Model(image, layers.Dense(2, kernel_initializer="ones")(x)), preprocess=None)


@pytest.mark.oracle("sobol")
def test_sobol_indices_count_what_two_cells_do_together(product):
    """Var(ab) = 1/9 − 1/16 for a and b between 0 and 1, of which a cell takes part in E(b²) Var(a) = 1/36."""
    e = product.explain(np.ones((1, 8, 8, 1), "f4"), [0], method="sobol", designs=1024, cells=2, baseline="black")
    assert_allclose(e.maps[0, 0][[0, 0, -1, -1], [0, -1, 0, -1]], [4 / 7, 0, 0, 4 / 7], atol=0.01)


@pytest.mark.oracle("hsic")
def test_hsic_of_the_only_cell_that_counts_is_known_on_paper(product):
    """Scores are 0 or 1 in halves, of which the median distance is 1, so that L is 1 or exp(−1/2)."""
    only = keras.Model(product.model.input, layers.Lambda(lambda t: t[:, 0, 0])(product.model.input))
    e = Explainer(only, preprocess=None).explain(
        np.ones((1, 8, 8, 1), "f4"), [0], method="hsic", masks=2000, cells=2, baseline="black"
    )
    assert_allclose(e.maps[0, 0][[0, 0, -1, -1], [0, -1, 0, -1]], [(1 - np.exp(-0.5)) / 4, 0, 0, 0], atol=1e-4)


def test_a_bias_changes_neither(product):
    """The kernel's width goes by distances, the variance by the mean; xplique's median of scores would change."""
    x = np.random.default_rng(0).random((1, 8, 8, 1)).astype("f4")
    asked = [{"method": "hsic", "masks": 100, "cells": 2}, {"method": "sobol", "designs": 8, "cells": 2}]
    before = [product.explain(x, [0], **each).maps for each in asked]
    model = keras.models.clone_model(product.model)
    model.layers[-1].set_weights([np.ones((1, 2)), np.full(2, 3.0)])
    raised = Explainer(model, preprocess=None)
    for maps, each in zip(before, asked, strict=True):
        assert_allclose(raised.explain(x, [0], **each).maps, maps, rtol=1e-3, atol=1e-4 * maps.max())
