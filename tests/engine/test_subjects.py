"""Sentences about maps, in the words of what these explain."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from numpy.testing import assert_allclose

import kx_widget as kx
from kx_widget.engine.detectors import retinanet_boxes
from kx_widget.engine.evaluation import unmeasured
from kx_widget.engine.metrics import METRICS
from kx_widget.engine.subjects import Subject, common
from tests import models, segmenters
from tests.segmenters import photographs, retinanet

IMAGES = np.random.default_rng(0).random((2, 12, 12, 3)).astype(np.float32)
SPECIFIC = "whether it is specific to "
METRIC = METRICS["effective_area"]


def regression(outputs=2):
    net = models.pooled(None)
    return keras.Model(net.input, layers.Dense(outputs, name="values")(net.layers[-2].output))


def of_values(**more):
    return kx.Explainer(regression(), preprocess=None, output_names=[("age", "years"), ("height", "cm")], **more)


def said(explainer, e, images=IMAGES):
    """All that is told of the first map: each metric's sentence, and the verdict."""
    ev = explainer.evaluate(e, [METRIC.id, "random_logit"], images=images, controls=0)
    return ev.sentence(METRIC.id, 0, 0), ev.sentence("random_logit", 0, 0), ev.verdict(0, 0)


@pytest.mark.parametrize(
    ("subject", "speaks", "whole"),
    [
        (Subject(), "speaks for the class", "the class"),
        (Subject(where="where it wins"), "speaks for the class where it wins", "the class where it wins"),
        (Subject("contrast"), "speaks for the one class rather than the other", "the difference of the two classes"),
        (
            Subject("contrast of several"),
            "speaks for the class rather than the others",
            "the difference of the class and the others",
        ),
        (Subject("value", "age", "years"), "raises age", "age"),
        (Subject("value"), "raises the value", "the value"),
        (Subject("value", "{value}"), "raises {value}", "{value}"),
        (Subject("own", "entropy"), "raises entropy", "entropy"),
        (Subject("own"), "raises the target", "the target"),
        (Subject("detection", "cat · box 3"), "speaks for the detection", "the detection"),
    ],
)
def test_words_suit_what_is_explained(subject, speaks, whole):
    assert METRIC.meaning.format(value=0.25, **subject.words) == f"Half of what {speaks} lies in 25% of the picture."
    assert unmeasured({"weights", "stable", "faithful"}, subject) == [SPECIFIC + whole]


def test_what_several_have_in_common_is_spoken_of():
    ages = [Subject("value", "age", "years"), Subject("value", "height", "cm")]
    assert common(ages) == Subject("value")
    assert common(ages[:1] * 2) == ages[0]
    assert common([Subject(), Subject("contrast")]) == common([]) == Subject()


def test_sentences_about_a_value_name_it_and_no_class():
    x = of_values()
    e = x.explain(IMAGES, ["age", kx.contrast("age", "height")])
    ev = x.evaluate(e, [name for name, metric in METRICS.items() if "masks" not in metric.needs], images=IMAGES)
    told = [ev.sentence(name, i, t) for name in ev.metrics for i, t in np.ndindex(ev.shape)]
    told += [ev.verdict(*place) for place in np.ndindex(ev.shape)]
    told += [x.evaluate(e, ["sparseness"], images=IMAGES).verdict(0, 0)]
    assert "whether it is faithful to the value, whether it is specific to age" in told[-1]
    assert not [text for text in told if "the class" in text or "this class" in text or "other classes" in text]
    assert [ev.subjects[0][t] for t in (0, 1)] == [Subject("value", "age", "years"), Subject("value", "age − height")]
    assert "raises age − height" in ev.sentence(METRIC.id, 0, 1) or "nothing in the map is above 0" in ev.verdict(0, 1)


def test_one_value_has_no_other_to_be_like():
    x = kx.Explainer(regression(1), preprocess=None, output_names={"age": "years"})
    _, other, verdict = said(x, x.explain(IMAGES, "age"))
    assert other == "Random logit: there is no other class or value to ask for."
    assert verdict.endswith("specific to age, whether the weights matter, whether it is stable.")


def test_a_target_of_ones_own_and_one_read_from_a_file(tmp_path):
    x = kx.Explainer(models.pooled(None), preprocess=None)
    e = x.explain(IMAGES, kx.Target(lambda y: ops.max(y, -1) * 3, "strength", "dB"))
    assert e.subject(0, 0) == Subject("own", "strength", "dB")
    assert "specific to strength" in said(x, e)[2]
    e.save(tmp_path / "e.npz")
    assert kx.Explanation.load(tmp_path / "e.npz").subject(0, 0) == Subject("value", "strength", "dB")


def test_a_region_and_a_detection():
    images = segmenters.photographs()
    x = kx.Explainer(segmenters.unet(), preprocess=None)
    at = x.explain(images, 1, region=kx.region(pixel=(3, 3)))
    assert at.subject(0, 0).words["subject"] == "the class at this pixel"
    assert "specific to the class at this pixel" in x.evaluate(at, ["sparseness"], images=images).verdict(0, 0)
    net, images = retinanet(), photographs(1)
    target = kx.detection(retinanet_boxes(net, (64, 64)), (10, 12, 50, 40), (1, 3), "cat")
    x = kx.Explainer(net, preprocess=None, output="cls_logits")
    assert "specific to the detection" in said(x, x.explain(images, target, method="gradients"), images)[2]


def test_curves_of_a_value_tell_what_they_go_between(tmp_path):
    x = of_values()
    e = x.explain(IMAGES, ["age", "height"])
    ev = x.evaluate(e, ["deletion"], images=IMAGES, cover="black", controls=0)
    ends = np.stack([x.model(np.zeros_like(IMAGES)), x.model(IMAGES)], -1)
    assert_allclose(ev.ends, ends, rtol=1e-5, atol=1e-6)
    axes = ev.plot(0, 0).axes[0]
    assert axes.get_ylabel() == "age (years)"
    texts = [tick.get_text() for tick in axes.get_yticklabels()]
    assert texts == [f"{end:.2f}".replace("-", "−") for end in ends[0, 0]]
    ev.save(tmp_path / "ev.npz")
    kept = kx.Evaluation.load(tmp_path / "ev.npz")
    assert_allclose(kept.ends, ev.ends)
    assert kept.subjects == ev.subjects
    assert kept.verdict(0, 0) == ev.verdict(0, 0)
