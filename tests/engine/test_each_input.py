"""Several image inputs of a model, explained one beside the other."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from numpy.testing import assert_allclose

import kx_widget as kx
from tests import models

RNG = np.random.default_rng(0)
LEFT, RIGHT = RNG.normal(size=(2, 3, 12, 12, 3)).astype("float32")


@pytest.fixture(scope="module")
def siamese():
    """The cosine of what one tower makes of two pictures."""
    keras.utils.set_random_seed(0)
    tower = models.tower(12)
    left, right = keras.Input((12, 12, 3), name="left"), keras.Input((12, 12, 3), name="right")
    return keras.Model([left, right], layers.Dot(1, normalize=True, name="alike")([tower(left), tower(right)]))


def gradients(model, inputs):
    """∂cos/∂x of both pictures, by a tape."""
    import tensorflow as tf

    tensors = [tf.constant(each) for each in inputs]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        total = ops.sum(model(tensors))
    return [gradient.numpy() for gradient in tape.gradient(total, tensors)]


def test_each_input_has_the_gradient_that_a_tape_has(siamese):
    x = kx.Explainer(siamese, preprocess=None, explain_input="each", output_names=["similarity"])
    explanations = x.explain_inputs((LEFT, RIGHT), 0, method="gradients", channels="each")
    assert list(explanations) == ["left", "right"]
    for e, expected in zip(explanations.values(), gradients(siamese, (LEFT, RIGHT)), strict=True):
        assert_allclose(e.maps.transpose(0, 2, 3, 1), expected, atol=1e-6)
        assert_allclose(e.scores[:, 0], np.asarray(siamese([LEFT, RIGHT]))[:, 0], atol=1e-6)


def test_exchanged_pictures_have_exchanged_maps(siamese):
    """Both inputs go through one tower, each by a call of its own."""
    x = kx.Explainer(siamese, preprocess=None, explain_input="left", output_names=["similarity"])
    one = x.explain_inputs((LEFT, RIGHT), 0, layer="tower/conv")
    other = x.explain_inputs((RIGHT, LEFT), 0, layer="tower/conv")
    assert list(one) == ["left", "right"]
    assert_allclose(one["left"].maps, other["right"].maps, atol=1e-7)
    assert_allclose(one["right"].maps, other["left"].maps, atol=1e-7)
    assert abs(one["left"].maps - one["right"].maps).max() > 1e-4


def test_one_image_input_of_several_has_to_be_chosen(siamese):
    with pytest.raises(kx.ModelError, match=r'left, right. Choose the one to explain with explain_input=, or "each"'):
        kx.Explainer(siamese)
