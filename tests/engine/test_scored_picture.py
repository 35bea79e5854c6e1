"""What is shown of a curve is what was scored."""

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import kx_widget as kx
from kx_widget.engine.graph.compiled import Functions
from tests import models
from tests.engine.test_metric_laws import decisive

SIDE, STEPS = models.SIDE, 6


def ready(pixels):
    return np.asarray(pixels, np.float32) / 127.5 - 1


@pytest.fixture
def explainer():
    keras.utils.set_random_seed(0)
    return kx.Explainer(decisive(), preprocess=ready)


@pytest.fixture
def pictures():
    return np.random.default_rng(3).integers(0, 256, (3, SIDE, SIDE, 3), np.uint8)


@pytest.mark.parametrize("cover", ["blur", "mean", "black"])
def test_the_pixels_are_those_that_the_model_was_given(explainer, pictures, cover, monkeypatch):
    e = explainer.explain(pictures, [1, 2])
    given, predict = [], Functions.predict
    monkeypatch.setattr(Functions, "predict", lambda self, x: (given.extend(np.array(x)), predict(self, x))[1])
    ev = explainer.evaluate(e, "srg", images=pictures, steps=STEPS, cover=cover, controls=0)
    seen = {row.tobytes() for row in given}
    monkeypatch.undo()
    for curve in ("deletion", "insertion"):
        shares = ev.fractions if curve == "deletion" else 1 - ev.fractions[::-1]
        for step in range(1, STEPS):
            shown = explainer.scored_picture(e, 1, 1, step=step, curve=curve, images=pictures, steps=STEPS, cover=cover)
            assert ready(shown.pixels).tobytes() in seen
            assert shown.pixels.dtype == np.uint8
            scores, probabilities = explainer.predict(shown.pixels)
            assert_allclose(shown.scores, scores[0], rtol=1e-4, atol=1e-5)
            assert_allclose(shown.probabilities, probabilities[0], rtol=1e-4, atol=1e-6)
            assert_allclose(shown.probabilities[2], ev.curves[curve][1, 1, step], rtol=1e-5)
            assert shown.share == pytest.approx(shares[step])
            assert ev.tops[curve][1, 1, step] == shown.scores.argmax()


def test_the_ends_are_the_picture_and_the_cover(explainer, pictures):
    e = explainer.explain(pictures, [1])
    ask = {"images": pictures, "steps": STEPS, "cover": "black"}
    first, last = (explainer.scored_picture(e, 2, 0, step=step, **ask) for step in (0, STEPS))
    assert_array_equal(first.pixels, pictures[2])
    assert_array_equal(last.pixels, 0 * pictures[2])
    assert (first.share, last.share) == (0, 1)
    shown = explainer.scored_picture(e, 2, 0, step=STEPS, curve="insertion", **ask)
    assert_array_equal(shown.pixels, pictures[2])
    assert_array_equal(shown.scores, first.scores)


def test_one_that_was_scored_takes_no_pass(explainer, pictures):
    e = explainer.explain(pictures, [1])
    explainer.evaluate(e, "srg", images=pictures, controls=0)
    before = explainer.counts["predict"]
    explainer.scored_picture(e, 0, 0, step=4, images=pictures)
    assert explainer.counts["predict"] == before


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ({"image": 3}, "no image 3"),
        ({"step": 7}, "from 0"),
        ({"step": True}, "from 0"),
        ({"curve": "road"}, "deletion, insertion"),
        ({"cover": "noise"}, "cover"),
    ],
)
def test_a_step_that_there_is_not(explainer, pictures, place, words):
    e = explainer.explain(pictures, [1])
    with pytest.raises(kx.ParameterError, match=words):
        explainer.scored_picture(e, **{"step": 1, "images": pictures, "steps": STEPS, **place})


def test_a_flat_map_has_no_order(explainer, pictures):
    e = explainer.explain(pictures, [1])
    e.maps[1] = 0
    with pytest.raises(kx.ParameterError, match="Flat"):
        explainer.scored_picture(e, 1, step=1, images=pictures)


def test_the_part_of_one_image_is_measured_as_the_whole(explainer, pictures):
    e = explainer.explain(pictures, ["top", "top-2"])
    part = e.of_image(-1)
    assert_array_equal(part.maps[0], e.maps[2])
    assert part.target_names == e.target_names[2:]
    assert part.names == e.names[2:]
    metrics = ["single_deletion", "srg", "random_logit"]
    whole = explainer.evaluate(e, metrics, images=pictures)
    alone = explainer.evaluate(part, metrics, images=explainer.load(pictures).where(np.array([0, 0, 1], bool)))
    for name in metrics:
        assert_allclose(alone.scores[name][0], whole.scores[name][2], rtol=1e-4, atol=1e-5)
    assert alone.verdict(0, 0) == whole.verdict(2, 0)
    with pytest.raises(kx.ParameterError, match="no image 3"):
        e.of_image(3)


def test_cells_are_what_covering_each_alone_costs(explainer, pictures):
    e = explainer.explain(pictures, ["top"])
    ev = explainer.evaluate(e, {"single_deletion": {"grid": 2}}, images=pictures, cover="black")
    half = SIDE // 2
    masks = np.zeros((4, SIDE, SIDE), bool)
    for cell in range(4):
        masks[cell, cell // 2 * half : cell // 2 * half + half, cell % 2 * half : cell % 2 * half + half] = True
    _, probabilities = explainer.what_if(pictures, masks, cover="black")
    tops = e.targets[:, 0]
    expected = e.probabilities - probabilities[np.arange(3), :, tops]
    assert_allclose(ev.cells["losses"][:, 0], expected, rtol=1e-4, atol=1e-6)
    maps = e.heatmaps(sign="signed", scale="all", clip=100)[:, 0]
    by_hand = [[maps[i][mask].sum() for mask in masks] for i in range(3)]
    ratio = ev.cells["sums"][:, 0] / np.array(by_hand)
    assert_allclose(ratio, np.full_like(ratio, ratio[0, 0]), rtol=1e-3)


def test_what_is_known_of_a_map_in_a_word(explainer, pictures, tmp_path):
    e = explainer.explain(pictures, ["top"])
    e.maps[1] = 3
    ev = explainer.evaluate(e, ["sparseness", "single_deletion", "srg"], images=pictures)
    assert ev.state(1, 0) == "unknown"
    assert ev.headline(1, 0) == ev.verdict(1, 0)
    for image in (0, 2):
        words = {"weak": "no better than chance", "holds": "better than chance", "unknown": "cannot be told"}
        assert ev.headline(image, 0).lower().startswith(words[ev.state(image, 0)])
    free = explainer.evaluate(e, ["sparseness"], images=pictures)
    assert (free.state(0, 0), free.headline(0, 0)) == ("unmeasured", "Not measured yet.")
    ev.save(tmp_path / "evidence.npz")
    kept = kx.Evaluation.load(tmp_path / "evidence.npz")
    for name in ("cells", "tops", "curves"):
        assert {key: values.tolist() for key, values in getattr(kept, name).items()}.keys() == getattr(ev, name).keys()
        for key, values in getattr(ev, name).items():
            assert_array_equal(getattr(kept, name)[key], values)
    low, mean, high = (kept.curves[name][0] for name in ("random_low", "random", "random_high"))
    assert (low <= mean + 1e-6).all()
    assert (mean <= high + 1e-6).all()
    assert (low[..., 1:-1] < high[..., 1:-1]).all()


def test_the_shares_that_take_and_keep_the_prediction(explainer, pictures):
    e = explainer.explain(pictures, ["top"])
    ev = explainer.evaluate(e, ["srg"], images=pictures, controls=0, cover="black")
    for image in range(3):
        for curve, wants_same in (("deletion", False), ("insertion", True)):
            same = ev.tops[curve][image, 0] == e.targets[image, 0]
            shares = ev.fractions if curve == "deletion" else 1 - ev.fractions[::-1]
            steps = [step for step in range(11) if same[step] == wants_same]
            share = ev.smallest_share(curve, image, 0)
            if not steps or (wants_same and steps[0] == 0):
                assert np.isnan(share)
            else:
                assert share == pytest.approx(shares[steps[0]])
    assert np.isnan(explainer.evaluate(e, "sparseness", images=pictures).smallest_share("deletion", 0, 0))
