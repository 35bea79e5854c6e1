"""In what range images are taken to be: depths of whole numbers, floats a little beyond their range."""

import keras
import numpy as np
import pytest
from keras import layers
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from kx_widget.engine.errors import ImageError
from kx_widget.engine.images import load, read
from kx_widget.engine.preprocessing import Preprocessing
from kx_widget.explainer import Explainer
from tests import models

RGB = (8, 8, 3)


@pytest.fixture(scope="module")
def model():
    return models.pooled()


def loaded(images, declared=RGB, preprocess=None):
    return load(images, declared, Preprocessing(models.pooled(), preprocess))


def picture(h=8, w=8, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (h, w, 3), np.uint8)


def test_sixteen_bits_are_kept(tmp_path):
    grey = picture()[..., 0]
    deep = np.maximum(grey.astype(np.uint16) * 257, 100) - 100
    Image.fromarray(deep).save(tmp_path / "deep.png")
    files = [Image.fromarray(deep), Image.fromarray(deep.astype(np.int32)), tmp_path / "deep.png"]
    x = loaded([grey, deep, deep.astype(">u2"), *files, deep.astype(np.int64)])
    for other, preview in zip(x.batch[1:], x.previews[1:], strict=True):
        assert_allclose(other[..., 0], deep / 65535 * 255, atol=1e-4)
        assert_array_equal(preview, x.previews[0])
    assert_array_equal(loaded(picture().astype(np.uint16) * 257).batch, loaded(picture()).batch)
    assert_array_equal(loaded(picture().astype(np.uint16)).batch, loaded(picture()).batch)


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("kind", [np.uint16, np.int32, np.int64, ">u2"])
def test_the_bits_in_use_are_told_and_said(model, tmp_path, bits, kind):
    """A camera's frames reach the model as bright as their values are in the camera's own range."""
    top = 2**bits - 1
    frame = np.random.default_rng(0).integers(0, top + 1, (12, 12)).astype(kind)
    frame[0, 0] = top
    explainer = Explainer(model)
    assert_allclose(explainer.load(frame[None, ..., None]).batch[0, ..., 0], frame / top * 255, atol=1e-4)
    explainer.predict(frame)
    assert explainer.preprocessing.endswith(f"; 16-bit images taken as {bits} bit (0..{top})")


def test_frames_of_one_camera_are_scaled_alike(tmp_path):
    """The dark frame alone would pass for 8 bits, and come out 16 times as bright."""
    bright = np.full((8, 8), 4000, np.uint16)
    dark = np.full((8, 8), 200, np.uint16)
    Image.fromarray(bright).save(tmp_path / "b.tif")
    Image.fromarray(dark).save(tmp_path / "a.tif")
    for both in ([dark, bright], np.stack([dark, bright]), str(tmp_path / "*.tif"), [dark, tmp_path / "b.tif"]):
        batch = loaded(both).batch
        assert_allclose(batch[:, 0, 0, 0], [200 / 4095 * 255, 4000 / 4095 * 255], atol=1e-4)


def test_whole_numbers_beyond_16_bits_are_refused():
    with pytest.raises(ImageError, match=r"Whole numbers up to 70000 are beyond 16 bits. Pass uint8, uint16, or"):
        loaded(np.full(RGB, 70000, np.int32))


def test_whole_numbers_below_zero_are_passed_on():
    hounsfield = np.random.default_rng(0).integers(-1000, 3000, RGB).astype(np.int16)
    assert_array_equal(loaded(hounsfield).batch[0], hounsfield)


def test_pictures_of_floats(tmp_path):
    """A 32-bit TIFF is what the same array is."""
    pixels = np.random.default_rng(0).uniform(0, 1, (8, 8)).astype(np.float32)
    for scale in (1, 255):
        Image.fromarray(pixels * scale).save(tmp_path / "p.tif")
        expected = np.repeat(pixels[..., None] * scale, 3, -1)
        for item in (tmp_path / "p.tif", Image.fromarray(pixels * scale), pixels * scale):
            x = loaded(item)
            assert_allclose(x.batch[0], expected, rtol=1e-6)
            assert_allclose(x.previews[0], pixels[..., None].repeat(3, -1) * 255, atol=0.51)


def test_a_data_set_is_scaled_as_its_first_images_are(tmp_path):
    """Files of two depths, bytes and floats among them; a later one that needs more bits is left out and told."""
    grey = np.random.default_rng(0).integers(0, 256, (6, 16, 20)).astype(np.uint8)
    Image.fromarray(grey[0]).save(tmp_path / "0.png")
    Image.fromarray(grey[1].astype(np.uint16) * 16).save(tmp_path / "1.png")
    Image.fromarray(grey[2].astype(np.uint16)).save(tmp_path / "2.tif")
    Image.fromarray(grey[3].astype(np.float32)).save(tmp_path / "3.tif")
    Image.fromarray(grey[4].astype(np.uint16) * 2).save(tmp_path / "4.png")
    files = sorted(map(str, tmp_path.iterdir()))
    explainer = Explainer(models.pooled())
    run = list(explainer.explain_dataset(tmp_path, batch_size=2))
    expected = explainer.explain(files, batch_size=2)
    for name in ("maps", "scores", "images"):
        assert_array_equal(np.concatenate([getattr(e, name) for e in run]), getattr(expected, name), err_msg=name)
    assert explainer.preprocessing.endswith("; 16-bit images taken as 12 bit (0..4095)")
    Image.fromarray(grey[5].astype(np.uint16) * 257).save(tmp_path / "5.png")
    with pytest.warns(
        RuntimeWarning, match=r"5.png: An image has values up to 65\d+, where the first ones have 12 bits"
    ):
        assert sum(len(e.names) for e in explainer.explain_dataset(tmp_path, batch_size=2)) == 5


def test_pictures_of_a_store_are_bytes(tmp_path):
    grey = np.random.default_rng(0).integers(0, 256, (8, 8)).astype(np.uint8)
    grey[0, 0] = 255
    for name, array in (("a.tif", grey.astype(np.uint16) * 257), ("b.tif", grey / np.float32(255))):
        Image.fromarray(array).save(tmp_path / name)
        shown = read(tmp_path / name, (8, 8))
        assert shown.dtype == np.uint8
        assert_array_equal(shown[..., 0], grey)


def test_floats_a_hair_beyond_their_range():
    """Bicubic resizing overshoots both ends: such images are what they were before, and so is what comes of them."""
    rescaling = Preprocessing(keras.Sequential([keras.Input(RGB), layers.Rescaling(1 / 255)]), "auto")
    unit = np.random.default_rng(0).uniform(0, 1, RGB)
    for low, high in ((0, 1.004), (-0.004, 1.004), (-0.08, 1.08), (0, 1.5)):
        floats = unit.copy()
        floats[0, 0, 0], floats[1, 0, 0] = low, high
        x = loaded(floats, preprocess=lambda batch: batch / 127.5 - 1)
        assert_allclose(x.batch[0], floats * 2 - 1, atol=1e-6)
        assert_allclose(x.previews[0], np.clip(floats, 0, 1) * 255, atol=0.51)
        with pytest.warns(RuntimeWarning, match="floats in 0..1, but the model rescales 0..255 itself"):
            load(floats, RGB, rescaling)
    for low, high in ((0, 255.9), (-6, 262)):
        floats = unit * 255
        floats[0, 0, 0], floats[1, 0, 0] = low, high
        x = loaded(floats, preprocess=lambda batch: batch / 255)
        assert_allclose(x.batch[0], floats / 255, rtol=1e-6, atol=1e-7)
        assert_allclose(x.previews[0], np.clip(floats, 0, 255), atol=0.51)


@pytest.mark.parametrize("high", [1.6, 7.25, 19])
def test_floats_that_may_be_either_are_warned_of(high):
    floats = np.random.default_rng(0).uniform(0, high, RGB)
    floats[0, 0, 0] = high
    with pytest.warns(RuntimeWarning, match=f"The largest value of these float images is {high:g}: too large for 0..1"):
        assert_allclose(loaded(floats).batch[0], floats, rtol=1e-6)
    loaded([floats, picture() / 1.0])
