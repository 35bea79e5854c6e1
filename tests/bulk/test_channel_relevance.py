"""What each channel contributes: its closed form, that it costs no pass, and that a store keeps it."""

import keras
import numpy as np
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

import kx_widget as kx
from kx_widget.engine.channel_relevance import channel_relevance, relevance_maps
from kx_widget.engine.errors import FormatError, UnsupportedMethodError
from tests import models
from tests.bulk.test_going_on import cut_off
from tests.cases import photos

TARGETS = ["top", 1, kx.contrast(0, 2)]


@pytest.fixture
def files(tmp_path):
    """Eight pictures, of which the fourth is broken."""
    rng = np.random.default_rng(0)
    paths = [tmp_path / "photos" / f"{i}.png" for i in range(8)]
    paths[0].parent.mkdir()
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (12, 12, 3), np.uint8)).save(path)
    paths[3].write_bytes(b"no picture")
    return paths


def stored(store):
    return np.concatenate([*store.channel_relevance()])


def test_of_a_pooled_linear_head_it_is_the_weight_times_the_mean_activation(model, explainer):
    """S = Σ_k w_k mean_ij A_ijk + b, so that channel k contributes w_k mean_ij A_ijk."""
    x = photos(5)
    late = keras.Model(model.input, model.get_layer("late").output)(x).numpy().mean((1, 2))
    weights = model.get_layer("scores").kernel.numpy()
    relevance = channel_relevance(explainer.ask(x, [2, kx.contrast(0, 2)], method="gradcam"))
    assert_allclose(relevance[:, 0], late * weights[:, 2], rtol=1e-4, atol=1e-6)
    assert_allclose(relevance[:, 1], late * (weights[:, 0] - weights[:, 2]), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("batch_size", [None, 2])
def test_it_is_keras_own_gradient_and_adds_up_to_the_map(batch_size):
    model = models.flattened()
    explainer = kx.Explainer(model)
    x = photos(5)
    late = keras.Model(model.input, model.get_layer("late").output)
    head = [layer for layer in model.layers[2:] if layer.name != "late"]
    with tf.GradientTape() as tape:
        a = late(x)
        tape.watch(a)
        y = a
        for layer in head:
            y = layer(y)
        score = tf.math.log(y[:, 1]) - tf.math.log(y[:, 3])
    expected = (tape.gradient(score, a) * a).numpy()
    question = explainer.ask(x, [kx.contrast(1, 3)], method="hirescam", layer="late", batch_size=batch_size)
    relevance = channel_relevance(question)
    assert_allclose(relevance[:, 0], expected.sum((1, 2)), rtol=1e-3, atol=1e-5)
    e = explainer.explain(x, [kx.contrast(1, 3)], method="hirescam", layer="late")
    assert_allclose(relevance.sum(-1), e.maps.sum((2, 3)), rtol=1e-4, atol=1e-5)
    weights = np.array([np.ones(5), [1, 0, 0, 2, 0]], np.float32)
    maps = relevance_maps(question, weights)
    assert_allclose(maps[:, :, 0], e.maps, rtol=1e-4, atol=1e-5)
    assert_allclose(maps[:, 0, 1], expected[..., 0] + 2 * expected[..., 3], rtol=1e-3, atol=1e-5)


def test_a_store_keeps_it_at_no_further_pass(model, files, tmp_path):
    counts = []
    for asked in (False, True):
        explainer = kx.Explainer(model)
        store = explainer.explain_to(tmp_path / str(asked), files, TARGETS, channel_relevance=asked)
        counts.append({name: count for name, count in explainer.counts.items() if "cache" not in name})
    assert counts[0] == counts[1]
    good = [path for i, path in enumerate(files) if i != 3]
    expected = channel_relevance(explainer.ask(good, TARGETS))
    relevance = stored(store)
    assert relevance.shape == (7 * 3 + 1, store.channels)
    is_good = np.isin(np.arange(22), store.select())
    assert_allclose(relevance[is_good], expected.reshape(21, -1), rtol=1e-5, atol=1e-7)
    assert not relevance[~is_good].any()
    assert "channel_relevance" not in store.names, "what is read of a row by default stays small"
    plain = kx.Store(tmp_path / "False")
    assert plain.columns(plain.names).equals(store.columns(store.names))
    assert_array_equal(np.stack(plain.maps(range(3))), np.stack(store.maps(range(3))))


def test_a_store_without_it_says_how_to_have_it(explainer, files, tmp_path):
    store = explainer.explain_to(tmp_path / "s", files)
    with pytest.raises(FormatError, match="--channel-relevance"):
        next(store.channel_relevance())
    with pytest.raises(FormatError, match=r"another question \(now with channel_relevance=True.* --channel-relevance"):
        explainer.explain_to(tmp_path / "s", files, channel_relevance=True)


def test_a_run_that_was_cut_off_goes_on_with_it_and_not_without(explainer, files, tmp_path):
    asked = {"part_images": 2, "channel_relevance": True}
    whole = stored(explainer.explain_to(tmp_path / "s", files, **asked))
    cut_off(tmp_path / "s")
    with pytest.raises(FormatError, match=r"another question \(now without channel_relevance=True"):
        explainer.explain_to(tmp_path / "s", files, part_images=2)
    assert_array_equal(stored(explainer.explain_to(tmp_path / "s", files, **asked)), whole)


def test_a_part_with_another_number_of_channels_is_told(explainer, files, tmp_path):
    explainer.explain_to(tmp_path / "s", files, part_images=4, channel_relevance=True)
    part = tmp_path / "s" / "part-000001.parquet"
    table = pq.read_table(part)
    at = table.column_names.index("channel_relevance")
    pq.write_table(table.remove_column(at), part)
    with pytest.raises(FormatError, match="part-000001"):
        kx.Store(tmp_path / "s")


@pytest.mark.parametrize("method", ["gradients", "occlusion"])
def test_a_method_that_sees_no_layer_is_refused(explainer, files, tmp_path, method):
    with pytest.raises(UnsupportedMethodError, match="sees a layer"):
        explainer.explain_to(tmp_path / "s", files, method=method, channel_relevance=True)
    assert not (tmp_path / "s").exists()


def test_of_tokens_too(tmp_path):
    explainer = kx.Explainer(models.transformer())
    x = photos(3)
    store = explainer.explain_to(tmp_path / "s", x, method="gradcam", channel_relevance=True)
    e = explainer.explain(x, method="hirescam")
    assert_allclose(stored(store).sum(-1), e.maps.sum((1, 2, 3)), rtol=1e-4, atol=1e-5)
