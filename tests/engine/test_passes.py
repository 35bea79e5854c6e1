"""Many passes: kept per image, shown as they come, cancelled within a batch, bounded in memory."""

import tracemalloc

import keras
import numpy as np
import pytest
from keras import layers
from numpy.testing import assert_allclose, assert_array_equal

from kx_widget import samples
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.perturbation import batches, bit_reversal_order
from tests import cases, models

many = pytest.mark.parametrize("method", cases.KEEP_SCORES)
CALLS = ("predict", "trunk", "head", "head_scores", "input_gradient")


def calls(explainer):
    return {name: explainer.counts[name] for name in CALLS}


@pytest.fixture(scope="module")
def sample():
    model, images, class_names, _ = samples.load()
    return Explainer(model, class_names=class_names), images


def rank_correlation(a, b):
    rank = [np.argsort(np.argsort(v.ravel())) for v in (a, b)]
    return np.corrcoef(*rank)[0, 1]


@many
def test_another_class_makes_no_model_call(method):
    explainer, x = Explainer(models.residual()), cases.photos()
    explainer.explain(x, [0], **cases.asked(method))
    before = calls(explainer)
    found = explainer.explain(x, [1, 2, 3], **cases.asked(method))
    assert calls(explainer) == before
    fresh = Explainer(explainer.model).explain(x, [1, 2, 3], **cases.asked(method))
    assert_allclose(found.maps, fresh.maps, rtol=1e-4, atol=1e-6 * np.abs(fresh.maps).max())


@many
def test_closing_stops_within_a_batch_and_keeps_what_is_known(method):
    explainer, x = Explainer(models.residual()), cases.photos(1)
    asked = {"method": method, "layer": "stem"} if method in ("scorecam", "ablationcam") else {"method": method}
    whole = Explainer(explainer.model)
    expected = whole.explain(x, [1], **asked)
    steps = explainer.stream(x, [1], **asked)
    first = next(steps)
    steps.close()
    assert 0 < first.done < first.total
    assert not first.complete.any()
    name = "head_scores" if method == "ablationcam" else "predict"
    assert explainer.counts[name] <= (1 if method in ("scorecam", "ablationcam") else 2)
    again = explainer.explain(x, [2], **asked)
    # Batches grow from small again; without what was kept it would be twice as many.
    assert explainer.counts[name] <= whole.counts[name] + 1
    assert_allclose(explainer.explain(x, [1], **asked).maps, expected.maps, rtol=1e-4, atol=1e-6)
    assert_allclose(again.maps, whole.explain(x, [2], **asked).maps, rtol=1e-4, atol=1e-6)


def test_fewer_passes_are_the_first_of_more():
    sizes, x = [], cases.photos(1)
    explainer = Explainer(models.gated(sizes))
    explainer.explain(x, [1], method="rise", masks=40)
    before = len(sizes)
    more = explainer.explain(x, [1], method="rise", masks=100)
    explainer.explain(x, [1], method="rise", masks=20)
    # Each image passes both gates.
    assert sum(sizes[before:]) == 2 * 60
    fresh = Explainer(explainer.model).explain(x, [1], method="rise", masks=100)
    assert_allclose(more.maps, fresh.maps, rtol=1e-4)


@pytest.mark.parametrize("method", [*cases.KEEP_SCORES, "integrated_gradients"])
def test_steps_advance_and_the_first_comes_early(method):
    explainer, x = Explainer(models.residual()), cases.photos(2)
    asked = {"method": method, "smooth": None}
    steps = list(explainer.stream(x, [0, 1], **asked))
    done = [step.done for step in steps]
    assert done == sorted(done)
    assert len({step.total for step in steps}) == 1
    assert steps[0].done <= 0.13 * steps[0].total or steps[0].total < 20
    assert steps[-1].done == steps[-1].total
    assert np.isfinite(steps[-1].maps).all()


@pytest.mark.parametrize("wrapper", [{"smooth": {"repetitions": 3, "noise": 0.01}}, {"tta": {"scales": (0.9,)}}])
def test_a_wrapped_method_can_be_cancelled_within_a_batch(wrapper):
    explainer, x = Explainer(models.residual()), cases.photos(1)
    steps = explainer.stream(x, [1], method="occlusion", **wrapper)
    first = next(steps)
    steps.close()
    assert explainer.counts["predict"] <= 3
    assert first.done < first.total
    done = [step.done for step in explainer.stream(x, [1], method="occlusion", **wrapper)]
    assert done == sorted(done)
    assert len(done) > 2 * 6


@many
def test_no_batch_is_larger_than_the_memory_allows(method):
    sizes, x = [], cases.photos(2)
    Explainer(models.gated(sizes), memory_mib=0.01, cache_mib=0).explain(x, [1], **cases.asked(method))
    assert set(sizes) == {1}


@pytest.mark.slow
def test_scorecam_is_nearly_right_after_a_tenth_of_its_passes(sample):
    explainer, images = sample
    found = []
    for image in images:
        steps = list(explainer.stream(image[None], "top", method="scorecam"))
        early = [step for step in steps if step.done <= 0.1 * step.total]
        found.append(rank_correlation(early[-1].maps, steps[-1].maps))
    assert np.mean(found) >= 0.95
    assert min(found) >= 0.9


@pytest.mark.parametrize(("method", "part"), [("ablationcam", 0.25), ("integrated_gradients", 0.25)])
def test_partial_maps_tell_what_the_whole_will_be(method, part, sample):
    explainer, images = sample
    for image in images[:3]:
        steps = list(explainer.stream(image[None], "top", method=method))
        early = [step for step in steps if step.done <= part * step.total]
        assert rank_correlation(early[-1].maps, steps[-1].maps) >= 0.9


def test_integrated_gradients_are_complete_on_a_trained_model(sample):
    explainer, images = sample
    for image in images[:3]:
        e = explainer.explain(image[None], "top", method="integrated_gradients", steps=64)
        assert e.checks["completeness_gap"].max() <= 0.01


def test_partial_occlusion_is_nan_where_nothing_is_known():
    explainer, x = Explainer(models.residual()), cases.photos(1)
    first = next(explainer.stream(x, [1], method="occlusion"))
    known = np.isfinite(first.maps[0, 0])
    assert 0 < known.sum() < known.size
    assert known[:6].any()
    assert known[6:].any()


def test_batches_cover_what_is_left_and_advance_all_images_together():
    start, stop = np.array([0, 2, 3]), np.array([4, 3, 3])
    pairs = [pair for images, passes in batches(start, stop, 2) for pair in zip(images, passes, strict=True)]
    assert pairs == [(0, 0), (0, 1), (0, 2), (1, 2), (0, 3)]
    assert [len(images) for images, _ in batches(start, stop, 2)] == [2, 2, 1]
    growing = batches(np.zeros(1, int), np.array([40]), 3, most=16)
    assert [len(images) for images, _ in growing] == [3, 3, 6, 12, 16]


def test_bit_reversal_puts_distant_numbers_first():
    assert_array_equal(bit_reversal_order(8), [7, 3, 1, 5, 0, 2, 4, 6])
    assert sorted(bit_reversal_order(13)) == list(range(13))


def test_weights_that_change_are_noticed_by_kept_scores():
    model, x = models.pooled(), cases.photos(1)
    explainer = Explainer(model)
    explainer.explain(x, [1], method="scorecam")
    model.layers[-1].kernel.assign(keras.ops.flip(model.layers[-1].kernel, 0))
    assert_array_equal(
        explainer.explain(x, [1], method="scorecam").maps, Explainer(model).explain(x, [1], method="scorecam").maps
    )


@pytest.mark.parametrize(
    ("question", "images", "batches"),
    [
        ({"method": "gradients", "smooth": {"repetitions": 20}}, 1, [1, 10, 10]),
        ({"method": "gradients", "smooth": {"repetitions": 7}}, 1, [1, 7]),
        ({"method": "gradients", "smooth": {"repetitions": 20}}, 8, [8] + [20] * 8),
        ({"method": "gradients", "smooth": {"repetitions": 64}}, 8, [8] + [32] * 16),
        # The scores of the image and of the baseline go alone, once all steps are done.
        ({"method": "integrated_gradients", "steps": 32}, 1, [8, 8, 8, 8, 1, 1]),
        ({"method": "gradients", "tta": True}, 1, [1, 5]),
        ({"method": "gradients", "smooth": {"repetitions": 20}, "batch_size": 4}, 1, [1] + [4] * 5),
        ({"method": "integrated_gradients", "steps": 32, "batch_size": 3}, 1, [3] * 10 + [2, 1, 1]),
    ],
)
def test_copies_of_few_images_fill_batches(question, images, batches):
    sizes = []
    Explainer(models.gated(sizes)).explain(cases.photos(images), [1], **question)
    assert sizes[::2] == sizes[1::2]
    assert sorted(sizes[::2]) == sorted(batches)


WRAPPED = (
    {"method": "gradients", "smooth": {"repetitions": 5}},
    {"method": "gradcam", "smooth": {"repetitions": 5}},
    {"method": "gradcam", "tta": True},
    {"method": "gradients", "smooth": {"repetitions": 3}, "tta": {"scales": (0.8, 1.2), "hflip": False}},
    {"method": "occlusion", "patch": 0.4, "smooth": {"repetitions": 3}},
    {"method": "rise", "masks": 20, "smooth": {"repetitions": 3}},
    {"method": "scorecam", "tta": {"scales": (0.8,)}},
    {"method": "integrated_gradients", "steps": 5, "tta": {"scales": (1.3,)}},
)


@pytest.mark.slow
@pytest.mark.parametrize("question", WRAPPED, ids=lambda q: "-".join(map(str, q)) + "-" + q["method"])
def test_copies_do_not_depend_on_what_goes_beside_them(question):
    """Neither on the size of batches, nor on memory, nor on other images; twice the same seed, twice the same map."""
    model, x = models.residual(), cases.photos(3)
    maps = Explainer(model).explain(x, [1, 2], **question).maps
    atol = 1e-5 * np.abs(maps).max()
    for limits, more in (({}, {"batch_size": 2}), ({"memory_mib": 0.3}, {}), ({"memory_mib": 0.01}, {}), ({}, {})):
        found = Explainer(model, **limits).explain(x, [1, 2], **question, **more).maps
        assert_allclose(found, maps, rtol=1e-3, atol=atol)
    alone = np.concatenate([Explainer(model).explain(image[None], [1, 2], **question).maps for image in x])
    assert_allclose(alone, maps, rtol=1e-3, atol=atol)


@pytest.mark.parametrize(
    "wrapper", [{"smooth": {"repetitions": 100}}, {"tta": {"scales": [0.9 + n / 100 for n in range(50)]}}]
)
def test_the_mean_is_shown_as_it_comes_about_and_closing_stops_at_once(wrapper):
    explainer, x = Explainer(models.residual()), cases.photos(1)
    steps = list(explainer.stream(x, [1], method="gradients", **wrapper))
    done = [step.done for step in steps]
    assert done == sorted(set(done))
    assert len(done) >= 8
    assert steps[-1].done == steps[-1].total
    assert all(np.isfinite(step.maps).all() for step in steps)
    apart = [np.abs(step.maps - steps[-1].maps).mean() for step in steps]
    assert apart[0] > apart[len(apart) // 2] > 0
    before = explainer.counts["input_gradient"]
    fresh = explainer.stream(cases.photos(1, seed=1), [1], method="gradients", **wrapper)
    next(fresh)
    fresh.close()
    assert explainer.counts["input_gradient"] == before + 1


def test_copies_leave_no_more_in_the_cache_than_the_image():
    explainer, x = Explainer(models.residual()), cases.photos(1)
    explainer.explain(x, [1], method="gradcam")
    held = explainer._cache.bytes
    for method in ("gradcam", "scorecam", "rise"):
        explainer.explain(x, [1], **cases.asked(method), smooth={"repetitions": 30})
    assert explainer._cache.bytes == held


def test_copies_of_a_model_of_many_classes_keep_no_tables():
    """Score tables of 8 copies, 200 masks and 20000 classes would be 128 MB."""
    image = keras.Input((8, 8, 3))
    model = keras.Model(image, layers.Dense(20000)(layers.GlobalAveragePooling2D()(layers.Conv2D(4, 1)(image))))
    explainer, x = Explainer(model), cases.photos(1, (8, 8, 3))
    asked = {"method": "rise", "masks": 200, "smooth": {"repetitions": 8}}
    explainer.explain(x, [1], **asked | {"masks": 2})
    tracemalloc.start()
    try:
        explainer.explain(x, [1], **asked)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * 200 * 20000 * 4 / 4


def test_the_score_of_a_baseline_is_kept_for_every_class_and_image():
    sizes = []
    explainer = Explainer(models.gated(sizes))

    def ask(image, target, steps):
        sizes.clear()
        e = explainer.explain(image, [target], method="integrated_gradients", steps=steps)
        return e.checks["completeness_gap"].max(), sorted(sizes[::2])

    assert ask(cases.photos(1), 1, 2)[1] == [1, 1, 2]
    assert ask(cases.photos(1), 2, 2)[1] == [2]
    gap, batches = ask(cases.photos(1, seed=1), 2, 64)
    assert batches == [1] + [8] * 8
    assert gap < 0.05
