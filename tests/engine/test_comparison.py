"""Methods and layers beside each other."""

import re
from dataclasses import replace

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import kx_widget as kx
from kx_widget.engine.explainer import Explainer
from tests import cases, models

METRICS = ["single_deletion", "sparseness", "mu_fidelity"]


@pytest.fixture(scope="module")
def case():
    keras.utils.set_random_seed(0)
    sizes = []
    explainer, x = Explainer(models.gated(sizes)), cases.photos(6)
    comparison = explainer.compare(
        x, "top", methods=["gradcam", "cam", "gradients"], layers=[None, "gate_before_head"], metrics=METRICS,
        cover="black",
    )  # fmt: skip
    return explainer, x, comparison, sizes


def test_a_comparison_is_the_evaluations_beside_each_other(case):
    explainer, x, comparison, _ = case
    layers = ["body/after_add", "gate_before_head"]
    expected = [*((method, layer) for method in ("gradcam", "cam") for layer in layers), ("gradients", None)]
    assert [(c.method, c.layer) for c in comparison.contenders] == expected
    for row, contender in enumerate(comparison.contenders):
        e = explainer.explain(x, "top", method=contender.method, layer=contender.layer)
        ev = explainer.evaluate(e, METRICS, images=x, cover="black")
        for name in METRICS:
            assert_allclose(comparison.scores[name][row], ev.scores[name], atol=1e-5)


def test_all_methods_share_the_passes_of_one(case):
    """Other classes, methods and layers take none but for their maps."""
    explainer, x, _, sizes = case
    layers = ["gate_before_head"]
    explainer.explain(x, [0], layer=layers[0])
    sizes.clear()
    methods = ["gradcam", "hirescam", "layercam", "eigencam"]
    explainer.compare(x, [0, 1], methods=methods, layers=layers, metrics=METRICS, cover="black")
    assert not sizes


def test_means_are_over_images_and_lie_in_their_intervals(case):
    _, _, comparison, _ = case
    scores = np.array([[[1.0, 3.0], [np.nan, np.nan], [np.nan, 4.0], [0.0, 0.0]]], np.float32)
    other = replace(comparison, contenders=comparison.contenders[:1], scores={"sparseness": scores})
    assert_allclose(other.means["sparseness"][0, 0], (2 + 4 + 0) / 3)
    assert_array_equal(other.told["sparseness"], [3])
    for name, means in comparison.means.items():
        told = comparison.told[name] > 0
        assert (means[told, 1] <= means[told, 0]).all()
        assert (means[told, 0] <= means[told, 2]).all()
    drawn = np.random.default_rng(0).standard_normal((1, 400, 1)).astype(np.float32)
    mean, low, high = replace(comparison, scores={"sparseness": drawn}).means["sparseness"][0]
    half = 1.96 * drawn.std(ddof=1) / 20
    assert_allclose([low, high], [mean - half, mean + half], atol=0.2 * half)


def test_the_best_come_first_and_those_without_a_mean_last(case):
    _, _, comparison, _ = case
    scores = np.array([0.5, np.nan, 0.9, 0.1, np.nan], np.float32)[:, None, None]
    other = replace(comparison, scores={**comparison.scores, "sparseness": scores})
    methods = comparison.contenders
    assert other.order("sparseness") == tuple(methods[row] for row in (2, 0, 3, 1, 4))
    with pytest.raises(kx.ParameterError, match="'srg' was not measured"):
        other.order("srg")


def test_a_comparison_is_a_table(case):
    _, _, comparison, _ = case
    assert repr(comparison).endswith("['sparseness', 'single_deletion', 'mu_fidelity']; 6 images × 1 targets)")
    titles, *rows = str(comparison).splitlines()
    assert titles.split("  ")[0] == "method and layer"
    assert re.match(r"gradcam · body/after_add  .*0\.\d{3} \(.* to .*\), 6 images", rows[0])
    page = comparison._repr_html_()
    assert "Sparseness ↑" in page
    assert page.count("<tr>") == 6
    pytest.importorskip("pandas")
    frame = comparison.to_dataframe()
    assert list(frame.columns[:5]) == ["method", "layer", "sparseness", "sparseness_low", "sparseness_high"]
    assert len(frame) == 5


def test_a_method_that_does_not_apply_says_so_in_its_row():
    explainer, x = Explainer(models.flattened()), cases.photos(2)
    comparison = explainer.compare(x, methods=["cam", "gradcam"], metrics=["sparseness"])
    assert "CAM needs global average pooling" in comparison.contenders[0].problem
    assert np.isnan(comparison.scores["sparseness"][0]).all()
    assert np.isfinite(comparison.scores["sparseness"][1]).all()
    assert "CAM needs global" in comparison._repr_html_()
    with pytest.raises(kx.ParameterError, match=r"nothing to compare\. cam · input: CAM needs"):
        explainer.compare(x, methods=["cam"], metrics=["sparseness"])
    with pytest.raises(kx.ParameterError, match="at least one method"):
        explainer.compare(x, methods=[], metrics=["sparseness"])
    with pytest.raises(kx.UnknownMethodError, match="no method 'gradcm'"):
        explainer.compare(x, methods=["gradcm"])
    with pytest.raises(kx.ParameterError, match="no metric 'sgr'"):
        explainer.compare(x, metrics=["sgr"])


def test_true_classes_are_compared_where_they_are_told(case):
    explainer, x, _, _ = case
    labels = [0, 1, 2, 3, None, 0]
    asked = {"methods": ["gradcam", "gradients"], "metrics": ["sparseness"]}
    true = explainer.compare(x, "true", labels=labels, **asked)
    expected = explainer.compare(x, np.array([[label or 0] for label in labels]), **asked).scores["sparseness"]
    expected[:, 4] = np.nan
    assert_allclose(true.scores["sparseness"], expected)
    with pytest.raises(kx.UnknownTargetError, match="there are no labels"):
        explainer.compare(x, "true", **asked)
