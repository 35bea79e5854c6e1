"""Finished answers in one block of bytes."""

import time

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from kx_widget.widget import archive
from kx_widget.widget.archive import Archive, KeptAnswer, pack
from tests.widget.saved import unpack

HOSTILE = ["</script><img src=x onerror=alert(1)>", "<!--<script>", '"quoted" & co', "${x} $title \\u003c"]


def kept(name, *shapes, seed=0):
    rng = np.random.default_rng(seed)
    return KeptAnswer(
        {"layer": name},
        [],
        [({"image": i, "score": np.inf}, rng.normal(0, 1, s).astype("f")) for i, s in enumerate(shapes)],
        1,
    )


def layers(block):
    return [answer["asked"]["layer"] for answer in unpack(block)[0]["answers"]]


class TestArchive:
    def test_keeps_the_latest_answer_to_each_question_in_the_order_of_asking(self):
        a = Archive()
        for name in ("x", "y", "x"):
            a.keep(kept(name, (2, 2)), 1)
        assert [k.traits["layer"] for k in a.answers()] == ["y", "x"]

    def test_forgets_what_other_weights_answered(self):
        a = Archive()
        a.keep(kept("x", (2, 2)), 1)
        a.keep(kept("y", (2, 2)), 2)
        assert [k.traits["layer"] for k in a.answers()] == ["y"]

    def test_keeps_to_its_limit_but_for_the_latest(self):
        a = Archive(limit=1000)
        for name, side in (("x", 10), ("y", 10), ("z", 10), ("large", 40)):
            a.keep(kept(name, (side, side)), 1)
            assert [k.traits["layer"] for k in a.answers()][-1] == name
        assert len(a.answers()) == 1

    @pytest.mark.parametrize("shape", [(5, 7), (30, 40), (1, 9)])
    def test_small_maps_are_exact_and_large_ones_within_half_a_step(self, shape):
        one = kept("x", shape)
        ((found,),) = unpack(pack({}, None, [one], 10**6))[1]
        exact = one.tiles[0][1]
        step = np.ptp(exact) / 65534 / 2 if exact.nbytes > archive.EXACT_BYTES else 0
        assert_allclose(found, exact, atol=step * 1.01, rtol=0)

    def test_large_maps_are_averaged_down_before_answers_are_left_out(self):
        answers = [kept("x", (224, 224), seed=1), kept("y", (7, 9), (224, 200), seed=2)]
        block = pack({}, None, answers, 60_000)
        assert len(block) <= 60_000
        header, maps = unpack(block)
        assert (layers(block), header["side"], header["left_out"]) == (["x", "y"], 112, 0)
        exact = answers[1].tiles[1][1].reshape(112, 2, 100, 2).mean((1, 3))
        assert_allclose(maps[1][1], exact, atol=1e-4)
        assert_array_equal(maps[1][0], answers[1].tiles[0][1])

    def test_the_oldest_are_left_out_and_counted(self):
        answers = [kept(str(i), (28, 28), seed=i) for i in range(10)]
        block = pack({}, None, answers, 12_000)
        header, _ = unpack(block)
        found = layers(block)
        assert len(block) <= 12_000
        assert found == [str(i) for i in range(10 - len(found), 10)]
        assert 2 < len(found) < 10
        assert header["left_out"] == 10 - len(found)

    def test_a_single_answer_gets_as_coarse_as_it_must(self):
        block = pack({}, None, [kept("x", *[(64, 64)] * 20)], 16_000)
        assert len(block) <= 16_000
        assert unpack(block)[0]["side"] == 14
        assert layers(pack({}, None, [kept("x", *[(64, 64)] * 2000)], 10_000)) == []

    def test_the_rim_of_a_map_is_averaged_over_what_is_there(self):
        m = np.arange(15, dtype=np.float32).reshape(3, 5)
        assert_allclose(archive.reduce(m, 3), [[3, 5, 6.5], [10.5, 12.5, 14]])
        m[0, 0] = np.nan
        assert np.isnan(archive.reduce(m, 3)).sum() == 1

    def test_a_map_of_few_values_keeps_to_them(self):
        m = np.repeat(np.repeat(np.array([[1, np.nan, 7], [-2, 1, 3]], np.float32), 20, 0), 21, 1)
        smaller = archive.reduce(m, 21)
        assert smaller.shape == (14, 21)
        assert_allclose(smaller[2::7, 3::7], m[10::20, 10::21])
        assert set(smaller[np.isfinite(smaller)].tolist()) == {1, 7, -2, 3}

    def test_the_same_gives_the_same_bytes(self, monkeypatch):
        first = pack({}, None, [kept("x", (9, 9))], 10**6)
        monkeypatch.setattr(time, "time", lambda: 0)
        assert pack({}, None, [kept("x", (9, 9))], 10**6) == first
