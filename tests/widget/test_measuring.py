"""`KxWidget.measure`: what views show of the maps, for a script that has none."""

import keras
import numpy as np
import pytest
from PIL import Image

import kx_widget as kx
from tests.widget.decisive import explainer as explainer
from tests.widget.decisive import pictures as pictures
from tests.widget.saved import read_page


@pytest.fixture
def unseen(explainer, pictures):
    """A widget that nobody looks at."""
    with kx.KxWidget(explainer, pictures) as w:
        yield w


def kept(w, path):
    w.save(path)
    return read_page(path)[1]["answers"][-1]


def test_a_page_carries_what_the_explainer_measures(unseen, pictures, tmp_path):
    assert kept(unseen, tmp_path / "before.html")["evidence"] == []
    unseen.measure()
    answer = kept(unseen, tmp_path / "page.html")
    x = unseen.explainer
    names = ["sparseness", "effective_area", "random_logit", "single_deletion", "srg"]
    evaluation = x.evaluate(x.explain(pictures), names, images=pictures)
    records = {record["image"]: record for record in answer["evidence"]}
    assert [records[image]["verdict"] for image in range(3)] == [evaluation.verdict(image, 0) for image in range(3)]
    assert [(each["image"], each["cover"]) for each in answer["curves"]] == [(0, "blur")]


def test_some_images_with_another_cover(unseen, tmp_path):
    unseen.selected = [1]
    unseen.measure([1], cover="mean")
    answer = kept(unseen, tmp_path / "page.html")
    measured = [record["image"] for record in answer["evidence"] if record["curves"]]
    assert measured == [1]
    assert [(each["image"], each["cover"]) for each in answer["curves"]] == [(1, "mean")]


def test_numbers_of_numpy_are_numbers(unseen, tmp_path):
    unseen.measure(np.arange(2))
    assert [record["image"] for record in kept(unseen, tmp_path / "page.html")["evidence"]] == [0, 1, 2]


def test_of_a_store_the_image_in_focus_is_measured_and_others_are_refused(explainer, pictures, tmp_path):
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(tmp_path / f"{number}.png")
    explainer.explain_to(tmp_path / "s", str(tmp_path / "*.png"))
    with kx.KxWidget.from_store(tmp_path / "s", explainer) as w:
        with pytest.raises(kx.ParameterError, match=r"selected = \[2\]"):
            w.measure([2])
        w.selected = [2]
        w.measure([2])
        w.measure()


def test_what_cannot_be_measured_is_said(unseen):
    with pytest.raises(kx.ParameterError, match="no image 3"):
        unseen.measure([3])
    for images in (1, "1", [0.5], [[0]]):
        with pytest.raises(kx.ParameterError, match="numbers"):
            unseen.measure(images)
    with pytest.raises(kx.ParameterError, match="fog"):
        unseen.measure(cover="fog")
    unseen.wait()
    model = unseen.explainer.model
    assert isinstance(model, keras.Model)
    model.set_weights([weight + np.float32(0.01) for weight in model.get_weights()])
    with pytest.raises(kx.KxError, match="refresh"):
        unseen.measure()
    unseen.refresh()
    unseen.measure([0])
