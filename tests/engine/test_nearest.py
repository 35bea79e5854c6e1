"""Images that are alike: cosines by hand, no further pass, and words where there are none."""

import keras
import numpy as np
import pytest
from keras import layers
from numpy.testing import assert_allclose, assert_array_equal

import kx_widget as kx
from kx_widget.engine.errors import ModelError, ParameterError, UnknownLayerError
from kx_widget.engine.nearest import directions_of, nearest_images
from tests import models
from tests.cases import photos


def pooled(model, x, layer="late"):
    return keras.Model(model.input, model.get_layer(layer).output)(x).numpy().astype(np.float64).mean((1, 2))


def passes(explainer):
    return sum(count for name, count in explainer.counts.items() if "cache" not in name and "trace" not in name)


def cosine(a, b):
    return a @ b / np.sqrt((a @ a) * (b @ b))


def test_neighbours_are_those_of_the_largest_cosine_by_hand(model, explainer):
    x = photos(9)
    vectors = pooled(model, x)
    nearest = explainer.nearest(x, k=3, layer="late")
    assert nearest.layer == "late"
    assert nearest.notes == ("",) * 9
    for i in range(9):
        cosines = {j: cosine(vectors[i], vectors[j]) for j in range(9) if j != i}
        assert nearest.indices[i].tolist() == sorted(cosines, key=lambda j: -cosines[j])[:3]
        assert_allclose(nearest.similarities[i], sorted(cosines.values(), reverse=True)[:3], atol=1e-5)
    assert_allclose(explainer.embed(x, "late"), vectors, rtol=1e-4, atol=1e-6)


def test_other_images_are_looked_through_whole(model, explainer):
    x = photos(9)
    nearest = explainer.nearest(x[:2], among=x[1:], k=99, layer="early")
    assert nearest.indices.shape == (2, 8)
    assert nearest.indices[1, 0] == 0
    assert_allclose(nearest.similarities[1, 0], 1, atol=1e-6)
    vectors = pooled(model, x, "early")
    expected = [cosine(vectors[0], vectors[1 + j]) for j in nearest.indices[0]]
    assert_allclose(nearest.similarities[0], expected, atol=1e-5)


def test_a_copy_is_the_nearest_at_one_and_equal_ones_come_in_their_order(explainer):
    x = photos(4)
    nearest = explainer.nearest(np.concatenate([x, x[2:3], x[2:3]]), k=2)
    assert_array_equal(nearest.indices[[2, 4, 5]], [[4, 5], [2, 5], [2, 4]])
    assert_allclose(nearest.similarities[[2, 4, 5]], 1, atol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_the_order_is_that_of_any_batch_size(model, batch_size):
    x = np.concatenate([photos(7), photos(7)[::-1]])
    expected = kx.Explainer(model).nearest(x, k=13)
    nearest = kx.Explainer(model).nearest(x, k=13, batch_size=batch_size)
    assert_array_equal(nearest.indices, expected.indices)
    assert_allclose(nearest.similarities, expected.similarities, atol=1e-6)


@pytest.mark.parametrize("ask", [{}, {"layer": "early"}])
def test_after_a_map_of_the_layer_it_takes_no_pass(model, ask):
    explainer, x = kx.Explainer(model), photos(6)
    layer = explainer.explain(x, **ask).layer
    before = passes(explainer)
    assert before > 0
    assert explainer.nearest(x, layer=layer).layer == layer
    assert passes(explainer) == before


def test_without_a_map_it_takes_one_pass_and_then_none(model):
    explainer, x = kx.Explainer(model), photos(6)
    explainer.nearest(x)
    assert passes(explainer) == 1
    explainer.nearest(x[:3], among=x[3:])
    assert passes(explainer) == 1


def nothing_or_nan():
    """Activations are 0 for dark images, and NaN for bright ones."""
    image = keras.Input((8, 8, 3))
    y = layers.Conv2D(2, 1, name="mix", kernel_initializer="ones")(image)
    y = layers.Lambda(lambda a: keras.ops.where(a > 2.9, a * np.nan, keras.ops.relu(a - 0.2)), name="cut")(y)
    scores = layers.Dense(2)(layers.GlobalAveragePooling2D()(keras.ops.nan_to_num(y)))
    return keras.Model(image, scores)


def test_activations_of_nothing_and_of_nan_are_told_in_words():
    explainer = kx.Explainer(nothing_or_nan(), preprocess=None)
    grey = np.linspace(0.2, 0.8, 8 * 8 * 3).reshape(8, 8, 3)
    x = np.stack([grey, np.zeros((8, 8, 3)), np.ones((8, 8, 3)), grey**2]).astype(np.float32)
    nearest = explainer.nearest(x, layer="cut", k=2)
    assert nearest.indices.tolist() == [[3], [-1], [-1], [0]]
    assert np.isnan(nearest.similarities[[1, 2]]).all()
    assert nearest.notes[0] == nearest.notes[3] == ""
    assert "are all 0" in nearest.notes[1]
    assert "NaN or infinite" in nearest.notes[2]
    alone = explainer.nearest(x[:2], layer="cut")
    assert alone.indices.shape == (2, 0)
    assert "no other image with activations" in alone.notes[0]
    assert explainer.nearest(x[:1]).notes == alone.notes[:1]


def test_numbers_of_any_size_have_directions():
    vectors = np.array([[3, 4], [3e-30, 4e-30], [3e30, 4e30], [0, 0], [np.inf, 1]], np.float32)
    directions = directions_of(vectors)
    assert_allclose(directions[:3], [[0.6, 0.8]] * 3, rtol=1e-6)
    assert np.isnan(directions[3:]).all()
    nearest = nearest_images(vectors[:1], directions, 9, "conv", among=np.array([False, True, True, True, True]))
    assert nearest.indices.tolist() == [[1, 2]]


@pytest.mark.parametrize("k", [0, -1, 1.5, "many"])
def test_k_is_a_number_from_one(explainer, k):
    with pytest.raises(ParameterError, match="nearest: k="):
        explainer.nearest(photos(2), k=k)


def test_what_cannot_be_compared_is_told(explainer):
    with pytest.raises(UnknownLayerError, match="early"):
        explainer.nearest(photos(2), layer="earlie")
    flat = keras.Sequential([keras.Input((4, 4, 1)), layers.Flatten(), layers.Dense(2)])
    with pytest.raises(ModelError, match="a layer with a map"):
        kx.Explainer(flat).nearest(np.zeros((2, 4, 4, 1), np.float32))
    tiled = kx.Explainer(models.pooled(), preprocess=None, tile=(models.SIDE, models.SIDE, 4))
    with pytest.raises(ParameterError, match="without tile="):
        tiled.nearest(photos(1, (2 * models.SIDE, models.SIDE, 3)))


def test_tokens_and_attention_are_compared_without_their_prefix():
    explainer, x = kx.Explainer(models.transformer()), photos(4)
    layer = explainer.inspection.recommended
    question = explainer.ask(x, [0], method="gradcam", layer=layer)
    ((_, probe),) = question.probes()
    assert_allclose(explainer.embed(x), probe.activations().mean((1, 2)), rtol=1e-5)
