"""Attention methods against their papers' formulas, over what Keras itself returns and a tape records."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose

from kx_widget.engine.errors import UnsupportedMethodError
from kx_widget.engine.explainer import Explainer
from tests import cases, models

pytestmark = pytest.mark.slow

READINGS = {
    "class token": {"read": "token"},
    "class token after the patches": {"read": "token", "prefix": 2, "after": True},
    "mean": {"read": "mean", "prefix": 0},
    "mean of all tokens, registers among them": {"read": "mean", "prefix": 5},
}


def randomised(model):
    rng = np.random.default_rng(3)
    for v in model.variables:
        v.assign(v + rng.normal(0, 0.5, v.shape))
    return model


def recorded(model, x, column, by_block=False, read="token", prefix=1, after=False):
    """Attention of each block as Keras returns it, and d(score)/d(attention), block by block, from a tape."""
    names = [layer.name for layer in model.layers]
    count = sum(name.startswith("block") for name in names)
    with tf.GradientTape(persistent=True) as tape:
        y = x
        for layer in model.layers[1 : names.index("block0")]:
            y = layer(y)
        attentions, tokens = [], []
        for i in range(count):
            block = model.get_layer(f"block{i}")
            norm = block.norm1(y)
            attended, attention = block.attention(norm, norm, return_attention_scores=True)
            y = y + attended
            y = y + block.narrow(block.wide(block.norm2(y)))
            attentions.append(attention)
            tokens.append(y)

        def score(y):
            y = model.get_layer("norm")(y)
            y = y[:, 16 * after] if read == "token" else tf.reduce_mean(y, 1)
            return tf.reduce_sum(model.get_layer("scores")(y)[:, column])

        scores = [score(y) for y in tokens] if by_block else [score(tokens[-1])] * count
    gradients = [tape.gradient(s, a) for s, a in zip(scores, attentions, strict=True)]
    return [a.numpy() for a in attentions], [g.numpy() for g in gradients]


def read_from(matrix, read="token", prefix=1, after=False):
    """Maps (B, 4, 4): the row that the head reads, of (B, T, T), on the patches."""
    row = matrix[:, 16 * after] if read == "token" else matrix.mean(1)
    return (row[:, :16] if after else row[:, prefix:]).reshape(-1, 4, 4)


@pytest.fixture(scope="module", params=READINGS)
def reading(request):
    return READINGS[request.param]


@pytest.fixture(scope="module")
def explainer(reading):
    keras.utils.set_random_seed(0)
    return Explainer(randomised(models.transformer(**reading)), preprocess=None)


PHOTOS = cases.photos(2).astype(np.float32) / 128 - 1


@pytest.mark.oracle("attention_rollout")
@pytest.mark.parametrize("fusion", ["mean", "max", "min"])
def test_rollout_is_the_product_of_what_keras_returns(explainer, reading, fusion):
    explanation = explainer.explain(PHOTOS, [1], method="attention_rollout", fusion=fusion)
    matrix = np.eye(16 + reading.get("prefix", 1))
    for attention in recorded(explainer.model, PHOTOS, 1, **reading)[0]:
        mixed = 0.5 * (getattr(attention.astype(np.float64), fusion)(1) + np.eye(matrix.shape[-1]))
        matrix = mixed / mixed.sum(-1, keepdims=True) @ matrix
    assert_allclose(explanation.maps[:, 0], read_from(matrix, **reading), rtol=1e-4, atol=1e-6)
    assert np.ptp(explanation.maps, axis=(2, 3)).min() > 1e-3


def test_rollout_discards_the_smallest_share_but_not_at_the_class_token():
    net = randomised(models.transformer())
    explanation = Explainer(net, preprocess=None).explain(PHOTOS, [1], method="attention_rollout", discard=0.5)
    matrix = np.eye(17)
    for attention in recorded(net, PHOTOS, 1)[0]:
        fused = attention.mean(1)
        for image in fused:
            order = image.ravel().argsort()[: image.size // 2]
            image.ravel()[order[order % 17 != 0]] = 0
        mixed = 0.5 * (fused + np.eye(17))
        matrix = mixed / mixed.sum(-1, keepdims=True) @ matrix
    assert_allclose(explanation.maps[:, 0], read_from(matrix), rtol=1e-4, atol=1e-6)


@pytest.mark.oracle("attention_gradient")
def test_attention_gradient_is_the_papers_rule(explainer, reading):
    explanation = explainer.explain(PHOTOS, [1, 2], method="attention_gradient")
    for column in (1, 2):
        relevance = np.eye(16 + reading.get("prefix", 1))
        for attention, gradient in zip(*recorded(explainer.model, PHOTOS, column, **reading), strict=True):
            relevance = relevance + np.maximum(attention * gradient, 0).mean(1) @ relevance
        expected = read_from(relevance - np.eye(relevance.shape[-1]), **reading)
        assert_allclose(explanation.maps[:, column - 1], expected, rtol=1e-4, atol=1e-5 * expected.max())


@pytest.mark.oracle("legrad")
def test_legrad_is_the_papers_mean(explainer, reading):
    explanation = explainer.explain(PHOTOS, [1, 2], method="legrad")
    for column in (1, 2):
        gradients = np.stack(
            recorded(explainer.model, PHOTOS, column, by_block=True, **reading)[1]
        )  # (L, B, heads, T, T)
        tokens = np.maximum(gradients, 0).mean((0, 2, 3))
        expected = (tokens[:, :16] if reading.get("after") else tokens[:, reading.get("prefix", 1) :]).reshape(-1, 4, 4)
        assert_allclose(explanation.maps[:, column - 1], expected, rtol=1e-4, atol=1e-5 * expected.max())


@pytest.mark.parametrize("method", ["attention_rollout", "attention_gradient", "legrad"])
def test_a_layer_chooses_the_block_to_start_from(method):
    net = randomised(models.transformer())
    x = Explainer(net, preprocess=None)
    assert x.inspection.attention_start == "block0/norm1"
    whole = x.explain(PHOTOS, [1], method=method).maps
    assert_allclose(x.explain(PHOTOS, [1], method=method, layer="patches").maps, whole)
    late = x.explain(PHOTOS, [1], method=method, layer="block1").maps[:, 0]
    attentions, gradients = recorded(net, PHOTOS, 1, by_block=method == "legrad")
    if method == "attention_rollout":
        mixed = attentions[2].mean(1) + np.eye(17)
        expected = read_from(mixed / mixed.sum(-1, keepdims=True))
    elif method == "attention_gradient":
        expected = read_from(np.maximum(attentions[2] * gradients[2], 0).mean(1))
    else:
        expected = np.maximum(gradients[2], 0).mean((1, 2))[:, 1:].reshape(-1, 4, 4)
    assert_allclose(late, expected, rtol=1e-4, atol=1e-5 * expected.max())


def test_another_class_goes_back_without_a_forward_pass():
    x = Explainer(randomised(models.transformer()), preprocess=None)
    x.explain(PHOTOS, "top", method="attention_gradient")
    before = x.counts
    x.explain(PHOTOS, 3, method="attention_gradient")
    x.explain(PHOTOS, method="attention_rollout")
    assert {k: v for k, v in (x.counts - before).items() if not k.startswith("cache")} == {"attention_head": 1}


def test_attention_methods_refuse_what_has_none_and_name_what_works():
    x = Explainer(models.pooled())
    for method in ("attention_rollout", "attention_gradient", "legrad"):
        with pytest.raises(
            UnsupportedMethodError, match=r"another, and this model has no attention .* Choose Grad-CAM"
        ):
            x.explain(cases.photos(1), method=method)
    late = Explainer(models.transformer("mean"), preprocess=None)
    with pytest.raises(UnsupportedMethodError, match=r"none after .norm.\. Choose an earlier layer"):
        late.explain(PHOTOS, method="attention_rollout", layer="norm")
