"""What every method promises, whatever the model; the table of methods says which there are."""

import inspect
import threading

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal

from kx_widget.engine.errors import ModelError
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.methods import METHODS
from kx_widget.engine.targets import contrast
from tests import cases, models

every = pytest.mark.parametrize(("method", "make"), cases.ALL)
each_method = pytest.mark.parametrize("method", METHODS)
each_driver = pytest.mark.parametrize("method", cases.DRIVERS)


@pytest.fixture(scope="module")
def explainers():
    """One explainer a model and settings, which has forgotten all but what it compiled: compiling takes the time."""
    kept = {}

    def explainer(make, **settings):
        key = (make, *settings.items())
        if key not in kept:
            kept[key] = Explainer(explainer(make).model if settings else make(), **settings)
        kept[key]._cache.clear()
        return kept[key]

    return explainer


@pytest.fixture(scope="module")
def bare_and_headed():
    """By kind of model, the same with and without a softmax."""

    def pair(make):
        bare, headed = make(activation=None), make(activation="softmax")
        headed.set_weights(bare.get_weights())
        return Explainer(bare), Explainer(headed)

    return {make: pair(make) for make in (models.pooled, models.transformer)}


def close(a, b):
    assert_allclose(a, b, rtol=1e-4, atol=1e-5 * max(1e-6, float(np.abs(b).max())))


@every
def test_answer_has_the_promised_shape_and_leaves_the_model_alone(method, make, explainers):
    explainer = explainers(make)
    model, x = explainer.model, cases.photos_for(explainer.model)
    before = state_of(model)
    if cases.applies(method, explainer, x):
        e = explainer.explain(x, ["top", 1], **cases.asked(method))
        spatial = {li.path: li.spatial for li in explainer.inspection.layers}
        size = x.shape[1:3] if METHODS[method].sees in ("input", "both") else spatial[e.layer]
        if method in cases.FINER:
            assert e.maps.shape[2:] in spatial.values()
            assert e.maps.shape[2] * e.maps.shape[3] >= size[0] * size[1]
            size = e.maps.shape[2:]
        assert e.maps.shape == (3, 2, *size)
        assert e.maps.dtype == e.scores.dtype == np.float32
        assert np.isfinite(e.maps).all()
        assert np.abs(e.maps).max() > 0
        assert_array_equal(e.targets[:, 0], explainer.predict(x)[0].argmax(1))
        assert_allclose(e.scores, np.take_along_axis(explainer.predict(x)[0], e.targets, 1), rtol=1e-5)
    after = state_of(model)
    assert before.keys() == after.keys()
    for name, value in before.items():
        assert np.array_equal(value, after[name]) if isinstance(value, np.ndarray) else value == after[name], name


def state_of(model):
    """Everything about a model that explaining must not change."""
    parts = [model, *model._flatten_layers(include_self=False)]
    return {
        "layers": [id(p) for p in parts],
        "attributes": [sorted(vars(p)) for p in parts],
        "nodes": [len(getattr(p, "_inbound_nodes", ())) for p in parts],
        "trainable": [p.trainable for p in parts],
        "compiled": [getattr(p, "compiled", None) for p in parts],
        **{f"{i} {v.path}": v.numpy() for i, v in enumerate(model.variables)},
    }


@every
def test_images_do_not_influence_each_other(method, make, explainers):
    explainer = explainers(make)
    x = cases.photos_for(explainer.model)
    if cases.applies(method, explainer, x):
        together = explainer.explain(x, ["top", 0], **cases.asked(method))
        for i in range(len(x)):
            explainer._cache.clear()
            close(together.maps[i], explainer.explain(x[i : i + 1], ["top", 0], **cases.asked(method)).maps[0])


@pytest.mark.parametrize("make", cases.MODELS)
def test_making_an_explainer_leaves_the_model_alone(make):
    """Also when its call fails while it is traced."""
    model = make()
    before = state_of(model)
    Explainer(model)
    assert before["attributes"] == state_of(model)["attributes"]
    layer = next(part for part in model._flatten_layers(include_self=False) if part.weights)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(layer), "call", lambda self, *_, **__: 1 / 0)
        with pytest.raises(ModelError, match=r"(?s)raised ZeroDivisionError: [^\x1b]*division by zero"):
            Explainer(model)
    assert before["attributes"] == state_of(model)["attributes"]
    assert before["layers"] == state_of(model)["layers"]


@each_driver
def test_batch_size_and_memory_do_not_change_the_answer(method, explainers):
    x, asked, make = cases.photos(5), cases.asked(method), cases.fitting(method, models.pooled)
    whole = explainers(make).explain(x, [2], **asked)
    close(explainers(make).explain(x, [2], **asked, batch_size=2).maps, whole.maps)
    close(explainers(make, memory_mib=0.01, cache_mib=0).explain(x, [2], **asked).maps, whole.maps)


@each_method
def test_softmax_or_not_the_maps_are_the_same(method, bare_and_headed):
    x, pair = cases.photos(), bare_and_headed[cases.fitting(method, models.pooled)]
    headed = pair[1]
    a, b = (explainer.explain(x, [0, 3], **cases.asked(method)) for explainer in pair)
    close(a.maps, b.maps)
    close(a.scores, b.scores)
    assert_allclose(headed.model(x), headed.predict(x)[1], rtol=1e-5)


@pytest.mark.parametrize("method", cases.LINEAR_IN_TARGET)
def test_contrast_is_the_difference_of_maps(method, explainers):
    explainer, x = explainers(models.pooled), cases.photos()
    e = explainer.explain(x, [contrast(1, 2), 1, 2], **cases.asked(method))
    close(e.maps[:, 0], e.maps[:, 1] - e.maps[:, 2])
    assert_allclose(e.scores[:, 0], e.scores[:, 1] - e.scores[:, 2], rtol=1e-4, atol=1e-6)
    assert (e.targets[:, 0] == -1).all()
    assert e.target_names[0] == ("class 1 − class 2", "class 1", "class 2")


@each_method
def test_last_step_is_the_answer_bit_for_bit(method, explainers):
    explainer, x = explainers(cases.fitting(method, models.residual)), cases.photos()
    if not cases.applies(method, explainer, x):
        pytest.fail(f"{method} should apply to the residual model")
    for smooth in (None, {"repetitions": 3}):
        *_, last = explainer.stream(x, ["top", 2], **cases.asked(method), smooth=smooth)
        whole = explainer.explain(x, ["top", 2], **cases.asked(method), smooth=smooth)
        assert_array_equal(last.maps, whole.maps)
        assert_array_equal(last.scores, whole.scores)
        assert last.done == last.total
        assert last.complete.all()


@each_driver
def test_closing_the_stream_leaves_the_explainer_usable(method, explainers):
    make = cases.fitting(method, models.residual)
    explainer, x = explainers(make), cases.photos()
    steps = explainer.stream(x, ["top", 1], **cases.asked(method), smooth={"repetitions": 50})
    next(steps)
    steps.close()
    never_closed = explainers(make, cache_mib=500)
    again, fresh = (e.explain(x, [1], **cases.asked(method)) for e in (explainer, never_closed))
    close(again.maps, fresh.maps)


@each_driver
def test_wrappers_that_do_nothing_change_nothing(method, explainers):
    explainer, x = explainers(cases.fitting(method, models.residual)), cases.photos()
    base = explainer.explain(x, [1], **cases.asked(method))
    close(explainer.explain(x, [1], **cases.asked(method), smooth={"noise": 0, "repetitions": 4}).maps, base.maps)
    identity = {"scales": (1.0,), "hflip": False}
    close(explainer.explain(x, [1], **cases.asked(method), tta=identity).maps, base.maps)
    nested = explainer.explain(x, [1], **cases.asked(method), tta=identity, smooth={"noise": 0, "repetitions": 2})
    close(nested.maps, base.maps)


@each_driver
def test_same_seed_same_map_another_seed_another(method, explainers):
    explainer, x = explainers(cases.fitting(method, models.residual)), cases.photos()

    def run(seed):
        return explainer.explain(x, [1], **cases.asked(method), smooth={"repetitions": 3}, seed=seed).maps

    assert_array_equal(run(7), run(7))
    assert np.abs(run(7) - run(8)).max() > 0


@pytest.mark.parametrize("method", [m for m in METHODS if METHODS[m].sees == "layer" and METHODS[m].cost == "instant"])
def test_another_class_or_method_does_not_run_the_trunk_and_nothing_retraces(method):
    explainer, x = Explainer(models.pooled()), cases.photos()
    explainer.explain(x, [0], method=method)
    before = explainer.counts
    for target in (1, 2, 3):
        explainer.explain(x, [target], method=method)
    after = explainer.counts
    assert after["trunk"] == before["trunk"] == 1
    assert after["head"] == before["head"] + (0 if method in cases.WITHOUT_CLASS else 3)
    explainer.explain(x, [3])
    after = model_calls(explainer)
    for other in (m for m in METHODS if METHODS[m].sees == "layer" and METHODS[m].cost == "instant"):
        explainer.explain(x, [3], method=other)
    assert model_calls(explainer) == after
    traces = {k: v for k, v in explainer.counts.items() if k.startswith("trace")}
    assert traces == {f"trace cut {explainer.inspection.recommended}": 1}


def model_calls(explainer):
    return {name: n for name, n in explainer.counts.items() if not name.startswith("cache")}


def test_trace_counter_agrees_with_the_model_itself():
    """The model's own Python runs once per trace: counting calls of a layer is a second witness."""
    model = models.subclassed()
    calls = []
    run = type(model).call

    def counted(self, x):
        calls.append(1)
        return run(self, x)

    type(model).call, explainer = counted, None
    try:
        explainer = Explainer(model)
        for target in range(4):
            for n in (1, 2, 3):
                explainer.explain(cases.photos(n), [target], method="gradcam")
                explainer.explain(cases.photos(n), [target], method="gradients")
    finally:
        type(model).call = run
    assert len(calls) == 1


def test_weights_that_change_are_noticed():
    model, x = models.pooled(), cases.photos()
    explainer = Explainer(model)
    explainer.explain(x, [1])
    for change in (
        lambda: model.layers[1].kernel.assign(model.layers[1].kernel * -0.5),
        lambda: model.layers[-1].bias.assign_add([0.0, 1e-3, 0.0, 0.0]),
        lambda: train(model, x),
    ):
        change()
        fresh = Explainer(model).explain(x, [1])
        again = explainer.explain(x, [1])
        assert_array_equal(again.maps, fresh.maps)
        assert_array_equal(again.scores, fresh.scores)
    assert explainer.counts["trunk"] == 4


def train(model, x):
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.train_on_batch(x, np.arange(len(x)))


def test_threads_share_one_explainer():
    """Each asks about images of its own, and gets these explained."""
    explainer = Explainer(models.residual())
    images = [cases.photos(seed=seed) for seed in range(4)]
    expected = [Explainer(explainer.model).explain(x, [t]).maps for t, x in enumerate(images)]
    wrong = []

    def ask(target):
        for _ in range(5):
            found = explainer.explain(images[target], [target]).maps
            if not np.allclose(found, expected[target], rtol=1e-4, atol=1e-6):
                wrong.append(target)

    threads = [threading.Thread(target=ask, args=(t,)) for t in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_calls_of_a_model_compiled_for_two_sizes_take_turns():
    """What one call may take is all that there is."""
    first, second = threading.Event(), threading.Event()
    together = []

    def meet(x):
        if first.is_set():
            second.set()
        else:
            first.set()
            together.append(second.wait(0.5))
        return x

    image = keras.Input((None, None, 3))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(2, 3)(image))
    x = keras.layers.Lambda(lambda t: tf.ensure_shape(tf.py_function(meet, [t], tf.float32), t.shape))(x)
    explainer = Explainer(keras.Model(image, keras.layers.Dense(2)(x)), preprocess=None)
    small, large = (explainer.ask(np.zeros((1, n, n, 3), np.float32), 0, method="gradients") for n in (8, 9))
    for question in (small, large):
        question.model.functions._compile("predict", question.model.graph.predict)
    other = threading.Thread(target=lambda: first.wait() and large.probe(slice(0, 1)).scores())
    other.start()
    small.probe(slice(0, 1)).scores()
    other.join()
    assert (together, second.is_set()) == ([False], True)


@pytest.mark.parametrize("method", ["gradcam", "gradients"])
def test_images_of_one_colour_and_as_many_pixels_are_told_apart_by_their_shape(method):
    image = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(2, 3, padding="same", activation="relu", bias_initializer="ones")(image)
    x = keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(x))
    explainer = Explainer(keras.Model(image, x), preprocess=None)
    for shape in ((8, 18), (18, 8), (12, 12)):
        assert explainer.explain(np.zeros((1, *shape, 3), np.uint8), 1, method=method).maps.shape == (1, 1, *shape)


@each_method
def test_a_row_of_the_table_is_whole(method):
    entry = METHODS[method]
    assert inspect.isgeneratorfunction(entry.fn)
    doc = inspect.getdoc(entry.fn) or ""
    assert "Reference:" in doc
    assert entry.summary.endswith(".")
    assert entry.fn.__module__.rsplit(".", 1)[1] == method
    assert entry.complete({}) == {p.name: p.default for p in entry.params}


def test_mixed_precision_gives_nearly_the_same_maps():
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        half = models.pooled()
    finally:
        keras.mixed_precision.set_global_policy("float32")
    full = models.pooled()
    full.set_weights(half.get_weights())
    x = cases.photos()
    a, b = (Explainer(m).explain(x, [1]).maps for m in (half, full))
    assert np.abs(a - b).max() < 0.02 * np.abs(b).max()
