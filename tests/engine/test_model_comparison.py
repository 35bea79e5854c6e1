"""Several models beside each other: layers that go together, where they disagree, what cannot be compared."""

import keras
import numpy as np
import pytest
from keras import layers
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import spearmanr

import kx_widget as kx
from kx_widget.engine.layer_matches import LayerMatches
from kx_widget.engine.model_comparison import agreement_of
from tests import cases, models

NAMES = ["cat", "dog", "cup", "sky"]


def trained(seed, build=models.residual):
    keras.utils.set_random_seed(seed)
    return build()


@pytest.fixture(scope="module")
def pair():
    return {"before": trained(1), "after": trained(2)}


@pytest.fixture(scope="module")
def comparison(pair):
    labels = ["sky", "cat", None]
    return kx.compare_models(pair, cases.photos(), ["top", "dog"], class_names=NAMES, labels=labels, layer="inside")


def test_each_explanation_is_that_of_its_model_alone(pair, comparison):
    for name, model in pair.items():
        alone = kx.explain(model, cases.photos(), ["top", "dog"], class_names=NAMES, layer="inside")
        assert_allclose(comparison.explanations[name].maps, alone.maps, atol=1e-6)
        assert_array_equal(comparison.explanations[name].targets, alone.targets)
        assert comparison.explanations[name].model == name
        assert f"model={name!r}" in repr(comparison.explanations[name])
        assert_allclose(comparison.probabilities[name], model.predict(cases.photos(), verbose=0), atol=1e-5)


def test_the_name_of_the_model_is_kept_in_files(comparison, tmp_path):
    comparison.explanations["after"].save(tmp_path / "after.npz")
    assert kx.Explanation.load(tmp_path / "after.npz").model == "after"


def compared(before, after, labels=()):
    """A comparison of probabilities (N, C) that are given."""
    e = kx.explain(trained(1), cases.photos(len(before)), class_names=NAMES[: before.shape[1] and 4])
    p = {"before": np.float32(before), "after": np.float32(after)}
    return kx.ModelComparison(dict.fromkeys(p, e), {n: np.log(v) for n, v in p.items()}, p, tuple(NAMES), labels)


def test_disagreement_by_hand():
    before = np.array([[0.7, 0.1, 0.1, 0.1], [0.1, 0.7, 0.1, 0.1], [0.4, 0.3, 0.2, 0.1], [0.1, 0.1, 0.1, 0.7]])
    after = np.array([[0.1, 0.7, 0.1, 0.1], [0.1, 0.5, 0.3, 0.1], [0.3, 0.4, 0.2, 0.1], [0.7, 0.1, 0.1, 0.1]])
    told = compared(before, after, (0, 1, 1, None))
    assert_array_equal(told.changed, [True, False, True, True])
    assert_array_equal(told.broken, [True, False, False, False])
    assert_array_equal(told.mended, [False, False, True, False])
    assert_allclose(told.shift, [0.6, 0.2, 0.1, 0.6], atol=1e-6)
    assert repr(told) == "ModelComparison(['before', 'after']; 4 images, 3 predicted differently)"
    unlabelled = compared(before, after)
    assert not unlabelled.broken.any()
    assert not unlabelled.mended.any()


def test_agreement_is_the_rank_correlation_of_both_maps(pair, comparison):
    for target in (0, 1):
        a, b = (comparison.explanations[name].maps[:, target] for name in pair)
        expected = [spearmanr(x.ravel(), y.ravel()).statistic for x, y in zip(a, b, strict=True)]
        agreement = comparison.agreement("after", target)
        assert_allclose(agreement.correlations, expected, atol=1e-6)
        others = [spearmanr(a[i].ravel(), b[j].ravel()).statistic for i in range(3) for j in range(3) if i != j]
        assert agreement.of_others == pytest.approx(np.mean(others), abs=1e-6)
    with pytest.raises(kx.ParameterError, match="no model 'later'"):
        comparison.agreement("later")
    with pytest.raises(kx.ParameterError, match="no target 2"):
        comparison.agreement("after", 2)


def test_agreement_of_maps_of_other_sizes_and_of_flat_ones():
    ramp = np.arange(16, dtype=np.float32).reshape(1, 4, 4)
    flat = agreement_of(ramp, np.ones((1, 2, 2), np.float32))
    assert np.isnan(flat.correlations[0])
    assert np.isnan(flat.of_others)
    coarse = np.float32([[[0, 1], [2, 3]]])
    assert agreement_of(coarse, ramp).correlations[0] > 0.9
    assert np.isnan(agreement_of(ramp, np.full((1, 4, 4), np.nan, np.float32)).correlations[0])


def test_a_table_has_a_row_for_each_image(comparison):
    frame = comparison.to_dataframe()
    assert list(frame["label"]) == ["sky", "cat", ""]
    assert_array_equal(frame["changed"], comparison.changed)
    assert_allclose(frame["after: map agreement"], comparison.agreement("after").correlations)
    page = comparison._repr_html_()
    assert "different images" in page
    assert page.count("<tr>") == 5


def facts(model):
    return kx.Explainer(model).inspection


def test_layers_of_one_name_go_together():
    match = LayerMatches(facts(models.residual()), facts(models.residual()), "after").of("inside")
    assert (match.path, match.words) == ("inside", "")


def unnamed(extra=False):
    x = image = keras.Input((16, 16, 3))
    x = layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    x = layers.Conv2D(4, 3, activation="relu")(x)
    if extra:
        x = layers.Dropout(0.1)(x)
    x = layers.Conv2D(5, 3, strides=2, activation="relu")(x)
    x = layers.Conv2D(6, 3, activation="relu")(x)
    return keras.Model(image, layers.Dense(4, activation="softmax")(layers.GlobalAveragePooling2D()(x)))


def test_layers_that_keras_numbered_anew_go_by_their_order():
    first, other = facts(unnamed()), facts(unnamed())
    assert not set(first.candidates) & set(other.candidates)
    matches = LayerMatches(first, other, "after")
    assert [matches.of(path).path for path in first.candidates] == list(other.candidates)
    assert "'after' calls it" in matches.of(first.candidates[0]).words


def test_other_architectures_go_by_recommended_layer_and_by_resolution():
    first, other = facts(unnamed()), facts(unnamed(extra=True))
    matches = LayerMatches(first, other, "after")
    recommended = matches.of(first.recommended)
    assert recommended.path == other.recommended
    assert "recommended layer" in recommended.words
    early = matches.of(first.candidates[1])
    # The dropout hands on what the convolution before it made: it is the last of its resolution.
    spatial = {layer.path: layer.spatial for layer in other.layers}
    assert spatial[early.path] == (14, 14)
    assert "(14 × 14)" in early.words
    earliest = first.candidates[0]
    with pytest.raises(kx.UnknownLayerError, match=f"it has no layer that goes with '{earliest}'"):
        matches.of(earliest)


def test_a_name_means_another_place_where_it_has_another_resolution():
    def named(names, side):
        x = image = keras.Input((side, side, 3))
        for name in names:
            x = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu", name=name)(x)
        return keras.Model(image, layers.Dense(4, activation="softmax")(layers.GlobalAveragePooling2D()(x)))

    first, other = facts(named("ab", 16)), facts(named("bca", 32))
    matches = LayerMatches(first, other, "after")
    # The other's "a" sees four times as much: the first's goes with what sees as much as it does.
    assert matches.of("a").path == "b"


def test_the_layer_may_have_another_name_in_the_other_model(pair):
    first, other = unnamed(), unnamed()
    layer = facts(first).candidates[0]
    told = kx.compare_models({"a": first, "b": other}, cases.photos(2, (16, 16, 3)), layer=layer)
    assert told.explanations["a"].layer == layer
    assert told.explanations["b"].layer == facts(other).candidates[0]


def test_each_model_has_its_own_preprocessing(pair):
    photos = np.random.default_rng(0).integers(0, 256, (2, 12, 12, 3)).astype(np.uint8)
    half = lambda x: x / 255  # noqa: E731
    told = kx.compare_models(pair, photos, preprocess={"after": half})
    assert_allclose(told.explanations["before"].maps, kx.explain(pair["before"], photos).maps, atol=1e-6)
    alone = kx.explain(pair["after"], photos, preprocess=half)
    assert_allclose(told.explanations["after"].maps, alone.maps, atol=1e-6)


def test_models_of_other_input_sizes_see_the_same_pictures():
    def sized(side):
        x = image = keras.Input((side, side, 3))
        x = layers.Conv2D(5, 3, activation="relu", name="late")(x)
        x = layers.Dense(4, activation="softmax")(layers.GlobalAveragePooling2D()(x))
        return keras.Model(image, x)

    photos = np.random.default_rng(0).integers(0, 256, (2, 20, 20, 3)).astype(np.uint8)
    small, large = sized(12), sized(20)
    told = kx.compare_models({"small": small, "large": large}, photos, layer="late")
    assert told.explanations["small"].maps.shape[2:] == (10, 10)
    assert told.explanations["large"].maps.shape[2:] == (18, 18)
    assert_allclose(told.explanations["small"].maps, kx.explain(small, photos, layer="late").maps, atol=1e-6)
    assert np.isfinite(told.agreement("large").correlations).all()


def test_memory_is_shared(pair):
    from kx_widget.engine.model_sets import explainers_of

    made = explainers_of(pair, {"memory_mib": 100})
    assert [e.settings.memory_mib for e in made.values()] == [50, 50]
    assert [e.settings.cache_mib for e in made.values()] == [256, 256]
    ready = kx.Explainer(pair["before"])
    assert explainers_of({"a": ready, "b": pair["after"]}, {})["a"] is ready


def test_class_names_of_one_model_are_those_of_the_others(pair):
    named = kx.Explainer(pair["before"], class_names=NAMES)
    told = kx.compare_models({"a": named, "b": pair["after"]}, cases.photos())
    assert told.class_names == tuple(NAMES)


HOSTILE = {
    "none": ({}, {}, kx.ParameterError, "The dict holds 0 models; 2 to 4 can be compared."),
    "one": ({"a": models.residual}, {}, kx.ParameterError, "holds 1 model; .* Pass a model alone by itself"),
    "five": (dict.fromkeys("abcde", models.residual), {}, kx.ParameterError, "holds 5 models"),
    "no text": ({1: models.residual, 2: models.residual}, {}, kx.ParameterError, "1 is no name of a model"),
    "empty name": ({" ": models.residual, "b": models.residual}, {}, kx.ParameterError, "' ' is no name"),
    "no model": ({"a": models.residual, "b": lambda: 3}, {}, kx.ModelError, "'b': int is not a keras.Model"),
    "other classes": (
        {"a": models.residual, "b": models.single_unit}, {}, kx.ModelError, "'a' and 'b' have 4 and 2 classes"
    ),
    "other names": (
        {"a": models.residual, "b": models.pooled},
        {"class_names": {"a": NAMES, "b": NAMES[::-1]}},
        kx.ModelError,
        "class 0 is 'cat' in one and 'sky' in the other",
    ),
    "other meaning": (
        {"a": models.residual, "b": lambda: models.pooled(activation=None)}, {}, kx.ModelError, "tell different things"
    ),
    "no such layer": (
        {"a": models.residual, "b": models.residual}, {"layer": "x"}, kx.UnknownLayerError, "'a': There is no"
    ),
    "of explainers": (
        {"a": lambda: kx.Explainer(models.residual()), "b": lambda: kx.Explainer(models.residual())},
        {"class_names": NAMES},
        kx.ParameterError,
        "class_names: give these to the Explainers",
    ),
    "other inputs": (
        {"a": models.residual, "b": lambda: keras.Model((x := keras.Input((4,))), layers.Dense(4)(x))},
        {},
        kx.ModelError,
        "'b': ",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_what_cannot_be_compared_is_refused_in_words(case):
    build, arguments, error, words = HOSTILE[case]
    with pytest.raises(error, match=words):
        kx.compare_models({name: make() for name, make in build.items()}, cases.photos(), **arguments)
