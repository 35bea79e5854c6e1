"""Evaluations: what is computed once, what they refuse, how they are read and kept."""

import gc
import itertools
import weakref
from dataclasses import replace

import keras
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from numpy.testing import assert_allclose, assert_array_equal

import kx_widget as kx
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.metrics import METRICS
from tests import cases, models
from tests.engine.test_metric_laws import decisive

SIDE = models.SIDE
UNMASKED = [name for name, metric in METRICS.items() if "masks" not in metric.needs]


@pytest.fixture
def counted():
    """A model that tells how many images go through it, an explainer of it, images."""
    sizes = []
    return sizes, Explainer(models.gated(sizes)), cases.photos(3)


def through_the_model(sizes):
    """Images that went through the whole model: each passes two gates."""
    return sum(sizes) / 2


def test_passes_are_as_many_as_said(counted):
    sizes, explainer, x = counted
    e = explainer.explain(x, [1])
    for metric, count in (
        ({"single_deletion": {"grid": 3}}, 9),
        ({"mu_fidelity": {"masks": 20}}, 20),
        ("infidelity", 44),  # the masks of the other are its first ones
        ("srg", 19),
    ):
        sizes.clear()
        explainer.evaluate(e, metric, images=x, controls=0)
        assert through_the_model(sizes) == count * len(x)
    for metric in ("deletion", "insertion", "aopc", "srg", "sparseness", "effective_area"):
        sizes.clear()
        explainer.evaluate(e, metric, images=x, controls=0)
        assert not sizes, "the curves are known"


def test_another_class_method_or_layer_takes_no_pass_on_a_table(counted):
    sizes, explainer, x = counted
    tables = ["single_deletion", "mu_fidelity", "infidelity"]
    explainer.evaluate(explainer.explain(x, [1]), tables, images=x)
    for question in (
        {"targets": [0, 2]},
        {"targets": ["top"], "method": "hirescam"},
        {"targets": [1], "layer": "gate"},
    ):
        e = explainer.explain(x, **question)
        sizes.clear()
        explainer.evaluate(e, tables, images=x)
        assert not sizes


def test_a_method_of_many_passes_is_not_asked_again_unless_somebody_wants_it(counted):
    sizes, explainer, x = counted
    e = explainer.explain(x, [1], method="occlusion", patch=0.5)
    sizes.clear()
    ev = explainer.evaluate(e, images=x, controls=0)
    assert through_the_model(sizes) == (16 + 19) * len(x), "cells and curves alone"
    assert "randomization" not in ev.scores
    assert "whether the weights matter" in ev.verdict(0, 0).partition("not measured: ")[2]
    assert "randomization" in explainer.evaluate(e, ["randomization"], images=x).scores
    assert "randomization" in explainer.evaluate(explainer.explain(x, [1]), images=x, controls=0).scores


def test_random_orders_serve_all_maps_of_a_size():
    sizes = []
    model = models.gated(sizes)
    kernel, bias = model.layers[-1].get_weights()
    nothing = np.zeros((1, SIDE, SIDE, 3), np.float32)
    model.layers[-1].set_weights([20 * kernel, bias - 20 * np.log(model(nothing).numpy()[0])])
    sizes.clear()
    explainer, x = Explainer(model), cases.photos(3)
    e = explainer.explain(x, ["top"])
    first = explainer.evaluate(e, ["srg"], images=x)
    told = np.isfinite(first.scores["srg"]).sum()
    assert told >= 2
    other = explainer.explain(x, ["top"], method="layercam")
    sizes.clear()
    second = explainer.evaluate(other, ["srg", "deletion"], images=x)
    assert through_the_model(sizes) == 18 * len(x), "the blank picture and random orders are known"
    assert_array_equal(np.isfinite(second.control["deletion"][..., 0]), np.isfinite(second.scores["srg"]))


@pytest.fixture(scope="module")
def decisive_case():
    keras.utils.set_random_seed(0)
    explainer, x = Explainer(decisive()), cases.photos(5)
    return explainer, x, explainer.explain(x, ["top", "top-2"])


def alike(a, b, rows=slice(None)):
    for name in a.scores:
        assert_allclose(a.scores[name], b.scores[name][rows], rtol=1e-3, atol=1e-4, err_msg=name)
    for name in a.control:
        assert_allclose(a.control[name], b.control[name][rows], rtol=1e-3, atol=1e-3, err_msg=name)


def test_an_evaluation_does_not_depend_on_what_goes_together(decisive_case):
    explainer, x, e = decisive_case
    whole = explainer.evaluate(e, UNMASKED, images=x)
    alike(Explainer(explainer.model).evaluate(e, UNMASKED, images=x, batch_size=2), whole)
    order = [3, 0, 4]
    some = replace(
        e, maps=e.maps[order], scores=e.scores[order], probabilities=e.probabilities[order], targets=e.targets[order],
        target_names=tuple(e.target_names[i] for i in order), images=e.images[order],
        names=tuple(e.names[i] for i in order),
    )  # fmt: skip
    alike(Explainer(explainer.model).evaluate(some, UNMASKED, images=x[order]), whole, order)
    other = explainer.evaluate(e, ["mu_fidelity"], images=x, seed=1)
    assert not np.allclose(other.scores["mu_fidelity"], whole.scores["mu_fidelity"], equal_nan=True)


def test_a_stream_ends_with_the_whole_and_what_was_cancelled_is_kept(decisive_case):
    model, x, e = decisive_case[0].model, *decisive_case[1:]
    explainer = Explainer(model)
    *steps, last = explainer.evaluate_stream(e, ["sparseness", "srg", "single_deletion"], images=x, batch_size=2)
    assert last.done == 1
    done = [step.done for step in steps]
    assert done == sorted(done)
    assert len(set(done)) > 8
    assert np.isfinite(steps[0].scores["sparseness"][:2]).all()
    assert "not measured yet" in steps[0].notes[0][0][0]
    alike(last, explainer.evaluate(e, ["sparseness", "srg", "single_deletion"], images=x))
    other = Explainer(model)
    stream = other.evaluate_stream(e, {"mu_fidelity": {"masks": 200}}, images=x)
    assert len(list(itertools.islice(stream, 3))) == 3
    stream.close()
    made = other.counts["predict"]
    assert 3 <= made <= 4
    other.evaluate(e, {"mu_fidelity": {"masks": 15}}, images=x, controls=0)
    assert other.counts["predict"] == made, "the first passes are known"


def test_what_was_learned_about_images_is_not_held_until_the_end(decisive_case):
    explainer, x, e = decisive_case
    probes = []

    def alive(batch):
        probes.append(weakref.ref(batch.probe))
        gc.collect()
        return np.full(batch.indices.shape, sum(probe() is not None for probe in probes))

    counting = Explainer(explainer.model, metrics=[own(alive)])
    ev = counting.evaluate(e, "mine", images=x, batch_size=1)
    assert len(probes) == 5
    assert ev.scores["mine"].max() <= 2


def test_images_are_found_again_where_pictures_of_8_bits_tell_them():
    x = np.random.default_rng(0).integers(0, 256, (2, 20, 30, 3), np.uint8)
    explainer = Explainer(models.flattened(), preprocess=lambda batch: batch / 255)
    e = explainer.explain(x, ["top"])
    given = explainer.evaluate(e, ["mu_fidelity"], images=x)
    alike(explainer.evaluate(e, ["mu_fidelity"]), given)
    again = Explainer(explainer.model, preprocess=lambda batch: batch / 255)
    alike(again.evaluate(e, ["mu_fidelity"]), given)
    assert given.names == e.names


def test_maps_of_other_images_or_weights_are_refused(decisive_case):
    explainer, x, e = decisive_case
    with pytest.raises(kx.ParameterError, match=r"The maps do not belong to these images.*Pass images="):
        explainer.evaluate(e, images=x[::-1])
    with pytest.raises(kx.ParameterError, match="There are maps of 5 images, and 3 images"):
        explainer.evaluate(e, images=x[:3])
    with pytest.raises(kx.ParameterError, match="or to this model as it is now"):
        Explainer(models.residual()).evaluate(e, images=x)
    with pytest.raises(kx.ParameterError, match="explain classes that this model does not have"):
        Explainer(models.single_unit()).evaluate(replace(e, method="gradients", layer=None), images=x)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"metrics": "sgr"}, r"There is no metric 'sgr'\. Did you mean 'srg'\?"),
        ({"metrics": []}, "The list of metrics is empty"),
        ({"metrics": 3}, "metrics=3 must be a list of ids"),
        ({"metrics": {"aopc": {"order": "up"}}}, "AOPC: order='up' is not a choice"),
        ({"metrics": {"single_deletion": {"gird": 4}}}, "has no parameter 'gird'. Did you mean 'grid'"),
        ({"cover": "white"}, "cover='white' is not a choice"),
        ({"steps": 1}, "steps=1 is outside its range"),
        ({"controls": -1}, "controls=-1 is outside its range"),
        ({"stesp": 3}, "has no parameter 'stesp'. Did you mean 'steps'"),
        ({"masks": np.ones((5, 3, 3))}, r"masks of shape \(5, 3, 3\) and float64 must be \(5, 12, 12\)"),
        ({"masks": np.zeros((5, 12, 12))}, "masks are empty"),
        ({"masks": np.full((5, 12, 12), "a")}, "must be"),
        ({"masks": [[1], [1, 2]]}, "masks are no array"),
    ],
)
def test_bad_input_is_told(decisive_case, arguments, message):
    explainer, x, e = decisive_case
    with pytest.raises(kx.ParameterError, match=message):
        explainer.evaluate(e, images=x, **arguments)


def test_what_is_no_explanation_is_told(decisive_case):
    with pytest.raises(kx.ParameterError, match="ndarray is no Explanation: pass what explain"):
        decisive_case[0].evaluate(decisive_case[2].maps)


def test_what_a_metric_lacks_is_in_the_notes(decisive_case):
    explainer, x, e = decisive_case
    ev = explainer.evaluate(replace(e, method="mine"), ["random_logit", "pointing_game", "sparseness"], images=x)
    assert np.isnan(ev.scores["random_logit"]).all()
    assert np.isnan(ev.scores["pointing_game"]).all()
    assert np.isfinite(ev.scores["sparseness"]).all()
    notes = " ".join(ev.notes[0][0])
    assert "Pointing game: it needs masks of what counts" in notes
    assert "Random logit: this explainer has no method 'mine'" in notes
    assert ev.sentence("pointing_game", 0, 0).startswith("Pointing game: it needs masks")


def test_contrasts_of_classes_of_the_same_name_are_those_that_were_asked(decisive_case):
    _, x, _ = decisive_case
    named = Explainer(decisive_case[0].model, class_names=["crane", "crane", "cat", "dog"])
    targets = [kx.contrast(1, 2), kx.contrast(0, 1)]
    e = named.explain(x, targets)
    assert set(e.target_names) == {("class 1 − cat", "class 0 − class 1")}
    expected = decisive_case[0].evaluate(
        decisive_case[0].explain(x, targets), ["single_deletion"], images=x, cover="mean"
    )
    alike(named.evaluate(e, ["single_deletion"], images=x, cover="mean"), expected)
    assert np.isfinite(expected.scores["single_deletion"]).any()


def test_what_has_nothing_to_explain_says_why(decisive_case):
    explainer, x, _ = decisive_case
    top = explainer.predict(x)[0].argmax(1).tolist()
    labels = [top[0], None, *((c + 1) % 4 for c in top[2:])]
    e = explainer.explain(x, ["true", kx.contrast("top", "true")], labels=labels)
    ev = explainer.evaluate(e, ["sparseness", "random_logit"], images=x)
    assert ev.notes[1][0][0].startswith("No label: the true class of this image is not known")
    assert ev.verdict(0, 1).startswith("Same class: predicted and true are the same class")
    nothing = np.zeros((5, 2), bool)
    nothing[[0, 1, 1], [1, 0, 1]] = True
    for values in ev.scores.values():
        assert_array_equal(np.isnan(values), nothing)


def test_a_contrast_is_scored_from_what_is_blank_to_the_image(decisive_case):
    explainer, x, _ = decisive_case
    e = explainer.explain(x, [kx.contrast("top", "top-2"), kx.contrast(0, 1)])
    ev = explainer.evaluate(e, ["srg", "single_deletion"], images=x, cover="mean", controls=0)
    scores = explainer.predict(np.broadcast_to(x.mean((1, 2), keepdims=True), x.shape))[0]
    own = explainer.predict(x)[0]
    for i, t in np.ndindex(e.targets.shape):
        a, b = np.argsort(-own[i])[:2] if t == 0 else (0, 1)
        there, gone = own[i, a] - own[i, b], scores[i, a] - scores[i, b]
        assert np.isfinite(ev.scores["srg"][i, t]) == (there - gone >= 0.2 * max(abs(there), abs(gone)))
    told = np.isfinite(ev.scores["srg"])
    assert told.sum() >= 3
    assert_allclose(ev.curves["deletion"][told][:, 0], 1, atol=1e-5)
    assert_allclose(ev.curves["deletion"][told][:, -1], 0, atol=1e-5)


def test_covers_are_made_of_pixels_before_they_are_preprocessed():
    """With a preprocessing that is not in proportion, the mean of the model's numbers is another colour."""
    x = np.random.default_rng(0).integers(0, 256, (2, SIDE, SIDE, 3), np.uint8)

    def squared(batch):
        return (batch / 255) ** 2

    model = models.flattened()
    explainer = Explainer(model, preprocess=squared)
    scores, p = explainer.what_if(x, np.ones((1, SIDE, SIDE)), cover="mean")
    mean = np.broadcast_to(np.rint(x.mean((1, 2), keepdims=True)), x.shape).astype(np.float32)
    assert_allclose(p[:, 0], model(squared(mean)).numpy(), atol=1e-5)
    assert_allclose(scores[:, 0], Explainer(model).predict(squared(mean))[0], atol=1e-4)
    assert not np.allclose(p[:, 0], model(np.broadcast_to(squared(x).mean((1, 2), keepdims=True), x.shape)), atol=1e-3)


def test_what_if_is_the_model_asked_about_covered_pictures(decisive_case):
    explainer, x, _ = decisive_case
    masks = np.random.default_rng(0).random((3, SIDE, SIDE)) < 0.5
    black = np.full_like(x, -1)
    for keep in (False, True):
        scores, p = explainer.what_if(x, masks, cover="black", keep=keep)
        assert scores.shape == p.shape == (5, 3, 4)
        for m, mask in enumerate(masks):
            picture = np.where((~mask if keep else mask)[..., None], black, x)
            assert_allclose(p[:, m], explainer.model(picture).numpy(), atol=1e-4)
    soft = np.full((5, 1, SIDE, SIDE), 0.25)
    _, p = explainer.what_if(x, soft, cover="black")
    assert_allclose(p[:, 0], explainer.model(0.75 * x + 0.25 * black).numpy(), atol=1e-4)


def test_what_if_takes_one_pass_a_mask_and_none_the_second_time(counted):
    sizes, explainer, x = counted
    masks = np.random.default_rng(0).random((7, SIDE, SIDE)) < 0.5
    explainer.what_if(x, masks)
    assert through_the_model(sizes) == 7 * len(x)
    sizes.clear()
    explainer.what_if(x, masks)
    assert not sizes


@pytest.mark.parametrize(
    "masks", [np.ones((SIDE, SIDE)), np.ones((2, 5, 5)), np.ones((0, SIDE, SIDE)), np.full((1, SIDE, SIDE), 2.0),
              np.full((1, SIDE, SIDE), np.nan), np.full((1, SIDE, SIDE), "a"), None, [[1], [1, 2]]]
)  # fmt: skip
def test_masks_that_are_none_are_told(decisive_case, masks):
    with pytest.raises(kx.ParameterError, match=r"^masks "):
        decisive_case[0].what_if(decisive_case[1], masks)


def test_an_evaluation_is_kept_and_read(decisive_case, tmp_path):
    explainer, x, e = decisive_case
    ev = explainer.evaluate(e, {"srg": {}, "aopc": {"order": "lerf"}, "random_logit": {}}, images=x)
    ev.save(tmp_path / "ev.npz")
    kept = kx.Evaluation.load(tmp_path / "ev.npz")
    for name in ("scores", "curves", "control", "z"):
        mine, read = getattr(ev, name), getattr(kept, name)
        assert mine.keys() == read.keys()
        for key in mine:
            assert_array_equal(mine[key], read[key])
    assert_array_equal(ev.fractions, kept.fractions)
    assert (kept.better, kept.notes, kept.settings, kept.metrics["aopc"].params) == (
        ev.better, ev.notes, ev.settings, {"order": "lerf"},
    )  # fmt: skip
    for i, t in np.ndindex(ev.shape):
        assert kept.verdict(i, t) == ev.verdict(i, t)
    ev.save(tmp_path / "ev.html")
    page = (tmp_path / "ev.html").read_text(encoding="utf-8")
    assert "SRG ↑" in page
    assert "AOPC ↓" in page
    assert page.count("<tr>") == 11
    with pytest.raises(kx.FormatError, match="must end in"):
        ev.save(tmp_path / "ev.txt")
    e.save(tmp_path / "maps.npz")
    with pytest.raises(kx.FormatError, match="is not an evaluation"):
        kx.Evaluation.load(tmp_path / "maps.npz")
    with pytest.raises(kx.FormatError, match="is not an explanation"):
        kx.Explanation.load(tmp_path / "ev.npz")


def test_an_evaluation_is_a_table_and_a_figure(decisive_case):
    explainer, x, e = decisive_case
    ev = explainer.evaluate(e, ["srg", "sparseness"], images=x)
    pytest.importorskip("pandas")
    frame = ev.to_dataframe()
    assert list(frame.columns) == ["image", "target", "sparseness", "srg", "z_srg"]
    assert_array_equal(frame["srg"], ev.scores["srg"].ravel())
    pytest.importorskip("matplotlib")
    figure = ev.plot(1, 0)
    assert InteractiveShell().display_formatter.format(figure)[0]["image/png"].startswith(b"\x89PNG"), (
        "no pyplot is needed"
    )
    lines = figure.axes[0].get_lines()
    assert [line.get_label() for line in lines] == ["deletion", "insertion", "random"]
    assert_allclose(lines[0].get_ydata(), ev.curves["deletion"][1, 0])
    with pytest.raises(kx.ParameterError, match="There is no image 5"):
        ev.plot(5)
    with pytest.raises(kx.ParameterError, match="No curves were made"):
        explainer.evaluate(e, ["sparseness"], images=x).plot()
    assert repr(ev).startswith("Evaluation(sparseness=0.")


def test_a_verdict_tells_bad_news_first_and_what_was_not_measured(decisive_case):
    explainer, x, e = decisive_case
    ev = explainer.evaluate(replace(e, method="eigencam"), ["random_logit", "single_deletion"], images=x)
    doubtful = replace(ev, scores={**ev.scores, "random_logit": np.full((5, 2), 0.97, np.float32)})
    clear = np.stack([np.zeros((5, 2)), np.full((5, 2), 0.1), np.full((5, 2), 8)], -1)
    good = replace(doubtful, scores={**doubtful.scores, "single_deletion": np.full((5, 2), 0.9)})
    good = replace(good, control={"single_deletion": clear}, notes=(((), ()),) * 5)
    assert good.verdict(0, 0) == (
        "The maps of other classes look the same (ρ 0.97), so it shows where the model looks and not why this class; "
        "better than random maps as smooth in Single deletion (0.90, theirs 0.00 ± 0.10); "
        "not measured: whether the weights matter, whether it is stable."
    )
    bad = replace(good, scores={**good.scores, "single_deletion": np.full((5, 2), 0.1)})
    assert "not clearly better than random maps as smooth in Single deletion" in bad.verdict(0, 0)
    between = replace(good, scores={**good.scores, "single_deletion": np.full((5, 2), 0.25)})
    assert "not clearly better" in between.verdict(0, 0), "2.5 spreads of four pairs may be chance"
    of_many = replace(between, control={"single_deletion": clear * [1, 1, 8]})
    assert "not clearly better" not in of_many.verdict(0, 0)
    with pytest.raises(kx.ParameterError, match="There is no target 2"):
        ev.verdict(0, 2)
    with pytest.raises(kx.ParameterError, match="'srg' was not measured"):
        ev.sentence("srg", 0, 0)


def test_a_map_is_not_called_chance_where_not_even_the_best_would_stand_out(decisive_case):
    explainer, x, e = decisive_case
    ev = explainer.evaluate(e, ["single_deletion"], images=x)

    def evaluation(value, spread):
        control = np.stack([np.zeros((5, 2)), np.full((5, 2), spread), np.full((5, 2), 64)], -1)
        scores = {"single_deletion": np.full((5, 2), value)}
        return replace(ev, scores=scores, control={"single_deletion": control}, notes=(((), ()),) * 5)

    # 2 spreads are clear: the best value, 1, is that far from random maps that spread by 0.5, and not by 0.6.
    assert [evaluation(value, 0.5).state(0, 0) for value in (1, 0.9)] == ["holds", "weak"]
    beyond = evaluation(0.9, 0.6)
    assert beyond.state(0, 0) == "unknown"
    assert np.isnan(beyond.is_clear["single_deletion"]).all()
    assert beyond.verdict(0, 0).startswith("Cannot be told here: Single deletion; not measured: ")
    assert beyond.headline(0, 0) == (
        "Cannot be told. Single deletion: random maps as smooth differ so much here that not even the best one would "
        "stand out."
    )


def own(fn, **more):
    return kx.Metric(
        "mine", "Mine", fn, "higher", "faithful", (), "nothing", "It is {value:.1f}.", "an example", **more
    )


def test_a_metric_of_ones_own_is_asked_like_the_others(decisive_case):
    _, x, e = decisive_case

    def peak(batch, scale=1.0):
        return scale * batch.maps.max((-2, -1))

    def worst(batch):
        drops = yield from batch.cell_drops(2)
        yield drops.max(-1)

    explainer = kx.Explainer(
        decisive_case[0].model, metrics=[own(peak, params=(kx.Parameter("scale", "float", 1.0, "…"),))]
    )
    ev = explainer.evaluate(e, {"mine": {"scale": 2}}, images=x)
    assert_allclose(ev.scores["mine"], 2 * e.maps.max((-2, -1)))
    assert ev.sentence("mine", 0, 0) == f"It is {ev.scores['mine'][0, 0]:.1f}."
    assert explainer.settings.metrics == (explainer.metrics["mine"],)
    explainer = kx.Explainer(decisive_case[0].model, metrics=[own(worst)])
    covered = np.kron(np.eye(4).reshape(4, 2, 2), np.ones((SIDE // 2, SIDE // 2)))
    _, p = explainer.what_if(x, covered)
    expected = e.probabilities - np.take_along_axis(p, e.targets[:, None], 2).min(1)
    assert_allclose(explainer.evaluate(e, "mine", images=x).scores["mine"], expected, atol=1e-4)


def test_a_metric_of_ones_own_that_fails_is_named(decisive_case):
    _, x, e = decisive_case
    for fn, error, message in (
        (lambda batch: {}["a"], kx.KxError, r"Mine \('mine'\) raised KeyError: 'a'"),
        (lambda batch: np.ones(3), kx.ParameterError, r"Mine told ndarray of shape \(3,\)"),
        (lambda batch: None, kx.ParameterError, r"Mine told NoneType of shape \(\)"),
    ):
        with pytest.raises(error, match=message):
            kx.Explainer(decisive_case[0].model, metrics=[own(fn)]).evaluate(e, "mine", images=x)
    with pytest.raises(kx.ParameterError, match=r"is no kx\.Metric"):
        kx.Explainer(decisive_case[0].model, metrics=[len])
    with pytest.raises(kx.ParameterError, match=r"^metrics=5 must be a list of kx\.Metric"):
        kx.Explainer(decisive_case[0].model, metrics=5)


@pytest.mark.parametrize("make", [models.gray, models.single_unit, models.tokens, models.transformer, models.flat])
def test_every_metric_is_asked_of_every_kind_of_model(make):
    explainer = Explainer(make())
    x = cases.photos_for(explainer.model, 2)
    method = "gradients" if make is models.flat else "gradcam"
    masks = np.zeros(x.shape[:3], bool)
    masks[:, 2:5, 3:7] = True
    e = explainer.explain(x, ["top"], method=method)
    metrics = {name: {} for name in METRICS} | {"agreement": {"family": "other"}}
    ev = explainer.evaluate(e, metrics, images=x, masks=masks)
    for name, values in ev.scores.items():
        for i, value in enumerate(values[:, 0]):
            assert np.isfinite(value) or any(note.startswith(METRICS[name].title) for note in ev.notes[i][0]), name
        assert "there is no number" not in str(ev.notes), ev.notes
    assert np.isfinite(ev.scores["sparseness"]).all()


def test_a_verdict_that_is_not_whole_says_so_and_does_not_turn(decisive_case):
    x, e = decisive_case[1:]

    def compared(title, score):
        """A metric that gives maps this score, and random maps scores around 0."""

        def values(batch):
            noise = np.random.default_rng(0).normal(size=batch.indices.shape)
            return np.full(noise.shape, score) if batch.maps.shape == e.maps.shape else noise

        about = "higher", "faithful", (), "nothing", "It is {value}.", "an example"
        return kx.Metric(title.lower(), title, values, *about, is_compared=True)

    explainer = kx.Explainer(decisive_case[0].model, metrics=[compared("Good", 100.0), compared("Bad", -100.0)])
    stream = explainer.evaluate_stream(e, ["good", "bad"], images=x)
    told = {(ev.state(0, 0), ev.headline(0, 0), ev.verdict(0, 0)[:6]) for ev in stream}
    assert told == {
        ("unmeasured", "So far better than chance in Good.", "So far"),
        ("weak", "No better than chance in Bad.", "Not cl"),
    }
    ev = explainer.evaluate(e, ["good"], images=x)
    assert (ev.state(0, 0), ev.headline(0, 0)) == ("holds", "Better than chance in Good.")
