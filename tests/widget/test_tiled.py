"""The widget over a picture in tiles: its map is averaged to be sent, and parts of it come with the picture's."""

import io

import keras
import numpy as np
import pytest
from keras import layers
from numpy.testing import assert_allclose
from PIL import Image

import kx_widget as kx
from tests.segmenters import with_drawn_weights
from tests.widget.decode import decode
from tests.widget.page import rest, until

HEIGHT, WIDTH = 900, 1300


def net():
    image = keras.Input((None, None, 3))
    x = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu", name="last")(image)
    return with_drawn_weights(keras.Model(image, layers.Dense(3)(layers.GlobalAveragePooling2D()(x))))


@pytest.fixture(scope="module")
def photograph(tmp_path_factory):
    path = tmp_path_factory.mktemp("photographs") / "large.png"
    pixels = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    Image.fromarray(pixels).save(path, compress_level=1)
    return path


@pytest.fixture
def widget(photograph, browser):
    with kx.KxWidget(net(), photograph, 1, method="gradients", tile=(256, 256, 32)) as w:
        browser.open(w)
        until(lambda: browser.over)
        yield w


@pytest.fixture
def passes_alone_count(monkeypatch):
    """What an answer took, with all that was compiled for it, does not."""
    monkeypatch.setattr("kx_widget.widget.estimates.SHORT", float("inf"))


def drawn(browser):
    return browser.maps[0, 0][1]


def crop_of(browser, widget, box, longest, gen, column=0):
    """The part of the picture and of the map in a box."""
    seen = []
    browser.heard, heard = (lambda w, content, buffers: seen.append((content, buffers))), browser.heard
    browser.say(widget, "enlarge", id="view", image=0, box=list(box), longest=longest, gen=gen, column=column)
    until(lambda: any(content["kind"] == "crop" for content, _ in seen))
    browser.heard = heard
    return next(each for each in seen if each[0]["kind"] == "crop")


def test_a_large_map_is_averaged_and_its_parts_come_with_the_pictures(browser, widget, photograph):
    maps = widget.result.maps
    assert maps.shape == (1, 1, HEIGHT, WIDTH)
    item = next(m for m in reversed(browser.messages) if m["kind"] == "maps" and m["items"])["items"][-1]
    assert item["whole_shape"] == [HEIGHT, WIDTH]
    assert item["shape"] == [HEIGHT // 2, WIDTH // 2]
    assert [note for note in item["notes"] if note.startswith("In 24 tiles of 256 × 256")]
    blocks = maps[0, 0].reshape(HEIGHT // 2, 2, WIDTH // 2, 2).mean((1, 3))
    assert_allclose(drawn(browser), blocks, atol=1e-4 * np.abs(blocks).max())

    box = (200, 100, 500, 400)
    content, (picture, data) = crop_of(browser, widget, box, 300, browser.gen)
    assert np.asarray(Image.open(io.BytesIO(picture))).shape == (300, 300, 3)
    part = content["map"]
    assert (part["gen"], part["column"], part["shape"]) == (browser.gen, 0, [300, 300])
    assert_allclose(part["box"], [200 / WIDTH, 100 / HEIGHT, 500 / WIDTH, 400 / HEIGHT])
    expected = maps[0, 0, 100:400, 200:500]
    assert_allclose(decode(part, data), expected, atol=1e-4 * np.abs(expected).max())
    content, (_, data) = crop_of(browser, widget, (0, 0, WIDTH, HEIGHT), 400, browser.gen)
    assert max(content["map"]["shape"]) == 650
    for gen, column in ((browser.gen - 1, 0), (browser.gen, 1), (browser.gen, -1)):
        content, buffers = crop_of(browser, widget, box, 300, gen, column)
        assert content["map"] is None
        assert buffers[1] == b""


def test_small_maps_come_whole(browser, widget):
    widget.method = "gradcam"
    widget.wait()
    until(lambda: browser.over)
    assert widget.result.maps.shape == (1, 1, HEIGHT // 2, WIDTH // 2)
    assert drawn(browser).shape == (HEIGHT // 2, WIDTH // 2)
    content, _ = crop_of(browser, widget, (0, 0, 90, 90), 90, browser.gen)
    assert content["map"] is None


def test_what_is_not_done_in_tiles_is_said_and_not_tried(browser, widget):
    welcome = next(m for m in browser.messages if m["kind"] == "welcome")
    assert "Parts of pictures in tiles are not covered" in welcome["unmeasurable"]
    until(lambda: any(m["kind"] == "costs" for m in browser.messages))
    gen = browser.gen
    stroke = {"view": "view", "serial": 1, "images": [0], "column": 0, "cover": "blur", "keep": False}
    browser.say(widget, "paint", gen=gen, **stroke, size=[1, 1], mask="gA==")
    until(lambda: browser.painted)
    assert "Parts of pictures in tiles are not covered" in browser.painted[-1][0]["problem"]
    browser.say(widget, "measure", gen=gen, images=[0], cover="blur")
    browser.say(widget, "want", gen=gen, image=0, column=0, have="")
    rest(widget)
    widget.target = 2
    widget.wait()
    assert not [m for m in browser.messages if m["kind"] in ("error", "evidence", "thumbnails")]


@pytest.mark.usefixtures("passes_alone_count")
def test_an_hour_of_passes_is_told_before(browser, widget):
    """A method takes its passes for each of the tiles."""
    until(lambda: any(m["kind"] == "costs" for m in browser.messages))
    costs = next(m for m in browser.messages if m["kind"] == "costs")["seconds"]
    assert costs["rise"] > 20 * costs["gradients"]


def test_it_is_saved_and_copied_with_its_tiles(browser, widget, tmp_path):
    welcome = next(m for m in browser.messages if m["kind"] == "welcome")
    assert [each for each in welcome["arguments"] if each.startswith("tile=")]
    widget.save(tmp_path / "view.html")
    assert (tmp_path / "view.html").stat().st_size < 2_000_000
    widget.save(tmp_path / "maps.npz")
    assert kx.Explanation.load(tmp_path / "maps.npz").maps.shape == (1, 1, HEIGHT, WIDTH)


def test_a_segmenter_is_asked_about_a_pixel_of_the_whole_picture(photograph, browser):
    image = keras.Input((None, None, 3))
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="last")(image)
    model = with_drawn_weights(keras.Model(image, layers.Conv2D(3, 1, padding="same")(x)))
    with kx.KxWidget(model, photograph, "top", method="gradients", tile=(256, 256, 32)) as w:
        browser.open(w)
        until(lambda: browser.over)
        w.regions = {"others": {"kind": "pixel", "at": [1200, 850]}}
        w.wait()
        assert browser.maps[0, 0][0]["region"]["at"] == [1200, 850]
        # What the net sees of it are three pixels a side.
        there = np.argwhere(w.result.maps[0, 0])
        assert np.abs(there - [850, 1200]).max() <= 1
        browser.say(w, "segment", images=[0])
        until(lambda: any(m["kind"] == "segmentation" for m in browser.messages))
        item = next(m for m in browser.messages if m["kind"] == "segmentation")["items"][0]
        assert (item["problem"], item["shape"]) == ("", [HEIGHT // 2, WIDTH // 2])


def test_compared_columns_have_parts_of_their_own(browser, widget):
    with widget.hold_trait_notifications():
        widget.compare, widget.compare_with = "targets", [0, 2]
    widget.wait()
    until(lambda: browser.over)
    for column in (0, 1):
        content, (_, data) = crop_of(browser, widget, (10, 20, 40, 50), 30, browser.gen, column)
        expected = widget.result.maps[0, column, 20:50, 10:40]
        assert_allclose(decode(content["map"], data), expected, atol=1e-4 * np.abs(expected).max())
