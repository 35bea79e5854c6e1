"""A device with memory of its own, of which only the list says that it is there."""

import gc
from collections import Counter

import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal

import kx_widget as kx
from kx_widget.engine.accelerator import TO_DEVICE, TO_HOST, DeviceCopies
from kx_widget.engine.budget import MOST, MOST_ON_ACCELERATOR, Budget
from kx_widget.engine.keras_private import EXCHANGED, address, device_address
from tests import cases, models


@pytest.fixture
def gpu(monkeypatch):
    """TensorFlow lists a GPU; what runs there runs here."""
    devices = tf.config.list_logical_devices
    monkeypatch.setattr(
        tf.config, "list_logical_devices", lambda kind=None: ["GPU:0"] if kind == "GPU" else devices(kind)
    )


@pytest.mark.parametrize("method", ["gradcam", "layercam"])
def test_another_class_sends_the_class_alone(gpu, method):
    model, images = models.residual(), cases.photos()
    explainer = kx.Explainer(model)
    layer = explainer.inspection.recommended
    explainer.explain(images, 0, method=method)
    # Once more at the same layer, which is cut by then.
    explainer.explain(images, 1, method=method)
    before = explainer.counts
    answer = explainer.explain(images, 2, method=method)
    copied = explainer.counts - before
    assert copied["head"] == 1
    assert copied[TO_DEVICE] == 4 * len(images) * model.output_shape[-1]
    channels = next(each for each in explainer.inspection.layers if each.path == layer).shape[-1]
    assert copied[TO_HOST] == 4 * answer.maps[:, 0].size * channels
    assert_allclose(answer.maps, kx.explain(model, images, 2, method=method).maps, atol=1e-6)


def test_on_a_processor_nothing_is_counted_or_kept():
    explainer = kx.Explainer(models.residual())
    explainer.explain(cases.photos(), 0)
    assert not {TO_DEVICE, TO_HOST} & set(explainer.counts)


def test_rows_one_after_another_are_not_sent_again(gpu):
    sent = Counter()
    copies = DeviceCopies(10_000, sent.update)
    array = copies.array(tf.reshape(tf.range(24.0), (6, 4)), stays=True)
    for rows in (array, array[:3], array[2:5]):
        assert_array_equal(copies.tensor(rows).numpy(), rows)
    assert sent == {TO_HOST: 96}
    integers = array.view(np.int32)
    assert_array_equal(copies.tensor(integers).numpy(), integers)
    assert sent.pop(TO_DEVICE) == 96
    for others in (array[::2], array[[1, 2]], array[:, 1:], array[1], array.copy()):
        assert_array_equal(copies.tensor(others).numpy(), others)
    assert sent[TO_DEVICE] == 48 + 32 + 72 + 16 + 96


def test_what_is_kept_goes_with_its_array_and_beyond_the_limit(gpu):
    sent = Counter()
    copies = DeviceCopies(100, sent.update)
    array = copies.array(tf.zeros((5, 4)), stays=True)
    copies.array(tf.zeros((50, 4)), stays=True)
    assert copies.tensor(array) is copies.tensor(array)
    other = copies.array(tf.zeros((5, 4)), stays=True)
    assert len(copies._tensors) == 1
    assert TO_DEVICE not in sent
    del other
    gc.collect()
    assert not copies._tensors
    copies.tensor(array)
    assert sent[TO_DEVICE] == 80


def test_batches_are_filled_by_memory(gpu, monkeypatch):
    assert Budget(1024).samples(2**20) == MOST_ON_ACCELERATOR
    assert Budget(100).samples(2**20) == 100
    monkeypatch.undo()
    assert Budget(1024).samples(2**20) == MOST


@pytest.mark.parametrize("dtype", EXCHANGED)
def test_the_address_that_any_device_tells_is_that_of_the_memory(dtype):
    value = tf.cast(tf.zeros((3, 5)), dtype)
    assert device_address(value) is not None
    if dtype != "bfloat16":
        assert device_address(value) == address(value)


def test_of_what_cannot_be_exchanged_there_is_no_address():
    assert device_address(tf.constant(["text"])) is None


def test_weights_are_noticed_by_the_addresses_that_any_device_tells(monkeypatch):
    monkeypatch.setattr("kx_widget.engine.weights.address", device_address)
    compared = []
    monkeypatch.setattr(tf, "equal", lambda *pair: compared.append(pair))
    model, images = models.residual(), cases.photos()
    explainer = kx.Explainer(model)
    first = explainer.explain(images, 0)
    assert explainer.explain(images, 0).maps is not None
    variable = model.trainable_variables[0]
    variable.assign(variable * 2)
    assert np.abs(explainer.explain(images, 0).maps - first.maps).max() > 0
    assert not compared
