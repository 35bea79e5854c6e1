"""Memory: batches by the budget, halves when the device has no more, caches by bytes, nothing that piles up."""

import tracemalloc
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal

from kx_widget.engine.budget import Budget
from kx_widget.engine.cache import Cache, stacked
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.question import Question
from kx_widget.engine.targets import contrast, parse
from tests import cases, models

FITS = 3


# The compiled functions: input_gradient, full_gradients, trunk and head, predict, head_scores.
@pytest.mark.parametrize(
    "method",
    ["gradients", "integrated_gradients", "full_gradients", "gradcam", "occlusion", "rise", "scorecam", "ablationcam"],
)
def test_a_device_without_memory_gets_halves_and_the_answer_is_the_same(method):
    sizes, x = [], cases.photos(10)
    small = models.gated(sizes, FITS)
    e = Explainer(small).explain(x, [1], **cases.asked(method))
    assert 1 <= sum(size > FITS for size in sizes) <= 4, "what was refused once is not asked for again"
    large = models.gated([])
    large.set_weights(small.get_weights())
    whole = Explainer(large).explain(x, [1], **cases.asked(method))
    assert_allclose(e.maps, whole.maps, rtol=1e-4, atol=1e-5 * np.abs(whole.maps).max())


def test_a_device_without_memory_for_one_says_so():
    def never(x):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")

    with pytest.raises(tf.errors.ResourceExhaustedError, match="OOM when allocating"):
        Budget(1).run(never, np.zeros(8))


def test_what_was_refused_is_never_asked_for_again():
    asked = []

    def fits_four(x):
        asked.append(len(x))
        if len(x) > 4:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")
        return [2 * x]

    budget = Budget(1024)
    for _ in range(3):
        (doubled,) = budget.run(fits_four, np.arange(16))
        assert_array_equal(doubled, 2 * np.arange(16))
    assert asked == [16, 8, *[4] * 12]
    assert budget.samples(1) == 4


def test_parts_are_as_few_as_fit_and_of_about_the_same_size():
    budget = Budget(10)
    assert [part.stop - part.start for part in budget.chunks(8, 2 * 2**20)] == [4, 4]
    assert [part.stop - part.start for part in budget.chunks(11, 2 * 2**20)] == [4, 4, 3]
    assert [part.stop - part.start for part in budget.chunks(8, 2 * 2**20, 5)] == [5, 3]
    assert list(budget.chunks(0, 1)) == []


def test_a_swish_keeps_what_it_is_given_once_and_its_sigmoid():
    """So that the way back has x and σ(x) of each, and what the last gives; what is handed on takes nothing more."""
    pixels, swishes = 12 * 12 * 3, 4
    image = keras.Input((12, 12, 3))
    x = image
    for _ in range(swishes):
        x = keras.layers.Activation("swish")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(image, keras.layers.Dense(4)(x))
    forward, with_gradients = Explainer(model).prepare((12, 12, 3)).graph.bytes_per_sample
    assert with_gradients - forward == 4 * pixels * (2 * swishes + 1)


def test_what_follows_an_early_layer_keeps_to_the_budget_on_its_way_back():
    model, x = models.residual(), cases.photos(16)
    free = Explainer(model)
    expected = free.explain(x, [1], layer="stem")
    call = free.ask(x, [1], layer="stem").call
    tight = Explainer(model, memory_mib=4 * free.prepare(x.shape[1:]).functions._cut(call).bytes / 2**20)
    found = tight.explain(x, [1], layer="stem", batch_size=16)
    assert (free.counts["head"], tight.counts["head"]) == (1, 4)
    assert_allclose(found.maps, expected.maps, rtol=1e-4, atol=1e-6)


def test_no_frame_is_kept_once_the_next_has_come(monkeypatch):
    maps, alive = [], []
    stream = Question.stream

    def noting(self, *arguments, **keywords):
        for frames in stream(self, *arguments, **keywords):
            maps.extend(weakref.ref(frame.values) for frame in frames.frames)
            alive.append(sum(values() is not None for values in maps))
            yield frames

    monkeypatch.setattr(Question, "stream", noting)
    explainer, x = Explainer(models.residual()), cases.photos(12)
    explainer.explain(x, [1], method="gradients", batch_size=1)
    explainer.explain_layers(x, [1], layers=["stem", "after_add"], batch_size=1)
    assert len(maps) == 36
    assert max(alive) <= 3


def test_the_least_recently_used_goes_first_and_bytes_are_what_counts():
    cache = Cache(100)
    for key, size in (("a", 40), ("b", 40), ("c", 20)):
        cache.put(key, (np.zeros(size, np.uint8),))
    assert cache.bytes == 100
    cache.get("a")
    cache.put("d", (np.zeros(30, np.uint8),))
    assert [key in cache for key in "abcd"] == [True, False, True, True]
    assert cache.bytes == 90
    cache.put("d", (np.zeros(10, np.uint8),))
    assert cache.bytes == 70
    cache.put("larger than all", (np.zeros(101, np.uint8),))
    assert "larger than all" not in cache
    assert [key in cache for key in "acd"] == [True] * 3
    cache.clear()
    assert cache.bytes == 0
    assert "a" not in cache


def test_rows_of_one_array_take_what_it_takes_as_long_as_one_is_kept():
    cache = Cache(400)
    whole = np.random.default_rng(0).integers(0, 256, (4, 25), np.uint8)
    for i, row in enumerate(whole):
        cache.put(i, (row,))
    assert cache.bytes == 100
    assert stacked([cache.get(i)[0] for i in range(4)]) is whole
    assert_array_equal(stacked([cache.get(i)[0] for i in (1, 0, 2, 3)]), whole[[1, 0, 2, 3]])
    assert_array_equal(stacked([cache.get(i)[0] for i in (1, 2)]), whole[1:3])
    cache.put("others", (np.zeros(301, np.uint8),))
    assert [i in cache for i in range(4)] == [False] * 4
    assert cache.bytes == 301
    for i, row in enumerate(np.zeros((4, 101), np.uint8)):
        cache.put(i, (row,))
    assert cache.bytes == 303
    assert [i in cache for i in ("others", 0, 1, 2, 3)] == [False, False, True, True, True]


def test_score_tables_that_do_not_fit_are_computed_again():
    model, x = models.residual(), cases.photos(6)
    asked = {"method": "rise", "masks": 60}
    table = 60 * models.CLASSES * 4
    small = Explainer(model, cache_mib=3.5 * table / 2**20)
    for target in ([1], [2], [1, 3]):
        expected = Explainer(model).explain(x, target, **asked)
        assert_array_equal(small.explain(x, target, **asked).maps, expected.maps)
        assert 3 * table <= small._cache.bytes <= small._cache.limit


def test_targets_among_many_classes_take_what_their_weights_take():
    columns = parse(["top", 7, contrast(3, 7)], [f"class {i}" for i in range(20000)])
    scores = np.zeros((4, 20000), np.float32)
    tracemalloc.start()
    try:
        weights = columns.resolve(scores).weights
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert weights.shape == (4, 3, 20000)
    assert_array_equal(weights[0].sum(-1), [1, 1, 0])
    assert peak < 3 * weights.nbytes
