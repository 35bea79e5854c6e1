"""An explainer at work while another thread calls, trains and saves the same model."""

import threading
from collections.abc import Callable

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from kx_widget.engine.explainer import Explainer
from tests import cases, models

pytestmark = pytest.mark.slow

ROUNDS = 12


def together(*works: Callable[[], None]) -> None:
    """Run all at the same moment, each in a thread; the first error comes out."""
    start = threading.Barrier(len(works))
    errors: list[BaseException] = []

    def run(work: Callable[[], None]) -> None:
        try:
            start.wait()
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def compiled(make: Callable[[], keras.Model]) -> keras.Model:
    keras.utils.set_random_seed(0)
    model = make()
    model.compile(keras.optimizers.SGD(0.05), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def train(model: keras.Model) -> None:
    for n in range(ROUNDS):
        model.train_on_batch(cases.photos(8, seed=n), np.arange(8) % models.CLASSES)


@pytest.mark.parametrize("make", [models.residual, models.nested, models.subclassed], ids=lambda m: m.__name__)
def test_training_is_not_disturbed_and_ends_in_right_maps(make):
    alone, beside, x = compiled(make), compiled(make), cases.photos()
    train(alone)
    explainer = Explainer(beside)

    def explain():
        for n in range(ROUNDS):
            assert np.isfinite(explainer.explain(x, [n % models.CLASSES]).maps).all()
            Explainer(beside).explain(x, method="gradients")

    together(lambda: train(beside), explain)
    for trained, expected in zip(beside.get_weights(), alone.get_weights(), strict=True):
        assert_allclose(trained, expected, rtol=1e-4, atol=1e-6)
    for method in ("gradcam", "gradients"):
        now, fresh = (e.explain(x, "top", method=method) for e in (explainer, Explainer(beside)))
        assert_array_equal(now.maps, fresh.maps)
        assert_array_equal(now.scores, fresh.scores)


def test_saving_and_calling_are_not_disturbed(tmp_path):
    model, x = models.residual(), cases.photos()
    expected = model.predict(x, verbose=0)
    maps = Explainer(model).explain(x).maps

    def save():
        for n in range(ROUNDS):
            model.save(tmp_path / f"{n}.keras")

    def call():
        for _ in range(ROUNDS):
            assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-5)
            assert_allclose(model(x), expected, rtol=1e-5)

    def explain():
        for _ in range(ROUNDS):
            assert_allclose(Explainer(model).explain(x).maps, maps, rtol=1e-4, atol=1e-6)

    together(save, call, explain)
    for path in tmp_path.iterdir():
        assert_allclose(keras.models.load_model(path).predict(x, verbose=0), expected, rtol=1e-5)


def test_weights_that_went_and_came_back_leave_nothing_of_the_way():
    """As when averaged weights are swapped in for a moment, with a question half-way through."""
    model, x = models.pooled(), cases.photos()
    right = Explainer(model).explain(x, method="occlusion", patch=0.4)
    explainer = Explainer(model)
    steps = explainer.stream(x, method="occlusion", patch=0.4)
    next(steps)
    kept = model.get_weights()
    model.set_weights([w + 1 for w in kept])
    for _ in steps:
        pass
    model.set_weights(kept)
    assert_array_equal(explainer.explain(x, method="occlusion", patch=0.4).maps, right.maps)
