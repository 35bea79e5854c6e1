"""The true class of each image as a target: the same as its index, and a sentence where there is none."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from kx_widget.engine.errors import UnknownTargetError
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.explanation import Explanation
from kx_widget.engine.methods import METHODS
from kx_widget.engine.notes import evidence_of
from kx_widget.engine.targets import contrast, mentions_true, names_for, parse
from tests import cases, models
from tests.cases import photos

NAMES = ("cat", "dog", "cup", "sky")
LABELS = [2, "dog", np.int64(0)]
SAME = "Same class: predicted and true are the same class, {!r}: there is no difference to explain."


@pytest.fixture(scope="module")
def explainer():
    return Explainer(models.residual(), class_names=NAMES)


@pytest.fixture(scope="module")
def predicted(explainer):
    return explainer.predict(photos())[0].argmax(1).tolist()


@pytest.mark.parametrize("method", [pytest.param(name, id=name) for name in METHODS])
def test_it_is_what_an_array_of_indices_asks(explainer, method):
    x = explainer if METHODS[method].sees != "attention" else Explainer(models.transformer(), class_names=NAMES)
    found = x.explain(photos(), "true", labels=LABELS, **cases.asked(method))
    expected = x.explain(photos(), np.array([[2], [1], [0]]), **cases.asked(method))
    for name in ("maps", "scores", "probabilities", "targets"):
        assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)
    assert found.target_names == expected.target_names == (("cup",), ("dog",), ("cat",))
    assert found.notes == expected.notes


def test_predicted_minus_true_is_the_difference_of_both(explainer, predicted):
    labels = [(best + 1) % 4 for best in predicted]
    found = explainer.explain(photos(), [contrast("top", "true"), "top", "true"], labels=labels)
    assert_allclose(found.maps[:, 0], found.maps[:, 1] - found.maps[:, 2], atol=1e-5)
    assert_allclose(found.scores[:, 0], found.scores[:, 1] - found.scores[:, 2], rtol=1e-4)
    names = [f"{NAMES[best]} − {NAMES[label]}" for best, label in zip(predicted, labels, strict=True)]
    assert [row[0] for row in found.target_names] == names
    assert_array_equal(found.targets, [[-1, *pair] for pair in zip(predicted, labels, strict=True)])


@pytest.mark.parametrize("method", ["gradcam", "eigencam", "integrated_gradients", "rise", "scorecam"])
def test_an_image_without_a_label_says_so_and_the_others_are_answered(explainer, method):
    labels = ["cup", None, "cat"]
    *_, last = explainer.stream(photos(), "true", labels=labels, **cases.asked(method))
    found = explainer.explain(photos(), "true", labels=labels, **cases.asked(method))
    assert_array_equal(last.maps, found.maps)
    expected = explainer.explain(photos(), np.array([[2], [1], [0]]), **cases.asked(method))
    assert_array_equal(found.maps[[0, 2]], expected.maps[[0, 2]])
    assert np.isnan(found.maps[1]).all()
    assert found.display_of(0) == expected.display_of(0)  # it is no contrast for the image without an index
    assert np.isnan([found.scores[1, 0], found.probabilities[1, 0]]).all()
    assert all(np.isnan(check[1, 0]) and np.isfinite(check[[0, 2]]).all() for check in found.checks.values())
    assert (found.targets[1, 0], found.target_names[1]) == (-1, ("true",))
    (note,) = found.notes_of(1, 0)
    assert note.startswith("No label: the true class of this image is not known, so there is nothing to explain.")
    assert evidence_of([note]) == "none"
    assert found.caption(1, 0) == "true (no label)"


def test_where_predicted_and_true_are_one_class_there_is_no_difference(explainer, predicted, tmp_path):
    labels = [predicted[0], (predicted[1] + 1) % 4, None]
    found = explainer.explain(photos(), ["top", contrast("top", "true")], labels=labels)
    name = NAMES[predicted[0]]
    assert found.notes_of(0, 1) == (SAME.format(name),)
    assert found.target_names[0] == (name, f"{name} − {name}")
    assert np.isnan(found.maps[[0, 2], 1]).all()
    assert np.isfinite(found.maps[:, 0]).all()
    assert np.isfinite(found.maps[1, 1]).all()
    assert found.target_names[2][1] == "top − true"
    found.save(tmp_path / "e.npz")
    kept = Explanation.load(tmp_path / "e.npz")
    assert kept.notes == found.notes
    assert_array_equal(kept.maps, found.maps)
    assert "(same class)" in found._repr_html_()


def test_the_sides_of_a_difference_are_told_in_words():
    scores = np.float32([[0, 3, 1, 2]])

    def note(a, b):
        return parse(contrast(a, b), NAMES).with_labels([1]).resolve(scores).absent[0][0]

    assert "predicted and 'dog' are the same class, 'dog':" in note("top", "dog")
    assert "'dog' and true are the same class, 'dog':" in note(1, "true")
    assert note("top-2", "true") == ""


@pytest.mark.parametrize("targets", ["true", ["top", "true"], contrast("top", "true")])
def test_without_labels_it_is_refused(explainer, targets):
    for labels in (None, []):
        with pytest.raises(UnknownTargetError, match='"true" is the label of each image, and there are no labels'):
            explainer.explain(photos(), targets, labels=labels)


def test_where_no_image_has_a_label_it_is_refused_unless_something_else_is_asked(explainer):
    nothing = [None, None, None]
    for ask in (explainer.explain, explainer.stream):
        with pytest.raises(UnknownTargetError, match="every one of the 3 labels is None"):
            ask(photos(), ["true", contrast("top", "true")], labels=nothing)
    with pytest.raises(UnknownTargetError, match="every one of the 3 labels is None"):
        explainer.explain_layers(photos(), "true", labels=nothing, layers=["stem"])
    assert np.isfinite(explainer.explain(photos(), ["top", "true"], labels=nothing).maps[:, 0]).all()


def test_several_layers(explainer):
    found = explainer.explain_layers(photos(), "true", labels=[2, None, 0], layers=["stem", "after_add"])
    expected = explainer.explain_layers(photos(), np.array([[2], [1], [0]]), layers=["stem", "after_add"])
    for path, e in found.items():
        assert_array_equal(e.maps[[0, 2]], expected[path].maps[[0, 2]])
        assert np.isnan(e.maps[1]).all()


def test_wrong_labels_are_refused_also_where_nothing_asks_for_them(explainer):
    with pytest.raises(UnknownTargetError, match="2 labels for 3 images"):
        explainer.explain(photos(), labels=[0, 1])


@pytest.mark.parametrize(
    "targets", [contrast("top", "top"), contrast(1, "dog"), contrast("true", "true"), "dog − Dog", "top-2 − top-2"]
)
def test_the_same_class_on_both_sides_is_refused(targets):
    with pytest.raises(UnknownTargetError, match="' has the same class on both sides, so it is 0 everywhere"):
        parse(["cat", targets], NAMES)


def test_true_means_the_label_whatever_classes_are_called():
    with pytest.warns(RuntimeWarning, match="Class 1 is called 'true', and 'true' means the label of each image"):
        names = names_for(["false", "true"], 2, False)
    columns = parse(["true", 1], names)
    assert columns.texts == ("true", "class 1")
    assert_array_equal(columns.with_labels([0]).resolve(np.zeros((1, 2), np.float32)).indices, [[0, 1]])
    with pytest.raises(UnknownTargetError, match=r'The class that is called "true" is asked by its index, 1\.'):
        columns.with_labels([])
    assert parse(contrast(1, 0), names).texts == ("class 1 − false",)
    assert parse("class 1 − false", names) == parse(contrast(1, 0), names)  # as the page sends it back
    assert [mentions_true(t) for t in ("true", "top − true", contrast(1, "true"), "trueman", 1)] == [
        *(True, True, True, False, False)
    ]
