"""Concepts against truths: planted parts, a head in closed form, another library's factorisation."""

import keras
import numpy as np
import pytest
from keras import layers
from numpy.testing import assert_allclose
from scipy.optimize import nnls
from sklearn.decomposition import NMF

import kx_widget as kx
from kx_widget.engine.factorisation import factorise, weights_of
from tests import cases, models, segmenters


def planted(cells, channels, parts, signed=False):
    """W (cells, parts) with cells of one part alone, H (parts, channels), both known only up to order and scale."""
    rng = np.random.default_rng(3)
    w = rng.gamma(0.5, size=(cells, parts)) * (rng.random((cells, parts)) < 0.4)
    w[: 4 * parts] = np.tile(np.eye(parts), (4, 1))
    h = rng.standard_normal((parts, channels)) if signed else rng.gamma(0.3, size=(parts, channels))
    return w, h / np.linalg.norm(h, axis=1, keepdims=True)


def last(steps):
    *_, end = steps
    return end


@pytest.mark.parametrize("signed", [False, True])
def test_planted_parts_are_recovered(signed):
    w, h = planted(600, 96, 5, signed)
    factors = last(factorise((w @ h).astype(np.float32), 5))
    likeness = factors.directions @ h.T
    match = likeness.argmax(1)
    assert sorted(match) == list(range(5))
    assert likeness.max(1).min() > 0.995
    assert_allclose(factors.weights, w.T[match], atol=0.05 * w.max())
    assert factors.error < 0.01
    assert factors.weights.min() >= 0
    assert (factors.directions.min() < 0) == signed


def test_parts_that_hold_most_come_first():
    w, h = planted(300, 40, 4)
    energy = np.einsum("gn,gn->g", *[last(factorise((w @ h).astype(np.float32), 4)).weights] * 2)
    assert (np.diff(energy) <= 0).all()


@pytest.mark.parametrize(("cells", "channels", "parts"), [(600, 128, 8), (75, 512, 6)])
def test_no_worse_than_scikit_learn(cells, channels, parts):
    """On parts that are more than are looked for, with noise, where neither can be exact."""
    w, h = planted(cells, channels, 3 * parts)
    a = np.maximum(w @ h + 0.05 * np.random.default_rng(0).standard_normal((cells, channels)), 0).astype(np.float32)
    peer = NMF(parts, init="nndsvda", max_iter=400, random_state=0).fit(a)
    factors = last(factorise(a, parts))
    by_hand = np.linalg.norm(a - factors.weights.T @ factors.directions) / np.linalg.norm(a)
    assert_allclose(factors.error, by_hand, rtol=1e-5)
    assert factors.error <= 1.01 * peer.reconstruction_err_ / np.linalg.norm(a)


def test_weights_for_known_parts_are_those_of_scipy():
    w, h = planted(30, 20, 4, signed=True)
    a = (w @ h + 0.3 * np.random.default_rng(0).standard_normal((30, 20))).astype(np.float32)
    expected = [nnls(h.T, row)[0] for row in a.astype(np.float64)]
    assert_allclose(weights_of(a, h.astype(np.float32)), np.transpose(expected), atol=1e-3)


def test_nothing_is_in_activations_of_0():
    factors = last(factorise(np.zeros((20, 10), np.float32), 3))
    assert not factors.weights.any()
    assert np.isnan(factors.error)


def test_importance_before_a_linear_head_is_that_of_its_weights():
    net = models.pooled()
    x = cases.photos(6)
    c = kx.Explainer(net, preprocess=None).concepts(x, "late", 3)
    # S_c = mean_ij A · w_c + b, so that a part of A takes mean_ij of it with it.
    expected = np.einsum("nghw,gk,kc->ngc", c.maps, c.directions, net.get_layer("scores").kernel.numpy())
    assert_allclose(c.losses, expected / (c.maps.shape[2] * c.maps.shape[3]), atol=1e-5)
    predicted = net.predict(x, verbose=0).argmax(1)
    assert (c.shown == (np.arange(4) == predicted[:, None])).all()
    for label in range(4):
        of_class = predicted == label if (predicted == label).any() else np.ones(6, bool)
        assert_allclose(c.importance[:, label], c.losses[of_class, :, label].mean(0), atol=1e-6)


def colours(parts=3):
    """Images in which each colour is a part of its own, and a net whose layer hands them on; its head reads two."""
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(3, 1, activation="relu", use_bias=False, name="colours")(image)
    net = keras.Model(image, layers.Dense(2, use_bias=False, name="head")(layers.GlobalAveragePooling2D()(x)))
    net.get_layer("colours").kernel.assign(np.eye(3, dtype=np.float32)[None, None])
    net.get_layer("head").kernel.assign([[1, 0], [0, 2], [0, 0]])
    x = np.zeros((parts, 8, 8, 3), np.float32)
    for n in range(parts):
        x[n, :4, :4, n % 3] = 1
        x[n, 4:, 4:, (n + 1) % 3] = 0.5
    return net, x


def test_a_concept_that_the_head_does_not_read_has_no_importance():
    net, x = colours()
    c = kx.Explainer(net, preprocess=None, class_names=["red", "green"]).concepts(x, "colours", 3)
    assert_allclose(c.error, 0, atol=1e-3)
    of_colour = c.directions.argmax(1)
    assert_allclose(c.directions, np.eye(3)[of_colour], atol=1e-3)
    # By hand: red is 1 in a quarter of image 0 and ½ in one of image 2.
    expected = np.zeros((3, 3, 2))
    for n, g in np.ndindex(3, 3):
        amount = x[n, ..., of_colour[g]].mean()
        expected[n, g] = [amount * (of_colour[g] == 0), 2 * amount * (of_colour[g] == 1)]
    assert_allclose(c.losses, expected, atol=1e-4)
    blue = int(np.flatnonzero(of_colour == 2)[0])
    assert_allclose(c.importance[blue], 0, atol=1e-6)
    # Where it is strongest is the quarter that has it.
    (first, second) = c.typical[blue]
    assert (first.image, second.image) == (2, 1)
    assert_allclose([first.box, second.box], [(0, 0, 0.5, 0.5), (0.5, 0.5, 1, 1)])
    assert_allclose([first.strength, second.strength], [1, 0.5], atol=1e-3)


def test_typical_parts_are_cut_out_and_drawn():
    net, x = colours()
    c = kx.Explainer(net, preprocess=None, class_names=["red", "green"], value_range=(0, 1)).concepts(x, "colours", 3)
    for parts, direction in zip(c.typical, c.directions, strict=True):
        cut = c.crop(parts[0])
        assert cut.shape == (4, 4, 3)
        assert_allclose(cut / 255, np.broadcast_to(direction, cut.shape), atol=1e-2)
    figure = c.plot()
    assert [axes.texts[0].get_text() for axes in figure.axes if axes.texts] == ["concept 1", "concept 2", "concept 3"]
    assert sum(bool(axes.images) for axes in figure.axes) == sum(map(len, c.typical))


@pytest.mark.parametrize(
    ("make", "settings"),
    [(models.residual, {}), (models.tokens, {}), (models.flattened, {}), (segmenters.unet, {"preprocess": None})],
)
def test_activations_that_are_put_back_score_as_before(make, settings):
    net = make()
    x = segmenters.photographs(2) if make is segmenters.unet else cases.photos_for(net, 2)
    question = kx.Explainer(net, **{"preprocess": None, **settings}).ask(x, [0])
    ((_, probe),) = question.probes()
    assert_allclose(probe.scores_from(probe.activations()), probe.scores(), atol=1e-5)
    assert_allclose(probe.scores_from(probe.activations()[1:], np.array([1])), probe.scores()[1:], atol=1e-5)


def test_what_is_lost_is_what_the_rest_of_a_model_says():
    """Keras run from the layer on, with and without the concept."""
    net = models.flattened()
    x = cases.photos(3)
    c = kx.Explainer(net, preprocess=None).concepts(x, "late", 2)
    activations = keras.Model(net.input, net.get_layer("late").output)(x)
    net.layers[-1].activation = keras.activations.linear
    rest = keras.Sequential(net.layers[net.layers.index(net.get_layer("late")) + 1 :])
    both = np.einsum("nghw,gk->nghwk", c.maps, c.directions)
    scores = rest(activations).numpy()
    for g in range(2):
        assert_allclose(c.losses[:, g], scores - rest(activations - both[:, g]).numpy(), atol=1e-5)
    assert c.kept == (rest(both.sum(1)).numpy().argmax(1) == scores.argmax(1)).sum()


def test_no_pass_is_made_where_activations_are_kept():
    explainer, x = kx.Explainer(models.pooled(), preprocess=None), cases.photos(3)
    explainer.explain(x, layer="late")
    before = explainer.counts
    explainer.concepts(x, "late", 3)
    after = explainer.counts - before
    assert {name for name in after if "cache" not in name and not name.startswith("trace")} == {"head_scores"}
    # The concepts together, and without each.
    assert after["head_scores"] == 4


def test_the_same_concepts_in_other_images():
    explainer = kx.Explainer(models.pooled(), preprocess=None)
    x = cases.photos(5)
    c = explainer.concepts(x[:3], "late", 3)
    again = explainer.concepts(x, concepts=c)
    assert again.directions is c.directions
    assert again.layer == "late"
    assert_allclose(again.maps[:3], c.maps, atol=1e-5)
    assert_allclose(again.losses[:3], c.losses, atol=1e-5)
    assert again.maps[3:].any()


def test_batches_change_no_concept_and_the_same_seed_gives_the_same():
    net, x = models.pooled(), cases.photos(5)
    one, other, again = (
        kx.Explainer(net, preprocess=None).concepts(x, "late", 3, batch_size=size, seed=7) for size in (None, 2, None)
    )
    assert_allclose(one.maps, other.maps, atol=1e-4)
    assert_allclose(one.losses, other.losses, atol=1e-4)
    assert_allclose(again.directions, one.directions, atol=1e-6)


def test_an_image_and_images_without_any_concept_are_told():
    net, x = colours()
    explainer = kx.Explainer(net, preprocess=None, class_names=["red", "green"])
    blank = np.zeros((1, 8, 8, 3), np.float32)
    c = explainer.concepts(np.concatenate([x, blank]), "colours", 3)
    assert not c.maps[3].any()
    assert not c.losses[3].any()
    assert c.notes[-1].startswith("No concept: image 3")
    c = explainer.concepts(blank, "colours", 3)
    assert np.isnan(c.error)
    assert c.typical == ((), (), ())
    assert c.notes == ("No concepts: 'colours' is 0 everywhere in these images. Choose another layer.",)
    c = explainer.concepts(x[:1], "colours", 3)
    assert any(note.startswith("Empty: concept 3") for note in c.notes)


def test_what_is_poor_is_said_in_words():
    x = np.random.default_rng(0).random((4, 8, 8, 32)).astype(np.float32) < 0.05
    image = keras.Input((8, 8, 32))
    net = keras.Model(image, layers.Dense(3)(layers.GlobalAveragePooling2D()(layers.ReLU(name="late")(image))))
    c = kx.Explainer(net, preprocess=None, rgb=(0, 1, 2)).concepts(x.astype(np.float32), "late", 1)
    assert c.share < 0.5
    assert c.notes[0].startswith("Poor: 1 concept holds ")
    assert c.names == ("concept 1",)


def test_activations_of_both_signs_have_concepts_too():
    x = image = keras.Input((12, 12, 3))
    x = layers.Conv2D(8, 3, activation="gelu", name="late")(x)
    net = keras.Model(image, layers.Dense(3)(layers.GlobalAveragePooling2D()(x)))
    c = kx.Explainer(net, preprocess=None).concepts(cases.photos(3), "late", 4)
    assert c.signed
    assert c.maps.min() >= 0
    assert 0.5 < c.share < 1


def test_a_segmenter_loses_what_its_classes_lose_where_they_win():
    net, x = segmenters.unet(), segmenters.photographs(3)
    explainer = kx.Explainer(net, preprocess=None)
    layer = explainer.inspection.recommended
    c = explainer.concepts(x, layer, 3)
    assert c.kept is None
    assert (c.shown == (explainer.predict(x)[0] > 0)).all()
    whole = explainer.concepts(x, layer, 3, region=kx.region("whole"))
    assert np.isfinite(c.losses).all()
    assert np.abs(whole.losses - c.losses).max() > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"concepts": 0}, "concepts=0"),
        ({"concepts": 17}, "concepts=17"),
        ({"concepts": 2.5}, "concepts=2.5"),
        ({"concepts": 6}, "'late' has 5 channels"),
        ({"layer": "nowhere"}, "There is no layer 'nowhere'"),
        ({"seed": -1}, "seed=-1"),
    ],
)
def test_bad_input_is_refused_in_words(arguments, said):
    explainer = kx.Explainer(models.pooled(), preprocess=None)
    with pytest.raises(kx.KxError, match=said):
        explainer.concepts(cases.photos(2), **{"layer": "late", "concepts": 3, **arguments})


def test_concepts_of_another_layer_are_refused():
    explainer = kx.Explainer(models.pooled(), preprocess=None)
    c = explainer.concepts(cases.photos(2), "late", 2)
    with pytest.raises(kx.ParameterError, match="concepts of the layer 'late', not of 'early'"):
        explainer.concepts(cases.photos(2), "early", c)


def test_activations_that_are_no_numbers_are_refused():
    net = models.pooled()
    net.get_layer("late").bias.assign(np.full(5, np.nan, np.float32))
    with pytest.raises(kx.ModelError, match="Activations of 'late' are NaN"):
        kx.Explainer(net, preprocess=None).concepts(cases.photos(2), "late", 2)
