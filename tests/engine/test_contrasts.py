"""A class less several others: its weights, its text, and what methods make of it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import kx_widget as kx
from kx_widget.engine.errors import UnknownTargetError
from kx_widget.engine.explanation import Explanation
from kx_widget.engine.imagenet import names as imagenet_names
from kx_widget.engine.targets import contrast, mentions_true, parse
from tests import cases, models

NAMES = ("cat", "dog", "tabby, tabby cat", "cup; mug", "a − b")
SCORES = np.float32([[0, 3, 1, 2, -1], [5, 0, 1, 2, 3]])


def weights_of(target, labels=()):
    return parse(target, NAMES).with_labels(labels).resolve(SCORES)


def test_the_mean_of_the_others_is_subtracted():
    targets = weights_of([contrast(0, [1, 2], weight=0.6), contrast("cat", ["dog"], weight=0.5), contrast(0, 1)])
    assert_allclose(targets.weights[0], [[1, -0.3, -0.3, 0, 0], [1, -0.5, 0, 0, 0], [1, -1, 0, 0, 0]])
    assert (targets.indices == -1).all()
    assert targets.names[0] == ("cat − 0.6 mean(dog; tabby, tabby cat)", "cat − 0.5 mean(dog)", "cat − dog")


def test_ranks_are_those_of_each_image():
    targets = weights_of(contrast("top", ["top-2", "top-3", "top-4"], weight=0.6))
    assert_allclose(targets.weights[:, 0], [[-0.2, 1, -0.2, -0.2, 0], [1, 0, -0.2, -0.2, -0.2]])
    assert targets.names[1] == ("cat − 0.6 mean(class 4; class 3; tabby, tabby cat)",)


def test_of_an_image_the_class_itself_does_not_count_and_no_class_counts_twice():
    targets = weights_of(contrast("dog", ["top", "top-2", "class 3"]))
    assert_allclose(targets.weights[:, 0], [[0, 1, 0, -1, 0], [-1 / 3, 1, 0, -1 / 3, -1 / 3]])
    same = weights_of(contrast("dog", ["top", "true"]), labels=[1, None])
    assert "Same class: 'dog', predicted and true are the same class, 'dog'" in same.absent[0][0]
    assert same.absent[1][0].startswith("No label: ")
    assert not same.weights.any()


@pytest.mark.parametrize("method", cases.LINEAR_IN_TARGET)
def test_its_map_is_the_difference_of_maps(method):
    explainer, x = kx.Explainer(models.pooled()), cases.photos()
    e = explainer.explain(x, [contrast(1, [2, 0, 3], weight=0.6), 0, 1, 2, 3], **cases.asked(method))
    maps = e.maps.astype(np.float64)
    expected = maps[:, 2] - 0.2 * (maps[:, 1] + maps[:, 3] + maps[:, 4])
    assert_allclose(maps[:, 0], expected, rtol=1e-3, atol=1e-5 * np.abs(maps).max())
    assert_allclose(e.scores[:, 0], e.scores[:, 2] - 0.2 * e.scores[:, [1, 3, 4]].sum(1), rtol=1e-3, atol=1e-5)
    assert np.isnan(e.probabilities[:, 0]).all()
    assert e.display_of(0).sign == "signed"


def test_saved_maps_say_what_they_are_of(tmp_path):
    e = kx.explain(models.pooled(), cases.photos(1), contrast("top", ["top-2", "top-3"], weight=0.6))
    e.save(tmp_path / "e.npz")
    kept = Explanation.load(tmp_path / "e.npz")
    assert kept.target_names == e.target_names
    assert kept.subject(0, 0).words["why"] == "why the class rather than the others"
    assert_array_equal(kept.maps, e.maps)
    again = kx.explain(models.pooled(), cases.photos(1), e.target_names[0][0])
    assert again.target_names == e.target_names


@pytest.mark.parametrize(
    ("target", "text"),
    [
        (contrast("top", ["top-2", "top-3", "true"], weight=0.6), "top − 0.6 mean(top-2; top-3; true)"),
        (contrast(2, [0, 3, 4]), "tabby, tabby cat − mean(cat; class 3; class 4)"),
        (contrast(3, [0, "true"]), "class 3 − mean(cat; true)"),
        (contrast("cat", "dog", weight=1e-7), "cat − 0.0000001 mean(dog)"),
        (contrast("cat", ("dog",)), "cat − dog"),
        (contrast("cat", np.array([1, 2]), weight=np.float32(0.5)), "cat − 0.5 mean(dog; tabby, tabby cat)"),
    ],
)
def test_its_text_means_the_same(target, text):
    columns = parse(target, NAMES)
    assert columns.texts == (text,)
    assert parse(text, NAMES) == columns
    assert mentions_true(target) == mentions_true(text) == ("true" in text)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(0, 999), min_size=2, max_size=5, unique=True),
    st.floats(1e-6, 1e6, exclude_min=True),
)
def test_texts_of_imagenet_s_classes_are_unambiguous(classes, weight):
    columns = parse(contrast(classes[0], classes[1:], weight=weight), NAMED)
    assert parse(columns.texts[0], NAMED) == columns


NAMED = tuple(imagenet_names())


def test_a_class_may_be_called_like_the_text_of_several():
    names = ("cat", "dog", "mean(cat; dog)")
    assert parse("dog − mean(cat; dog)", names).columns[0] == contrast(1, 2)
    assert parse("mean(cat; dog)", names).columns == (2,)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (contrast("cat", []), "has nothing to subtract"),
        (contrast("cat", ["dog", "cat"]), "'cat − mean\\(dog; cat\\)' names a class twice"),
        (contrast("cat", ["dog", 1]), "names a class twice"),
        ("cat − 2 mean(dog; dog)", "names a class twice"),
        (contrast("cat", ["dog", "mouse"]), "There is no class 'mouse'"),
        (contrast("cat", ["dog", contrast(1, 2)]), "is one itself"),
        ("top − mean(top-2; top-9)", "asks for more classes than the model has"),
        *((contrast(0, 1, weight=weight), "must be a number above 0") for weight in (0, -1, np.inf, np.nan, "1", None)),
    ],
)
def test_what_cannot_be_meant_is_refused(target, said):
    with pytest.raises(UnknownTargetError, match=said):
        parse(target, NAMES)
