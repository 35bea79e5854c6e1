"""True classes: read in every way people write them, refused with the names of what is wrong."""

import numpy as np
import pytest

import kx_widget as kx
from kx_widget.engine.labels import read_labels
from tests import cases, models

NAMES = ["cat", "dog", "cup", "Sky", "sky", "cup"]


@pytest.mark.parametrize(
    ("labels", "read"),
    [
        (None, []),
        ([], []),
        ([0, "dog", None], [0, 1, None]),
        (("DOG", "Sky", "sky"), [1, 3, 4]),
        (np.array([2, 5, 0], np.uint8), [2, 5, 0]),
        (np.array([[2], [5], [0]]), [2, 5, 0]),
        (iter([np.int64(1), None, None]), [1, None, None]),
    ],
)
def test_what_is_read(labels, read):
    found = read_labels(labels, 3, NAMES)
    assert found == read
    assert all(type(i) is int for i in found if i is not None)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (
            ["cat", "dgo", None],
            "1 of the 3 labels cannot be read as classes:\n  image 1: there is no class 'dgo'. Did you mean 'dog'?",
        ),
        ([6, -1, 0], "image 0: there is no class 6: they are 0 to 5.\n  image 1: there is no class -1"),
        (["cup", 0, 0], "'cup' is the name of classes 2, 5; give the index"),
        (
            [True, np.float32(281), {1}],
            "image 0: True is True or False, not a class.\n  image 1: 281.0 is a float, and an "
            "index is a whole number: use labels.astype(int).\n  image 2: {1} is of the type set.",
        ),
        (
            [0, 1, float("nan")],
            "image 2: nan is a float, and an index is a whole number: None says that the class is un",
        ),
        (np.eye(3), "image 0: array([1., 0., 0.]) is a list: of one-hot labels pass labels.argmax(-1)."),
        (["cat"], "There is 1 label for 3 images: give one label for each image, in their order. A label is"),
        ([0] * 4, "There are 4 labels for 3 images: give one label for each image"),
        ("cat", "labels='cat' must hold one label for each image"),
        (3, "labels=3 must hold one label for each image"),
        ({"a": 1}, "must hold one label for each image"),
        (np.array("cat"), "must hold one label for each image"),
    ],
)
def test_what_is_refused(labels, said):
    with pytest.raises(kx.UnknownTargetError) as raised:
        read_labels(labels, 3, NAMES)
    assert said in str(raised.value)
    assert str(raised.value).endswith("A label is a class index, a class name, or None where the class is unknown.")


def test_only_the_first_of_many_wrong_labels_are_listed():
    with pytest.raises(kx.UnknownTargetError, match=r"image 7: there is no class 'x'.*\n  and 12 more\n"):
        read_labels(["x"] * 20, 20, NAMES)


def test_one_score_has_no_wrong_class():
    with pytest.raises(kx.UnknownTargetError, match="a single class, so its prediction cannot be wrong"):
        read_labels([0, 0], 2, ["yes"])


def test_labels_of_a_widget():
    explainer = kx.Explainer(models.residual(), class_names=["cat", "dog", "cup", "sky"])
    with kx.KxWidget(explainer, cases.photos(), labels=["dog", 3, None]) as w:
        assert w.labels == [1, 3, None]
        w.labels = np.array([0, 1, 2])
        assert w.labels == [0, 1, 2]
        with pytest.raises(kx.UnknownTargetError, match="image 1: there is no class 'wolf'"):
            w.labels = ["cat", "wolf", "sky"]
        assert w.labels == [0, 1, 2]
        w.labels = None
        assert w.labels == []
    with pytest.raises(kx.UnknownTargetError, match="2 labels for 3 images"):
        kx.KxWidget(explainer, cases.photos(), labels=[0, 1])
