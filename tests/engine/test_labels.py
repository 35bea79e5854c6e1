"""True classes: read in every way people write them, refused with the names of what is wrong."""

import numpy as np
import pytest

import kx_widget as kx
from kx_widget.widget.labels import read_labels
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
        (["cat", "dgo", None], "1 of 3 labels are no class:\n  image 1: 'dgo'. Did you mean 'dog'?"),
        ([6, -1, 0], "2 of 3 labels are no class:\n  image 0: 6; classes are 0 to 5.\n  image 1: -1"),
        (["cup", 0, 0], "'cup' is the name of classes 2, 5; give the index"),
        ([True, 1.0, [1]], "image 0: True.\n  image 1: 1.0.\n  image 2: [1]."),
        (np.eye(3), "3 of 3 labels are no class"),
        (["cat"], "There are 1 labels for 3 images"),
        ("cat", "labels='cat' is not one label an image"),
        (3, "labels=3 is not one label an image"),
        ({"a": 1}, "is not one label an image"),
        (np.array("cat"), "is not one label an image"),
    ],
)
def test_what_is_refused(labels, said):
    with pytest.raises(kx.UnknownTargetError) as raised:
        read_labels(labels, 3, NAMES)
    assert said in str(raised.value)
    assert str(raised.value).endswith("A label is a class index, a class name, or None where the class is unknown.")


def test_only_the_first_of_many_wrong_labels_are_listed():
    with pytest.raises(kx.UnknownTargetError, match=r"image 7: 'x'.*\n  and 12 more\n"):
        read_labels(["x"] * 20, 20, NAMES)


def test_one_score_has_no_wrong_class():
    with pytest.raises(kx.UnknownTargetError, match="gives one score"):
        read_labels([0, 0], 2, ["yes"])


def test_labels_of_a_widget():
    explainer = kx.Explainer(models.residual(), class_names=["cat", "dog", "cup", "sky"])
    with kx.KxWidget(explainer, cases.photos(), labels=["dog", 3, None]) as w:
        assert w.labels == [1, 3, None]
        w.labels = np.array([0, 1, 2])
        assert w.labels == [0, 1, 2]
        with pytest.raises(kx.UnknownTargetError, match="image 1: 'wolf'"):
            w.labels = ["cat", "wolf", "sky"]
        assert w.labels == [0, 1, 2]
        w.labels = None
        assert w.labels == []
    with pytest.raises(kx.UnknownTargetError, match="2 labels for 3 images"):
        kx.KxWidget(explainer, cases.photos(), labels=[0, 1])
