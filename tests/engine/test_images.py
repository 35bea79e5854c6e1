"""Every accepted kind of image, and what is said of the others."""

import gc
import importlib
import os
import pickle
import tracemalloc
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from kx_widget.engine import images as images_module
from kx_widget.engine.decoding import MOST_IN_FOLDER
from kx_widget.engine.errors import ImageError
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.images import load, read
from kx_widget.engine.preprocessing import Preprocessing
from tests import models

RGB = (8, 8, 3)


@pytest.fixture(scope="module")
def model():
    return models.pooled()


def loaded(images, declared=RGB, preprocess=None, fit="stretch"):
    return load(images, declared, Preprocessing(models.pooled(), preprocess), fit)


def picture(h=8, w=8, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (h, w, 3), np.uint8)


def test_arrays_of_every_shape():
    batch = np.stack([picture(seed=i) for i in range(4)])
    assert_array_equal(loaded(batch).batch, batch.astype(np.float32))
    assert_array_equal(loaded(batch[0]).batch, batch[:1].astype(np.float32))
    assert_array_equal(loaded(tf.constant(batch)).batch, batch.astype(np.float32))
    grey = loaded(batch[..., 0]).batch
    assert grey.shape == (4, 8, 8, 3)
    assert_array_equal(grey[..., 0], grey[..., 2])
    assert loaded([picture(20, 30), picture(9, 8)]).batch.shape == (2, 8, 8, 3)
    assert [s.shape for s in loaded([picture(20, 30), picture(9, 8)]).previews] == [(20, 30, 3), (9, 8, 3)]


def test_nested_lists_are_the_arrays_that_they_were():
    batch = np.stack([picture(seed=i) for i in range(2)])
    assert_array_equal(loaded(batch.tolist()).batch, batch.astype(np.float32))
    assert_array_equal(loaded(batch[0].tolist()).batch, batch[:1].astype(np.float32))
    assert_array_equal(loaded([image.tolist() for image in batch]).batch, batch.astype(np.float32))
    of_two_sizes = loaded([batch[0].tolist(), picture(20, 30).tolist()])
    assert [preview.shape for preview in of_two_sizes.previews] == [(8, 8, 3), (20, 30, 3)]


def test_files_globs_and_mixtures(tmp_path):
    for i in range(3):
        Image.fromarray(picture(seed=i)).save(tmp_path / f"p{i}.png")
    x = loaded([tmp_path / "p2.png", str(tmp_path / "p*.png"), Image.fromarray(picture()), picture(seed=1)])
    assert [n.rsplit("/")[-1] for n in x.names] == ["p2.png", "p0.png", "p1.png", "p2.png", "image 2", "image 3"]
    assert_array_equal(x.batch[0], x.batch[3])
    assert_array_equal(x.batch[1], x.batch[4])
    assert_array_equal(x.batch[2], x.batch[5])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_stand_as_their_orientation_says(tmp_path, orientation):
    # What the camera stored, for each orientation, of a picture that stands upright.
    upright = picture(16, 8)
    turned = upright.swapaxes(0, 1) if orientation > 4 else upright
    mirrored = {2: (0, 1), 3: (1, 1), 4: (1, 0), 6: (1, 0), 7: (1, 1), 8: (0, 1)}.get(orientation, (0, 0))
    stored = Image.fromarray(np.ascontiguousarray(np.flip(turned, np.flatnonzero(mirrored))))
    exif = Image.Exif()
    exif[0x0112] = orientation
    for suffix in ("png", "tif"):
        stored.save(tmp_path / f"p.{suffix}", exif=exif)
    with Image.open(tmp_path / "p.png") as opened:
        for item in (tmp_path / "p.png", tmp_path / "p.tif", opened):
            assert_array_equal(loaded(item, (16, 8, 3)).batch[0], upright)
            assert_array_equal(read(item, (16, 8)), upright)


def test_damaged_orientation_does_not_spoil_the_picture(tmp_path):
    Image.fromarray(picture()).save(tmp_path / "p.png", exif=b"Exif\0\0XX*\0")
    assert_array_equal(loaded(tmp_path / "p.png").batch[0], picture())


def test_transparent_pictures_are_seen_on_white():
    x = loaded(Image.new("RGBA", (8, 8), (0, 0, 0, 0)))
    assert (x.batch == 255).all()


def test_colour_becomes_grey_by_luma_and_grey_becomes_colour():
    red = np.zeros(RGB, np.uint8) + np.uint8([255, 0, 0])
    assert_allclose(loaded(red, (8, 8, 1)).batch, 0.299 * 255, rtol=1e-5)


def test_resizing_is_antialiased():
    """A fine checkerboard averages to grey; picking pixels would give black or white."""
    board = np.indices((64, 64)).sum(0)[..., None].repeat(3, -1) % 2 * np.uint8(255)
    assert_allclose(loaded(board.astype(np.uint8)).batch, 127.5, atol=12)
    assert_allclose(loaded(board.astype(np.float32)).batch, 127.5, atol=12)


def test_bytes_and_floats_are_resized_alike():
    a = picture(31, 17)
    assert np.abs(loaded(a).batch - loaded(a.astype(np.float32)).batch).max() <= 1


def test_crop_keeps_the_middle_and_pad_adds_black_around():
    wide = np.zeros((8, 16, 3), np.uint8)
    wide[:, 4:12] = 200
    assert (loaded(wide, fit="crop").batch == 200).all()
    assert loaded(wide, fit="crop").boxes == ((0.25, 0.0, 0.75, 1.0),)
    padded = loaded(np.full((8, 16, 3), 200, np.uint8), (16, 16, 3), fit="pad")
    assert padded.boxes == ((0.0, -0.5, 1.0, 1.5),)
    assert (padded.batch[0, :4] == 0).all()
    assert (padded.batch[0, 4:12] == 200).all()
    assert (padded.batch[0, 12:] == 0).all()
    with pytest.raises(ImageError, match='Choose "stretch", "crop" or "pad"'):
        loaded(wide, fit="squeeze")


def test_free_input_takes_the_size_of_the_first_image():
    assert loaded([picture(20, 30), picture(9, 8)], (None, None, 3)).batch.shape == (2, 20, 30, 3)
    assert loaded(picture(600, 1200), (None, None, 3)).batch.shape == (1, 256, 512, 3)


def test_all_bad_items_are_named_at_once(tmp_path):
    good, cut, text = tmp_path / "good.png", tmp_path / "cut.png", tmp_path / "text.png"
    Image.fromarray(picture(64, 64)).save(good)
    cut.write_bytes(good.read_bytes()[:300])
    text.write_text("not a picture", encoding="utf-8")
    nan = picture().astype(np.float32)
    nan[0, 0, 0] = np.nan
    (tmp_path / "sub").mkdir()
    bad = [good, cut, text, str(tmp_path / "su*"), tmp_path / "none.png", str(tmp_path / "*.gif")]
    bad += [nan, np.zeros((4, 4, 5)), np.zeros((4, 4, 4)), np.zeros((0, 4, 3)), np.zeros((3, 4, 7)), None, "héllo.png"]
    with pytest.raises(ImageError) as caught:
        loaded(bad)
    text = str(caught.value)
    assert text.startswith("12 of 13 images cannot be used:")
    for part in (
        *(
            "cut.png: cannot be read",
            "text.png: cannot be read",
            "is a folder; pass it by itself, or a pattern",
            "there is no such file",
        ),
        *("no file matches this pattern", "image 6: 1 of 192 values are NaN", "image 7: 5 channels in shape (4, 4, 5)"),
        *("drop the alpha channel", "image 9: shape (0, 4, 3) has a side of 0", "np.moveaxis", "image 11: "),
    ):
        assert part in text


def test_a_folder_stands_for_the_pictures_in_it_and_below(folder):
    whole = [folder / "cats" / "01.png", folder / "dogs" / "00.png"]
    for path in folder.rglob("*.*"):
        if path not in whole:
            path.unlink()
    assert loaded(folder).names == loaded([folder]).names == tuple(map(str, whole))
    (folder / "empty").mkdir()
    with pytest.raises(ImageError, match=r"The folder '.*empty' holds no images that Pillow opens"):
        loaded(folder / "empty")


def test_a_folder_of_too_many_pictures_names_what_takes_them(tmp_path):
    for i in range(MOST_IN_FOLDER + 1):
        (tmp_path / f"{i}.png").touch()
    with pytest.raises(
        ImageError, match=r"holds 501 images, and 500 at most .*explain_to\('maps.parquet', .*from_store"
    ):
        loaded(str(tmp_path))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes in folders")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "p.jpg")
    with pytest.raises(ImageError, match=r"p\.jpg: is a pipe or a device, not a file"):
        loaded(tmp_path / "p.jpg")


@pytest.mark.parametrize("nothing", [[], np.zeros((0, 8, 8, 3)), ()])
def test_no_images(nothing):
    with pytest.raises(ImageError, match="There are no images"):
        loaded(nothing)


@pytest.mark.parametrize("thing", [None, {"a": 1}, {1}, lambda: 1, (i for i in range(2)), object()])
def test_other_things_are_not_images(thing):
    with pytest.raises(ImageError, match=f"^{type(thing).__name__} is not an image or a batch of images. Pass arrays"):
        loaded(thing)


@pytest.mark.parametrize(
    ("thing", "said"),
    [
        (3, "shape"),
        (np.full((8, 8, 3), 1e300), "192 of 192 values are NaN, infinite or too large for float32"),
        (np.zeros((8, 8, 3), "datetime64[s]"), r"ndarray of datetime64\[s\] is not an image"),
        (np.zeros((8, 8, 3), complex), "ndarray of complex128 is not an image"),
        (np.full((8, 8, 3), "a"), "ndarray of <U1 is not an image"),
        (np.ma.masked_less(picture(), 9), r"is a masked array; say what its masked pixels are: image\.filled\(0\)"),
    ],
)
def test_arrays_that_are_not_images(model, thing, said):
    with pytest.raises(ImageError, match=said):
        Explainer(model).load(thing)


@pytest.mark.parametrize(
    ("values", "span", "first"),
    [
        (lambda u: u, "0..255", lambda u: u),
        (lambda u: u.astype(np.float64), "0..255", lambda u: u),
        (lambda u: u / 255, "0..1", lambda u: u / 255),
        (lambda u: u / 127.5 - 1, "-1..1", lambda u: u / 127.5 - 1),
        (lambda u: u - 120.0, "other", lambda u: u - 120.0),
    ],
)
def test_without_preprocessing_numbers_are_passed_on(values, span, first):
    u = np.stack([picture(), picture(seed=1)])
    x = loaded(values(u), preprocess="auto")
    assert_allclose(x.batch, first(u.astype(np.float32)), rtol=1e-6, atol=1e-5)
    if span != "other":
        assert_allclose(np.stack(x.previews), u, atol=1)


def test_a_function_gets_0_to_255_whatever_the_range():
    seen = []

    def halve(batch):
        seen.append(batch.copy())
        batch /= 2
        return batch

    u = np.stack([picture(), picture(seed=1)])
    for given in (u, u / 255, u / 127.5 - 1, u.astype(float)):
        x = loaded(given, preprocess=halve)
        assert_allclose(seen[-1], u, atol=1e-3)
        assert_allclose(x.batch, u / 2, atol=1e-3)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda b: b[:, 1:], "must keep"),
        (lambda b: b * np.nan, "NaN or infinite"),
        (lambda b: 1 / 0, "ZeroDivisionError"),
        ("tf", 'Pass "auto", None or a function'),
    ],
)
def test_a_bad_function_is_named(function, said):
    with pytest.raises(ImageError, match=said):
        loaded(picture(), preprocess=function)


@pytest.mark.parametrize(
    ("build", "module"), [("ResNet50", "resnet"), ("VGG16", "vgg16"), ("MobileNetV2", "mobilenet_v2")]
)
def test_auto_uses_the_familys_own_function_also_when_nested(build, module):
    shape = (32, 32, 3)
    inner = getattr(keras.applications, build)(weights=None, include_top=False, input_shape=shape)
    outer = keras.Sequential([keras.Input(shape), inner, layers.GlobalAveragePooling2D(), layers.Dense(2)])
    pixels = picture(32, 32)
    expected = importlib.import_module(f"keras.applications.{module}").preprocess_input(pixels[None].astype("float32"))
    for model in (inner, outer):
        rules = Preprocessing(model, "auto")
        loaded = load(pixels, shape, rules)
        assert_allclose(loaded.batch, expected, rtol=1e-5)
        assert loaded.preprocessing == f"preprocess: keras.applications.{module}.preprocess_input"
    rescaling = keras.Sequential([keras.Input(shape), layers.Rescaling(1 / 255), inner])
    rules = Preprocessing(rescaling, "auto")
    loaded = load(pixels, shape, rules)
    assert_array_equal(loaded.batch[0], pixels)
    assert "rescales" in loaded.preprocessing
    for wrong, span in ((pixels / 255, "0..1"), (pixels / 127.5 - 1, "-1..1")):
        with pytest.warns(RuntimeWarning, match=f"floats in {span}, but the model rescales 0..255 itself"):
            load(wrong, shape, rules)
    load(pixels / 255, shape, Preprocessing(rescaling, lambda batch: batch))
    load(pixels / 255, shape, Preprocessing(outer, "auto"))


def test_explainer_tells_what_was_decided(model):
    explainer = Explainer(model)
    explainer.predict(picture(12, 12))
    assert "0..255 passed on" in explainer.preprocessing
    explainer.predict(picture(12, 12) / 255)
    assert "floats (0..1)" in explainer.preprocessing


def test_an_array_changed_in_place_is_another_image(model):
    explainer, x = Explainer(model), np.random.default_rng(0).uniform(-1, 1, (2, 12, 12, 3)).astype(np.float32)
    before = explainer.predict(x)[0]
    x[0] += 0.5
    after = explainer.predict(x)[0]
    assert np.abs(after[0] - before[0]).max() > 1e-3
    assert_array_equal(after[1], before[1])


def test_black_is_what_the_preprocessing_makes_of_it():
    u, f = picture(), picture() / 127.5 - 1
    assert_array_equal(loaded([u, u / 255]).black, np.zeros((2, 3)))
    assert_array_equal(loaded([f, u]).black, [[-1, -1, -1], [0, 0, 0]])
    assert_array_equal(loaded(u - 120.0).black, [[0, 0, 0]])
    assert_array_equal(loaded([u, f], preprocess=lambda b: b / 127.5 - 1).black, -np.ones((2, 3)))
    resnet = Preprocessing(keras.applications.ResNet50(weights=None), "auto")
    assert_allclose(load([u, u], RGB, resnet).black, [[-103.939, -116.779, -123.68]] * 2, rtol=1e-6)


def test_black_is_zero_where_the_preprocessing_cannot_say():
    asked = []

    def standardised(batch):
        asked.append(len(batch))
        return (batch - batch.mean()) / batch.std()

    x = loaded([picture(), picture(seed=1)], preprocess=standardised)
    assert asked == [2]
    assert_array_equal(x.black, np.zeros((2, 3)))
    assert asked == [2, 1]


class TestOriginals:
    """Nothing is kept at full size, and nothing is resized twice."""

    def test_no_decoded_original_is_kept(self, model, tmp_path, monkeypatch):
        decoded = []

        def remembered(item, channels):
            array = decode(item, channels)
            decoded.append(weakref.ref(array))
            return array

        decode = images_module.decode
        monkeypatch.setattr(images_module, "decode", remembered)
        for i in range(3):
            Image.fromarray(picture(300, 400, i)).save(tmp_path / f"{i}.png")
        deep = [picture(300, 400)[..., 0] * np.uint16(257), picture(300, 400) / 255.0]
        explainer = Explainer(model)
        images = explainer.load([str(tmp_path / "*.png"), picture(300, 400), picture(300, 400)[..., 0], *deep])
        e = explainer.explain(images, 1)
        gc.collect()
        assert len(decoded) == 9
        assert [ref() for ref in decoded] == [None] * 9
        assert e.images.shape == (7, 12, 12, 3)

    def test_files_are_decoded_a_few_at_a_time(self, tmp_path):
        bytes_of_one = 1200 * 1600 * 3
        for i in range(24):
            Image.fromarray(np.full((1200, 1600, 3), i, np.uint8)).save(tmp_path / f"{i}.png", compress_level=1)
        loaded(str(tmp_path / "0.png"))
        tracemalloc.start()
        try:
            images = loaded(str(tmp_path / "*.png"))
            kept, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        previews = sum(preview.nbytes for preview in images.previews)
        assert kept < 1.1 * (previews + images.batch.nbytes + images.pixels.nbytes) + 2**20
        assert peak - kept < 3 * images_module.DECODERS * bytes_of_one

    def test_another_question_resizes_nothing(self, model, monkeypatch):
        explainer = Explainer(model)
        images = explainer.load([picture(40, 30), picture(9, 8)])
        monkeypatch.setattr(images_module, "_resize", None)
        before = explainer.explain(images, 0)
        after = explainer.explain(images, 1)
        assert_array_equal(after.images, before.images)
        explainer.explain(images, 1, method="gradients")

    @pytest.mark.parametrize("channels", [1, 3])
    @pytest.mark.parametrize("fit", ["stretch", "crop"])
    def test_pixels_are_what_pillow_makes_of_the_image(self, fit, channels):
        u = picture(30, 41)[..., :channels]
        box = (0, 0, 41, 30) if fit == "stretch" else (5.5, 0, 35.5, 30)
        rgb = Image.fromarray(u if channels == 3 else u.repeat(3, -1))
        expected = np.asarray(rgb.resize((8, 8), Image.Resampling.BILINEAR, box=box))
        assert_array_equal(loaded(u, fit=fit).pixels[0], expected)
        assert np.abs(loaded(u / 255, fit=fit).pixels[0].astype(int) - expected).max() <= 1
        for x in (loaded(u, fit=fit), loaded(u, (8, 8, 1), fit=fit)):
            assert_array_equal(x.pixels[0], expected)

    def test_previews_are_the_images_made_small(self):
        x = loaded([picture(700, 1400), picture(30, 20), picture()])
        assert [preview.shape for preview in x.previews] == [(256, 512, 3), (30, 20, 3), (8, 8, 3)]
        assert_array_equal(x.previews[1], picture(30, 20))
        assert_array_equal(x.previews[2], picture())

    def test_what_the_previews_of_many_images_take_is_bounded(self):
        for images in (1, 100, 500, 20_000):
            side = images_module._longest(images)
            assert images * side**2 * 3 <= images_module.PREVIEW_BYTES
        assert images_module._longest(100) == 512

    def test_an_answer_is_somebody_elses_to_change(self, model):
        explainer, x = Explainer(model), np.stack([picture(12, 12)])
        e = explainer.explain(x)
        e.images[:] = 0
        x[:] = 1
        with pytest.raises(ValueError, match="read-only"):
            explainer.load(x).pixels[:] = 0
        assert (explainer.explain(x).images == 1).all()

    def test_the_last_array_is_kept_as_far_as_the_cache_reaches(self, model):
        x = np.stack([picture(12, 12)])
        for mib, kept in ((512, True), (0, False)):
            explainer = Explainer(model, cache_mib=mib)
            assert (explainer.load(x) is explainer.load(x)) == kept

    def test_they_can_be_pickled(self):
        x = loaded([picture(), picture(30, 20)], preprocess=lambda batch: batch / 255)
        twin = pickle.loads(pickle.dumps(x))
        for name in ("batch", "pixels", "black"):
            assert_array_equal(getattr(twin, name), getattr(x, name))
        assert (twin.digests, twin.names, twin.boxes) == (x.digests, x.names, x.boxes)
        assert not twin.batch.flags.writeable


def test_a_photograph_of_a_phone_is_told_what_reads_it(tmp_path):
    (tmp_path / "p.HEIC").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    with pytest.raises(ImageError, match=r"no known format; install pillow-heif"):
        loaded(tmp_path / "p.HEIC")
