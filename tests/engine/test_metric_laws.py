"""Metrics against laws that hold of any right implementation, and against loops written here."""

import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from kx_widget.engine.covering import step_counts
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.imputation import impute
from kx_widget.engine.metrics import METRICS
from kx_widget.engine.statistics import bootstrap, gini, pearson, smallest_share, spearman
from tests import cases, models, segmenters

SIDE, STEPS = models.SIDE, 10
RANKS = ("srg", "deletion", "insertion", "aopc")
TABLES = ("single_deletion", "mu_fidelity", "infidelity")


def linear():
    """Scores that are a weighted sum of the pixels."""
    image = keras.Input((SIDE, SIDE, 3))
    dense = keras.layers.Dense(models.CLASSES, use_bias=False, kernel_initializer=keras.initializers.RandomNormal(1, 2))
    return keras.Model(image, dense(keras.layers.Flatten()(image)), name="linear")


def pictures(n=3, seed=0):
    return np.random.default_rng(seed).uniform(0, 1, (n, SIDE, SIDE, 3)).astype(np.float32)


def decisive():
    """The residual model with a head that makes up its mind, but for a picture of nothing, so that covering matters."""
    model = models.residual()
    kernel, _ = model.layers[-1].get_weights()
    nothing = keras.Model(model.inputs[0], model.layers[-2].output)(np.zeros((1, SIDE, SIDE, 3), np.float32)).numpy()
    model.layers[-1].set_weights([20 * kernel, -20 * (nothing @ kernel)[0]])
    return model


@pytest.fixture(scope="module")
def linear_case():
    keras.utils.set_random_seed(0)
    model, x = linear(), pictures()
    explainer = Explainer(model)
    e = explainer.explain(x, ["top"], method="gradient_x_input")
    assert (e.scores > 1).all()
    return explainer, x, e


def test_deletion_of_a_linear_model_is_its_score_less_the_cumulative_sum(linear_case):
    explainer, x, e = linear_case
    ev = explainer.evaluate(e, ["deletion", "insertion"], images=x, cover="black", steps=STEPS)
    for i, values in enumerate(e.maps[:, 0]):
        cumulative = np.concatenate([[0], np.cumsum(-np.sort(-values.ravel().astype(np.float64)))])
        counts = step_counts(SIDE**2, STEPS)
        expected = 1 - cumulative[counts] / cumulative[-1]
        assert_allclose(ev.curves["deletion"][i, 0], expected, atol=1e-5)
        assert_allclose(ev.curves["deletion"][i, 0] + ev.curves["insertion"][i, 0], 1, atol=1e-5)
        at = counts / SIDE**2
        area = (np.diff(at) * (expected[1:] + expected[:-1]) / 2).sum()
        assert_allclose(ev.scores["deletion"][i, 0], area, atol=1e-5)
        assert_allclose(ev.scores["insertion"][i, 0], 1 - area, atol=1e-5)


def test_a_linear_model_is_explained_wholly_by_its_terms(linear_case):
    explainer, x, e = linear_case
    metrics = {"mu_fidelity": {"correlation": "pearson"}, "single_deletion": {}, "infidelity": {}}
    ev = explainer.evaluate(e, metrics, images=x, cover="black", controls=0)
    assert_allclose(ev.scores["mu_fidelity"], 1, atol=1e-5)
    assert_allclose(ev.scores["single_deletion"], 1, atol=1e-6)
    assert_allclose(ev.scores["infidelity"], 0, atol=1e-5)
    ev = explainer.evaluate(replace(e, maps=-e.maps), metrics, images=x, cover="black", controls=0)
    assert_allclose(ev.scores["mu_fidelity"], -1, atol=1e-5)
    assert_array_equal(ev.scores["infidelity"], 1)


@pytest.mark.parametrize(("cells", "is_told"), [(1, False), (3, False), (4, True), (16, True)])
def test_the_order_of_cells_is_told_where_a_quarter_of_them_count(cells, is_told):
    side = SIDE // 4
    weights = np.zeros((4, side, 4, side, 3, models.CLASSES), np.float32)
    for cell in range(cells):
        weights[cell // 4, :, cell % 4] = 1 + 7 * cell % 16
    model = linear()
    model.set_weights([weights.reshape(-1, models.CLASSES)])
    x = np.ones((1, SIDE, SIDE, 3), np.float32)
    explainer = Explainer(model)
    e = explainer.explain(x, [0], method="gradient_x_input")
    ev = explainer.evaluate(e, ["single_deletion"], images=x, cover="black")
    assert np.isfinite(ev.scores["single_deletion"][0, 0]) == is_told
    if not is_told:
        assert any("fewer than a quarter of the cells" in note for note in ev.notes[0][0])
    elif cells == 16:
        assert_allclose(ev.scores["single_deletion"], 1, atol=1e-6)
        assert ev.z["single_deletion"][0, 0] > 2


@pytest.fixture(scope="module")
def decisive_case():
    """A model, images, and maps of all sorts of sizes, of noise, so that no two values are equal."""
    keras.utils.set_random_seed(0)
    model, x = decisive(), cases.photos(4)
    explainer = Explainer(model)
    e = explainer.explain(x, ["top", "top-2"])
    noise = np.random.default_rng(1).standard_normal((4, 2, SIDE, SIDE)).astype(np.float32)
    return explainer, model, x, replace(e, maps=noise)


def reached(ev, name):
    assert np.isfinite(ev.scores[name]).sum() >= 2, "this case is to be one where something is told"
    return ev.scores[name]


def test_curves_are_those_of_one_picture_at_a_time(decisive_case):
    explainer, model, x, e = decisive_case
    ev = explainer.evaluate(e, ["srg"], images=x, cover="mean", controls=0)
    counts = step_counts(SIDE**2, STEPS)
    for i, t in np.ndindex(e.targets.shape):
        order = np.argsort(-e.maps[i, t].ravel())
        deleted, inserted = [], []
        for count in counts:
            covered, shown = x[i].reshape(-1, 3).copy(), np.tile(x[i].mean((0, 1)), (SIDE**2, 1))
            covered[order[:count]] = shown[0]
            shown[order[:count]] = x[i].reshape(-1, 3)[order[:count]]
            deleted.append(covered.reshape(x[i].shape))
            inserted.append(shown.reshape(x[i].shape))
        p = [model(np.array(pictures)).numpy()[:, e.targets[i, t]] for pictures in (deleted, inserted)]
        assert_allclose(ev.curves["deletion"][i, t], p[0], atol=1e-4)
        assert_allclose(ev.curves["insertion"][i, t], p[1], atol=1e-4)
        if p[0][0] - p[0][-1] > 0.201:
            assert_allclose(ev.scores["srg"][i, t], np.trapezoid(p[1] - p[0], counts / SIDE**2), atol=1e-4)
        elif p[0][0] - p[0][-1] < 0.199:
            assert np.isnan(ev.scores["srg"][i, t])
            assert "hardly falls" in ev.notes[i][t][0]
    reached(ev, "srg")


def test_least_relevant_first_is_insertion_in_a_mirror(decisive_case):
    explainer, _, x, e = decisive_case
    metrics = {"insertion": {}, "aopc": {"order": "lerf"}}
    ev = explainer.evaluate(e, metrics, images=x, controls=0)
    turned = explainer.evaluate(replace(e, maps=-e.maps), {"deletion": {}, "aopc": {}}, images=x, controls=0)
    assert_array_equal(turned.curves["deletion"], ev.curves["insertion"][..., ::-1])
    assert_array_equal(turned.scores["aopc"], reached(ev, "aopc"))
    assert (ev.better["aopc"], turned.better["aopc"]) == ("lower", "higher")


def test_the_opposite_of_a_map_has_the_opposite_gain(decisive_case):
    explainer, _, x, e = decisive_case
    there = explainer.evaluate(e, ["srg", "single_deletion"], images=x, controls=0)
    back = explainer.evaluate(replace(e, maps=-e.maps), ["srg", "single_deletion"], images=x, controls=0)
    assert_allclose(back.scores["srg"], -reached(there, "srg"), atol=1e-6)
    assert_allclose(back.scores["single_deletion"], -reached(there, "single_deletion"), atol=1e-6)


def test_only_the_order_of_a_map_counts_for_its_curves_and_no_scale_for_the_others(decisive_case):
    explainer, _, x, e = decisive_case
    plain = explainer.evaluate(e, RANKS, images=x, controls=0)
    cubed = explainer.evaluate(replace(e, maps=e.maps**3), RANKS, images=x, controls=0)
    for name in RANKS:
        assert_array_equal(cubed.scores[name], reached(plain, name))
    plain = explainer.evaluate(e, TABLES, images=x, controls=0)
    scaled = explainer.evaluate(replace(e, maps=1000 * e.maps), TABLES, images=x, controls=0)
    for name in TABLES:
        assert_allclose(scaled.scores[name], reached(plain, name), rtol=1e-4, atol=1e-6)


def test_random_maps_gain_nothing_on_average(decisive_case):
    """As a map and its negative gain the same with two signs, their mean is 0 and not only near it."""
    explainer, _, x, e = decisive_case
    ev = explainer.evaluate(e, ["srg", "single_deletion", "mu_fidelity"], images=x)
    for name in ("srg", "single_deletion", "mu_fidelity"):
        told = np.isfinite(reached(ev, name))
        assert_allclose(ev.control[name][told][:, 0], 0, atol=1e-6)
        assert (ev.control[name][told][:, 1] > 0).all()
        assert_array_equal(ev.control[name][told][:, 2], 8 if name == "srg" else 64)
        assert np.isnan(ev.control[name][~told]).all()
    # The maps here are random, too.
    assert np.nanmean(np.abs(ev.z["srg"])) < 2.5


def test_targets_are_compared_with_random_maps_as_if_each_were_alone(decisive_case):
    explainer, _, x, e = decisive_case
    both = explainer.evaluate(e, ["srg", *TABLES], images=x)
    names = tuple((name,) for _, name in e.target_names)
    parts = {name: getattr(e, name)[:, 1:] for name in ("maps", "scores", "probabilities", "targets")}
    alone = explainer.evaluate(replace(e, **parts, target_names=names, notes=()), ["srg", *TABLES], images=x)
    for name, control in alone.control.items():
        assert_allclose(control[:, 0], both.control[name][:, 1], atol=1e-5)


def test_a_map_that_says_nothing_is_told_nothing_of(decisive_case):
    explainer, _, x, e = decisive_case
    maps = e.maps.copy()
    maps[0], maps[1, 0], maps[2, 1, 3, 3] = 0, 7, np.nan
    metrics = [name for name in METRICS if "masks" not in METRICS[name].needs]
    ev = explainer.evaluate(replace(e, maps=maps), metrics, images=x, controls=0)
    for name, values in ev.scores.items():
        assert np.isnan(values[[0, 0, 1, 2], [0, 1, 0, 1]]).all(), name
    assert ev.notes[0][0][0].startswith("Flat: the map is 0 everywhere")
    assert ev.verdict(1, 0).startswith("Flat: the map is 7 everywhere")
    assert ev.verdict(2, 1).startswith("Gaps: 1 of")
    whole = explainer.evaluate(e, metrics, images=x, controls=0)
    for name, values in ev.scores.items():
        assert_array_equal(values[3], whole.scores[name][3])


def test_eigencam_is_the_same_for_all_classes_and_gradcam_is_not():
    explainer, x = Explainer(models.flattened()), cases.photos()
    scores = {
        method: explainer.evaluate(explainer.explain(x, [1], method=method), ["random_logit"], images=x)
        for method in ("eigencam", "gradcam")
    }
    assert_allclose(scores["eigencam"].scores["random_logit"], 1, atol=1e-6)
    assert scores["eigencam"].verdict(0, 0).startswith("The maps of other classes look the same")
    assert (scores["gradcam"].scores["random_logit"] < 0.99).all()


def test_random_logit_is_the_correlation_with_the_best_other_classes_and_with_drawn_ones():
    explainer, x = Explainer(models.flattened()), cases.photos()
    e = explainer.explain(x, [1])
    all_maps = explainer.explain(x, [0, 1, 2, 3]).maps.reshape(3, 4, -1)
    others = [[c for c in np.argsort(-scores) if c != 1] for scores in explainer.predict(x)[0]]
    alike = np.array(
        [[np.corrcoef(maps[1], maps[c])[0, 1] for c in of] for maps, of in zip(all_maps, others, strict=True)]
    )

    def values(seed=0, **params):
        return explainer.evaluate(e, {"random_logit": params}, images=x, seed=seed).scores["random_logit"][:, 0]

    assert_allclose(values(classes=2, drawn=0), alike[:, :2].mean(1), atol=1e-5)
    assert_allclose(values(classes=2, drawn=1), alike.mean(1), atol=1e-5)
    assert_allclose(values(classes=9, drawn=9), alike.mean(1), atol=1e-5)
    drawn = np.stack([values(seed, classes=1, drawn=1) for seed in range(12)], 1)
    either = (alike[:, :1] + alike[:, 1:]) / 2
    gaps = np.abs(drawn[..., None] - either[:, None])
    assert_allclose(gaps.min(2), 0, atol=1e-5)
    assert all(set(row) == {0, 1} for row in gaps.argmin(2)), "each of the rest is drawn now and then"


def test_random_logit_of_a_segmenter_asks_about_classes_that_win_somewhere():
    net = segmenters.unet()
    kernel, bias = net.get_layer("classes").get_weights()
    # No score is above 0, which is what classes that win nowhere have.
    net.get_layer("classes").set_weights([kernel, bias - 50])
    x = segmenters.photographs()
    x = np.concatenate([x[:1], np.full_like(x[:1], 0.5), np.zeros_like(x[:1])])
    y = net(x).numpy()
    winners = y.argmax(-1)
    assert [sorted(np.unique(w)) for w in winners] == [[0, 1, 2, 3, 4], [1, 2, 4], [1]]
    explainer = Explainer(net, preprocess=None)
    e = explainer.explain(x, 1, layer="last")
    maps = [explainer.explain(x, c, layer="last").maps[:, 0] for c in range(segmenters.CLASSES)]

    def alike(i, others):
        return [np.corrcoef(maps[1][i].ravel(), maps[c][i].ravel())[0, 1] for c in others]

    ev = explainer.evaluate(e, {"random_logit": {"classes": 3, "drawn": 1}}, images=x)
    want = [np.mean(alike(0, [0, 2, 3, 4])), np.mean(alike(1, [2, 4]))]
    assert_allclose(ev.scores["random_logit"][:2, 0], want, atol=1e-5)
    assert np.isnan(ev.scores["random_logit"][2, 0])
    assert "no other class wins anywhere" in ev.notes[2][0][0]
    ev = explainer.evaluate(e, {"random_logit": {"classes": 1, "drawn": 0}}, images=x)
    best = [max((y[i, w == c, c].mean(), c) for c in np.unique(w) if c != 1)[1] for i, w in enumerate(winners[:2])]
    assert_allclose(ev.scores["random_logit"][:2, 0], [alike(i, [c])[0] for i, c in enumerate(best)], atol=1e-5)
    of_one = explainer.evaluate(e.of_image(1), {"random_logit": {"classes": 1, "drawn": 0}}, images=x[1:2])
    assert_allclose(of_one.scores["random_logit"][0], ev.scores["random_logit"][1], atol=1e-6)


@pytest.mark.parametrize("method", ["cam", "gradcam", "hirescam", "xgradcam"])
def test_maps_before_a_pooled_linear_head_add_up_to_what_it_adds_to_the_bias(method):
    explainer, x = Explainer(models.pooled()), cases.photos()
    e = explainer.explain(x, ["top", 2], method=method)
    ev = explainer.evaluate(e, ["completeness"], images=x)
    assert_allclose(ev.scores["completeness"], 0, atol=1e-4)
    more = explainer.evaluate(replace(e, maps=1.5 * e.maps), ["completeness"], images=x)
    assert_allclose(more.scores["completeness"], 0.5, atol=1e-4)


def test_completeness_is_told_by_integrated_gradients_and_of_no_other():
    explainer, x = Explainer(models.flattened()), cases.photos()
    e = explainer.explain(x, [1], method="integrated_gradients", steps=8)
    ev = explainer.evaluate(e, ["completeness"], images=x)
    assert_array_equal(ev.scores["completeness"], e.checks["completeness_gap"])
    ev = explainer.evaluate(explainer.explain(x, [1]), ["completeness"], images=x)
    assert np.isnan(ev.scores["completeness"]).all()
    assert "need not add up" in ev.notes[0][0][0]


def test_metrics_of_a_place_are_told_by_where_the_map_is():
    explainer, x = Explainer(models.flattened()), cases.photos(3)
    e = explainer.explain(x, [1])
    maps, masks = np.zeros((3, 1, SIDE, SIDE), np.float32), np.zeros((3, SIDE, SIDE))
    masks[:2, 2:6, 2:6] = 1
    maps[0, 0, 3, 3], maps[0, 0, 10, 10], maps[1, 0, 10, 2] = 3, 1, 1
    maps[:, 0, 0, 0] = -5
    metrics = {"pointing_game": {"tolerance": 4}, "relevance_mass_accuracy": {}, "relevance_rank_accuracy": {}}
    ev = explainer.evaluate(replace(e, maps=maps), metrics, images=x, masks=masks)
    assert_array_equal(ev.scores["pointing_game"][:, 0], [1, 0, np.nan])
    assert_allclose(ev.scores["relevance_mass_accuracy"][:, 0], [0.75, 0, np.nan])
    near = explainer.evaluate(replace(e, maps=maps), {"pointing_game": {"tolerance": 5}}, images=x, masks=masks)
    assert near.scores["pointing_game"][1, 0] == 1
    assert "is empty" in ev.notes[2][0][0]
    maps[:] = np.random.default_rng(0).standard_normal(maps.shape)
    ranked = explainer.evaluate(replace(e, maps=maps), ["relevance_rank_accuracy"], images=x, masks=masks)
    best = np.argsort(-maps[0, 0].ravel())[:16]
    assert_allclose(ranked.scores["relevance_rank_accuracy"][0, 0], masks[0].ravel()[best].mean())


def test_max_sensitivity_is_the_farthest_of_noisy_copies():
    """Of Grad-CAM on a linear model the map is the input's weights, whatever the noise; of φ = x ⊙ w it is not."""
    keras.utils.set_random_seed(0)
    explainer, x = Explainer(linear()), pictures()
    still = explainer.explain(x, [1], method="gradients", channels="sum")
    ev = explainer.evaluate(still, ["max_sensitivity"], images=x)
    assert_allclose(ev.scores["max_sensitivity"], 0, atol=1e-6)
    e = explainer.explain(x, [1], method="gradient_x_input")
    near, far = (
        explainer.evaluate(e, {"max_sensitivity": {"radius": radius}}, images=x).scores["max_sensitivity"]
        for radius in (0.01, 0.02)
    )
    assert_allclose(far, 2 * near, rtol=1e-3)
    assert (near > 0).all()


def test_a_ramp_is_made_up_as_it_was():
    """Each of its pixels is the mean of its neighbours, so that holes inside it are filled without a trace."""
    y, x = np.mgrid[:9, :11]
    ramp = np.stack([y + 2 * x, 3 * y, x - y], -1).astype(np.float32)
    removed = np.zeros((9, 11), bool)
    removed[2:7, 3:9] = True
    assert_allclose(impute(np.where(removed[..., None], np.float32(99), ramp), removed), ramp, atol=1e-4)
    assert_array_equal(impute(ramp, ~np.ones_like(removed)), ramp)


def test_road_is_the_mean_over_pictures_made_up_one_by_one(decisive_case):
    explainer, model, x, e = decisive_case
    ev = explainer.evaluate(e, {"road": {"noise": 0}}, images=x, steps=4)
    counts = step_counts(SIDE**2, 4)[1:-1]
    for i, t in np.ndindex(e.targets.shape):
        order = np.argsort(-e.maps[i, t].ravel())
        gains = []
        for count in counts:
            pair = []
            for gone in (order[-count:], order[:count]):
                removed = np.zeros(SIDE**2, bool)
                removed[gone] = True
                pair.append(impute(x[i], removed.reshape(SIDE, SIDE)))
            p = model(np.array(pair)).numpy()[:, e.targets[i, t]]
            gains.append((p[0] - p[1]) / 2)
        if np.isfinite(ev.scores["road"][i, t]):
            assert_allclose(ev.scores["road"][i, t], np.mean(gains), atol=1e-4)
    reached(ev, "road")
    noisy = explainer.evaluate(e, {"road": {"noise": 0.1}}, images=x, steps=4)
    assert not np.allclose(noisy.scores["road"], ev.scores["road"], atol=1e-4, equal_nan=True)


def test_road_says_that_it_needs_scipy(decisive_case, monkeypatch):
    _, model, x, e = decisive_case
    monkeypatch.setitem(sys.modules, "scipy.sparse", None)
    ev = Explainer(model).evaluate(e, ["road", "sparseness"], images=x)
    assert np.isnan(ev.scores["road"]).all()
    assert ev.notes[0][0] == ("ROAD: it needs scipy: pip install scipy.",)
    assert np.isfinite(ev.scores["sparseness"]).all()


def test_statistics_are_those_of_scipy():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 6, (2, 5, 40)), rng.standard_normal((2, 5, 40))
    for i, j in np.ndindex(2, 5):
        assert_allclose(pearson(a, b)[i, j], stats.pearsonr(a[i, j], b[i, j])[0], atol=1e-6)
        assert_allclose(spearman(a, b)[i, j], stats.spearmanr(a[i, j], b[i, j])[0], atol=1e-6)
    assert np.isnan(pearson(np.full(5, 0.1), np.arange(5)))
    assert_allclose(pearson(a, 3 * a + 1), 1, atol=1e-6)


def test_shares_on_paper():
    hot = np.eye(8)[3]
    assert_allclose(gini(hot), 1 - 1 / 8)
    assert gini(np.ones(8)) == 0
    assert np.isnan(gini(np.zeros(8)))
    assert_allclose(smallest_share([4, 2, 1, 1], 0.5), 1 / 4)
    assert_allclose(smallest_share([4, 2, 1, 1], 0.625), 1.5 / 4)
    assert_allclose(smallest_share(np.ones(10), 0.5), 0.5)
    assert np.isnan(smallest_share(np.zeros(3), 0.5))
    mean, low, high = bootstrap(np.arange(100.0))
    assert mean == 49.5
    assert low == pytest.approx(49.5 - 1.96 * 2.887, abs=0.6)
    assert high == pytest.approx(49.5 + 1.96 * 2.887, abs=0.6)
    assert np.isnan(bootstrap([np.nan])).all()


def test_form_does_not_depend_on_the_size_of_a_map():
    explainer, x = Explainer(models.flattened()), cases.photos(1)
    e = explainer.explain(x, [1])
    small = np.zeros((1, 1, 7, 7), np.float32)
    small[0, 0, 2, 3] = 2
    for maps in (small, small.repeat(2, 2).repeat(2, 3), small.repeat(8, 2).repeat(8, 3)):
        ev = explainer.evaluate(replace(e, maps=maps), ["sparseness", "effective_area"], images=x)
        assert_allclose(ev.scores["sparseness"], 1 - 1 / 49, atol=1e-6)
        assert_allclose(ev.scores["effective_area"], 0.5 / 49, atol=1e-6)


@pytest.mark.parametrize("pixels", [144, 145, 89401])
@pytest.mark.parametrize("steps", [2, 3, 10])
def test_counts_of_a_curve_are_symmetric(pixels, steps):
    counts = step_counts(pixels, steps)
    assert len(counts) == steps + 1
    assert (counts[0], counts[-1]) == (0, pixels)
    assert_allclose(counts, np.arange(steps + 1) * pixels / steps, atol=0.5)
    off = counts + counts[::-1] - pixels
    assert not np.delete(off, steps // 2).any()
    assert not (off.any() and pixels % 2 == 0)


def test_every_metric_is_in_the_documentation():
    text = (Path(__file__).parents[2] / "docs/evidence.md").read_text(encoding="utf-8")
    table = text.partition("\n## The metrics\n")[2].partition("\n## ")[0]
    rows = {line.split("`")[1]: line.split("|")[2] for line in table.splitlines() if line.startswith("| `")}
    assert rows.keys() == METRICS.keys()
    for name, metric in METRICS.items():
        assert metric.better({}) in rows[name]
