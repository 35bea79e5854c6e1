"""Images at full resolution are found again where they came from, and nowhere kept."""

import gc
import pickle
import weakref

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image, ImageOps

from kx_widget.engine.errors import ImageError
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.images import join, load
from kx_widget.engine.preprocessing import Preprocessing
from tests import models

# Beyond what a preview keeps.
WIDTH, HEIGHT = 700, 520


def loaded(images):
    return load(images, (8, 8, 3), Preprocessing(models.pooled(), None))


def photograph(seed=0, h=HEIGHT, w=WIDTH):
    return np.random.default_rng(seed).integers(0, 256, (h, w, 3), np.uint8)


def test_a_file_is_decoded_again_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(photograph()).save(tmp_path / "p.jpg", exif=exif)
    x = loaded(tmp_path / "p.jpg")
    assert max(x.previews[0].shape) == 512
    assert x.originals[0].size == (WIDTH, HEIGHT)
    with Image.open(tmp_path / "p.jpg") as file:
        assert_array_equal(x.original(0), np.asarray(ImageOps.exif_transpose(file)))


def test_each_of_several_is_found(tmp_path, monkeypatch):
    for i in range(2):
        Image.fromarray(photograph(i)).save(tmp_path / f"p{i}.png")
    picture, array = Image.fromarray(photograph(2)), photograph(3)[..., 0]
    monkeypatch.chdir(tmp_path)
    x = loaded([picture, "p*.png", array])
    monkeypatch.chdir("/")
    expected = [photograph(2), photograph(0), photograph(1), array[..., None].repeat(3, -1)]
    for i, pixels in enumerate(expected):
        assert_array_equal(x.original(i), pixels)
    assert_array_equal(x.where(np.array([False, False, True, True])).original(0), expected[2])
    assert_array_equal(join([x, x]).original(6), expected[2])


def test_an_array_is_reached_as_long_as_somebody_holds_it():
    batch = np.stack([photograph(i) for i in range(2)])
    x, seen = loaded(batch), weakref.ref(batch)
    assert_array_equal(x.original(1), photograph(1))
    del batch
    gc.collect()
    assert seen() is None
    with pytest.raises(ImageError, match="not held by anybody any more: keep it in a variable"):
        x.original(1)
    with pytest.raises(ImageError, match="not held by anybody"):
        loaded([[[0, 255], [3, 5]]]).original(0)


def test_an_equal_array_takes_the_place_of_one_that_is_gone():
    explainer, first, second = Explainer(models.pooled()), photograph()[None], photograph()[None]
    explainer.load(first)
    del first
    gc.collect()
    assert_array_equal(explainer.load(second).original(0), second[0])
    assert explainer.load(second) is explainer.load(second)


def test_numbers_mean_what_they_meant_among_the_others():
    dark, bright = np.full((600, 10, 3), 100, np.uint16), np.full((600, 10, 3), 4000, np.uint16)
    assert loaded([dark, bright]).original(0).max() == round(100 / 4095 * 255)
    black, white = np.full((600, 10, 3), 0, np.float32), np.full((600, 10, 3), -1, np.float32)
    assert loaded([black, white]).original(0).max() == 128


def test_a_file_that_is_gone_or_another_one_is_told(tmp_path):
    path = tmp_path / "p.png"
    Image.fromarray(photograph()).save(path)
    x = loaded(path)
    Image.fromarray(photograph(0, 30, 20)).save(path)
    with pytest.raises(ImageError, match=r"has changed since it was read .20 × 30 pixels, it had 700 × 520"):
        x.original(0)
    path.unlink()
    with pytest.raises(ImageError, match="there is no such file"):
        x.original(0)


def test_files_are_found_from_another_process_and_arrays_are_not(tmp_path):
    array = photograph(1)
    Image.fromarray(photograph()).save(tmp_path / "p.png")
    twin = pickle.loads(pickle.dumps(loaded([tmp_path / "p.png", array])))
    assert_array_equal(twin.original(0), photograph())
    with pytest.raises(ImageError, match="not held by anybody"):
        twin.original(1)
