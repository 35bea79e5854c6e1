"""What a question yields while it is computed."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import kx_widget as kx
from kx_widget.engine.answer import AnswerBuilder
from tests import cases, models


def question(**arguments):
    return kx.Explainer(models.pooled()).ask(cases.photos(5), ["top", 1, kx.contrast(0, 1)], **arguments)


@pytest.mark.parametrize("method", ["gradcam", "occlusion", "gradients"])
def test_each_map_is_an_array_of_its_own_and_comes_only_when_it_has_changed(method):
    asked = question(method=method, batch_size=2)
    owners = set()
    for frames in asked.stream():
        assert len(frames.frames) <= 2
        assert len({frame.column for frame in frames.frames}) == 1
        for frame in frames.frames:
            assert frame.values.base is None
            assert frame.values.dtype == np.float32
            owners.add(id(frame.values))


def test_final_frames_are_the_answer_bit_for_bit():
    asked = question(method="occlusion", batch_size=2)
    e = AnswerBuilder(asked).add_all(asked.stream()).explanation(0)
    final = {(f.image, f.column): f for frames in asked.stream() for f in frames.frames if f.final}
    assert sorted(final) == [(i, t) for i in range(5) for t in range(3)]
    for at, frame in final.items():
        assert_array_equal(frame.values, e.maps[at])
        assert (frame.score, frame.target) == (e.scores[at], e.targets[at])
        assert frame.target_name == e.target_names[at[0]][at[1]]
        assert_array_equal(np.float32(frame.probability), e.probabilities[at])
        assert frame.notes == e.notes_of(*at)
        assert {name: np.float32(value) for name, value in frame.checks.items()} == {
            name: values[at] for name, values in e.checks.items()
        }
    only_final = AnswerBuilder(asked).add_all(asked.stream(partials=False)).explanation(0)
    assert_array_equal(only_final.maps, e.maps)


def test_an_answer_of_the_first_frames_says_how_far_it_has_come():
    asked = question(method="occlusion", batch_size=2)
    frames = list(asked.stream())
    half = frames[: len(frames) // 2]
    e = AnswerBuilder(asked).add_all(half).explanation(0)
    done = np.zeros((5, 3), np.float32)
    for each in half:
        for frame in each.frames:
            assert (frame.done == 1) == frame.final
            done[frame.image, frame.column] = frame.done
    assert_array_equal(e.done, done)
    assert 0 < e.progress < 1
    assert {0, 1} < set(done.ravel())
    assert_array_equal(np.isnan(e.maps).all((2, 3)), done == 0)
    whole = AnswerBuilder(asked).add_all(frames).explanation(0)
    assert (whole.done, whole.progress) == (None, 1)


def test_without_partials_the_passes_are_counted_all_the_same():
    with_partials, without = (
        list(question(method="occlusion", batch_size=2).stream(partials=partials)) for partials in (True, False)
    )
    assert [(each.done, each.total) for each in with_partials] == [(each.done, each.total) for each in without]
    assert any(not frame.final for each in with_partials for frame in each.frames)
    assert all(frame.final for each in without for frame in each.frames)


def test_a_question_cannot_be_changed():
    with pytest.raises(AttributeError):
        question().seed = 1
