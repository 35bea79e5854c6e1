"""Garbage collection stays out of an answer's way."""

import gc

import numpy as np
import pytest

import kx_widget as kx
from kx_widget.widget import collection_pause
from kx_widget.widget.collection_pause import collection_paused
from tests import cases, models
from tests.engine.test_own_methods import energy, method
from tests.widget.page import until


@pytest.fixture
def collections(monkeypatch):
    """The generations that were collected, while a few objects are enough for that."""
    generations, thresholds = [], gc.get_threshold()

    def note(phase, info):
        if phase == "start":
            generations.append(info["generation"])

    gc.set_threshold(100, 1, 1)
    gc.callbacks.append(note)
    yield generations
    gc.callbacks.remove(note)
    gc.set_threshold(*thresholds)


def test_nothing_is_collected_while_a_question_is_answered(collections, monkeypatch):
    monkeypatch.setattr(collection_pause, "MOST_SECONDS", 60.0)
    during = []

    def wasteful(probe, target):
        before = len(collections)
        for _ in range(5000):
            cycle = []
            cycle.append(cycle)
        during.extend(collections[before:])
        yield from energy(probe, target)

    with kx.KxWidget(models.residual(), cases.photos(), methods=[method(wasteful)], method="mine") as w:
        assert np.isfinite(w.wait(60).maps).all()
        # The answer is there a moment before the pause ends.
        until(gc.isenabled)
    assert not during


def test_it_goes_on_after_a_second_and_when_the_answer_fails(collections, monkeypatch):
    monkeypatch.setattr(collection_pause, "MOST_SECONDS", 60)
    with collection_paused():
        assert not gc.isenabled()
    monkeypatch.setattr(collection_pause, "MOST_SECONDS", 0.01)
    with collection_paused():
        until(gc.isenabled)
    # The timer of this one must not go off in another test.
    monkeypatch.setattr(collection_pause, "MOST_SECONDS", 60)
    with pytest.raises(ValueError, match="broken"), collection_paused():
        raise ValueError("broken")
    assert gc.isenabled()


def test_where_it_is_off_it_stays_off():
    gc.disable()
    try:
        with collection_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
