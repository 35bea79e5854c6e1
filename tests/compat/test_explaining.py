"""Methods over batches of every kind, in wrappers, and called directly."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose

import kx_widget.compat.keras_explainable as ke
from tests import cases
from tests.compat import nets

UNITS = np.array([[0, 2], [3, 1], [2, 2]])
RAW = {"postprocessing": None, "resizing": False, "verbose": 0}
SHORTCUTS = ("cam", "gradcam", "gradcampp", "scorecam", "gradients", "full_gradients")


@pytest.fixture(scope="module")
def x():
    return cases.photos()


@pytest.fixture(scope="module")
def model():
    return nets.hidden()


@pytest.mark.parametrize("name", SHORTCUTS)
def test_every_shortcut_takes_units_none_batches_and_datasets(name, x):
    exposed, method = ke.inspection.expose(nets.nested()), getattr(ke, name)
    scores, maps = method(exposed, x, UNITS, verbose=0)
    every_score, every = method(exposed, x, verbose=0)
    assert scores.shape == (3, 2)
    assert maps.shape == (3, 12, 12, 2)
    assert every_score.shape == (3, 4)
    assert every.shape == (3, 12, 12, 4)
    assert_allclose(np.take_along_axis(every, UNITS[:, None, None], -1), maps, rtol=1e-4, atol=1e-5)
    dataset = tf.data.Dataset.from_tensor_slices((x, UNITS)).batch(2)
    for again in (method(exposed, x, UNITS, batch_size=1, verbose=0), method(exposed, dataset, verbose=0)):
        assert_allclose(again[0], scores, rtol=1e-4, atol=1e-5)
        assert_allclose(again[1], maps, rtol=1e-3, atol=1e-4)


def test_images_come_as_tensors_datasets_generators_and_sequences(model, x):
    class Sequence(keras.utils.PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            return x[index : index + 1], UNITS[index : index + 1]

    expected = ke.gradients(model, x, UNITS, verbose=0)[1]
    slices = tf.data.Dataset.from_tensor_slices((x, UNITS))
    for given in (
        Sequence(),
        slices.batch(2),
        iter(slices.batch(1)),
        ((x[i : i + 1], UNITS[i : i + 1]) for i in range(3)),
    ):
        assert_allclose(ke.gradients(model, given, verbose=0)[1], expected, rtol=1e-4, atol=1e-5)
    tensors = ke.gradients(model, tf.constant(x), tf.constant(UNITS), verbose=0)[1]
    assert_allclose(tensors, expected, rtol=1e-4, atol=1e-5)
    first = ke.gradients(model, slices.repeat().batch(1), steps=2, verbose=0)[1]
    assert_allclose(first, expected[:2], rtol=1e-4, atol=1e-5)
    one_each = ke.gradients(model, x, UNITS[:, 0], verbose=0)[1]
    assert_allclose(one_each, expected[..., :1], rtol=1e-4, atol=1e-5)


def test_maps_are_filtered_then_resized_as_asked(model, x):
    exposed = ke.inspection.expose(model)
    raw = ke.explain(ke.methods.cams.gradcam, exposed, x, UNITS, resizing=False, verbose=0)[1]
    assert raw.shape == (3, 4, 4, 2)
    assert raw.min() < 0
    sized = ke.explain(ke.methods.cams.gradcam, exposed, x, UNITS, postprocessing=ke.filters.normalize, verbose=0)[1]
    assert_allclose(sized, tf.image.resize(ke.filters.normalize(raw), (12, 12)), rtol=1e-4, atol=1e-5)
    assert ke.gradcam(exposed, x, UNITS, resizing=(20, 30), verbose=0)[1].shape == (3, 20, 30, 2)


def test_callbacks_and_the_progress_bar_follow_the_batches(model, x, capsys):
    class Noting(keras.callbacks.Callback):
        seen: tuple[str, ...] = ()

        def on_predict_begin(self, logs=None):
            self.seen += ("begin",)

        def on_predict_batch_end(self, batch, logs=None):
            self.seen += (f"batch {batch} {logs['outputs'][0].shape}",)

        def on_predict_end(self, logs=None):
            self.seen += ("end",)

    noting = Noting()
    ke.gradients(model, x, UNITS, batch_size=2, callbacks=[noting], verbose=1)
    assert noting.seen == ("begin", "batch 1 (2, 2)", "batch 2 (1, 2)", "end")
    assert "2/2" in capsys.readouterr().out
    ke.gradients(model, x, UNITS, verbose=0)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("method", [*ke.methods.cams.METHODS, *ke.methods.gradient.METHODS], ids=lambda m: m.__name__)
def test_methods_are_called_directly_inside_functions_and_in_wrappers(method, x):
    exposed = ke.inspection.expose(nets.nested())
    logits, maps = method(exposed, x, UNITS)
    assert tf.is_tensor(logits)
    assert tf.is_tensor(maps)
    compiled = tf.function(method, reduce_retracing=True)
    assert_allclose(compiled(exposed, tf.constant(x), UNITS)[1], maps, rtol=1e-4, atol=1e-5)
    smoothed = ke.methods.meta.smooth(compiled, repetitions=2)
    for wrapped, size in ((smoothed, maps.shape[1:3]), (ke.methods.meta.tta(compiled, scales=[2]), (12, 12))):
        scores, averaged = wrapped(exposed, x, indices=UNITS)
        assert_allclose(scores, logits)
        assert averaged.shape == (3, *size, 2)
        assert np.isfinite(averaged).all()
    still = ke.methods.meta.smooth(ke.methods.meta.tta(method, scales=[], hflip=False), repetitions=2, noise=0)
    assert_allclose(still(exposed, x, UNITS)[1], tf.image.resize(maps, (12, 12)), rtol=1e-4, atol=1e-5)


def test_a_readers_own_method_gets_the_exposed_model_and_can_be_wrapped(x):
    exposed = ke.inspection.expose(nets.nested())

    def own(model, inputs, indices, spatial_axis=(-3, -2)):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            logits, a = model(inputs)
            chosen = ke.inspection.gather_units(logits, indices)
        g = tape.batch_jacobian(chosen, a)
        return chosen, tf.einsum("nhwk,ntk->nhwt", a, tf.reduce_mean(g, (2, 3)))

    scores, maps = ke.gradcam(exposed, x, UNITS, **RAW)
    ours = own(exposed, tf.constant(x), UNITS)
    assert_allclose(ours[0], scores, rtol=1e-4, atol=1e-5)
    assert_allclose(ours[1], maps, rtol=1e-4, atol=1e-6)
    unmoved = ke.methods.meta.smooth(own, repetitions=2, noise=0)(exposed, x, UNITS)
    assert_allclose(unmoved[1], maps, rtol=1e-4, atol=1e-6)
