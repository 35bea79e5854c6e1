"""What people do wrong with stores, and what happens to the files, is told in a sentence."""

from pathlib import Path

import keras
import pytest
import tensorflow as tf
from numpy.testing import assert_array_equal
from PIL import Image

import kx_widget as kx
from kx_widget.bulk.page import write_page
from kx_widget.engine.explanation import FormatError
from tests import models
from tests.cases import photos


@pytest.fixture(scope="module")
def explainer():
    return kx.Explainer(models.pooled())


def test_a_model_with_dropout_is_the_same_when_it_is_loaded_again(tmp_path):
    models.pointwise().save(tmp_path / "m.keras")
    first, second = (keras.saving.load_model(tmp_path / "m.keras", compile=False) for _ in range(2))
    (seed,), (other,) = ([v for v in m.variables if "seed" in v.path] for m in (first, second))
    other.assign(seed + 1)
    kept = kx.Explainer(first).explain_to(tmp_path / "s", [photos(2)])
    again = kx.Explainer(second).explain_to(tmp_path / "s", [photos(2)])
    assert_array_equal(again.maps([0, 1]), kept.maps([0, 1]))
    kx.KxWidget.from_store(kept, second).close()
    second.weights[0].assign_add(second.weights[0] * 0 + 1)
    with pytest.raises(kx.KxError, match="another model"):
        kx.Explainer(second).explain_to(tmp_path / "s", [photos(2)])


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("phtos", "phtos: there is no such file or folder"),
        ("one.png", "one.png: there is no such file"),
        (["one.png", "two.png"], "one.png: there is no such file, nor any other"),
        (["here.png", "phtos"], "phtos: there is no such file or folder"),
        ("empty", "The folder 'empty' holds no images"),
        ([], "the list is empty"),
        (tf.data.Dataset.from_tensor_slices(photos(2)).take(0), "There was no image"),
        (iter(()), "There was no image"),
    ],
)
def test_no_image_is_told_and_does_not_bind_the_folder(explainer, tmp_path, monkeypatch, source, said):
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Image.new("RGB", (9, 7)).save("here.png")
    with pytest.raises(kx.ImageError, match=said):
        list(explainer.explain_dataset(source))
    with pytest.raises(kx.ImageError, match=said):
        explainer.explain_to("s", source)
    # A path is checked before anything is written.
    assert Path("s").exists() == ("There was no image" in said)
    kept = explainer.explain_to("s", ["here.png", "gone.png"], [1])
    assert [name for name, _ in kept.skipped] == ["gone.png"]
    assert len(kept.select()) == 1


def test_a_finished_empty_store_is_not_shown_and_can_be_filled(explainer, tmp_path):
    kept = explainer.explain_to(tmp_path / "s", [photos(1)])
    for part in (tmp_path / "s").glob("part-*"):
        part.unlink()
    with pytest.raises(FormatError, match="has no map to show"):
        write_page(kx.Store(kept.path), tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()
    assert len(explainer.explain_to(tmp_path / "s", [photos(3)], [1, 2])) == 6
