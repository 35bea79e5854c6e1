"""Parts of images at full resolution: cut out of the file or the array, when a view asks."""

import io
import threading
import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image, ImageOps

import kx_widget as kx
from kx_widget.engine.errors import ImageError
from kx_widget.widget import image_sources
from kx_widget.widget.crops import LARGEST_CROP, Crops, encode_crop
from tests import models
from tests.widget.page import PATIENCE, rest, say, until

WIDTH, HEIGHT = 4000, 3000
OF_MAP = {"gen": 1, "column": 0}


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


class View:
    """Asks for parts of images as a browser does."""

    def __init__(self, monkeypatch):
        self.sent = []
        monkeypatch.setattr(kx.KxWidget, "send", self.heard)

    def heard(self, content, buffers=None):
        if content["kind"] == "crop":
            self.sent.append((content, buffers[0]))

    def ask(self, widget, image=0, box=(0, 0, 9, 9), longest=500):
        """The answer, its pixels where there are some."""
        count = len(self.sent)
        say(widget, {"kind": "enlarge", "id": "v", "image": image, "box": list(box), "longest": longest, **OF_MAP})
        until(lambda: len(self.sent) > count)
        content, data = self.sent[-1]
        assert len(data) <= LARGEST_CROP
        return content, np.asarray(Image.open(io.BytesIO(data))) if data else None


@pytest.fixture
def view(monkeypatch):
    return View(monkeypatch)


@pytest.fixture(scope="module")
def turned(tmp_path_factory):
    """A photograph of 12 megapixels that the camera stored lying on its side."""
    path = tmp_path_factory.mktemp("camera") / "p.jpg"
    exif = Image.Exif()
    exif[0x0112] = 8
    Image.fromarray(noise(HEIGHT // 10, WIDTH // 10)).resize((WIDTH, HEIGHT)).save(path, exif=exif)
    return path


@pytest.fixture(scope="module")
def upright(turned):
    with Image.open(turned) as file:
        return ImageOps.exif_transpose(file)


def test_a_crop_of_a_turned_photograph_is_the_one_that_pillow_cuts(explainer, view, turned, upright):
    box = (1234, 2100, 1634, 2400)
    with kx.KxWidget(explainer, [turned]) as w:
        (record,) = w._images
        assert (record["original_size"], record["height"]) == ([HEIGHT, WIDTH], 512)
        content, pixels = view.ask(w, box=box)
        assert (content["original_size"], content["box"]) == ([HEIGHT, WIDTH], list(box))
        assert_array_equal(pixels, np.asarray(upright.crop(box)))
        content, pixels = view.ask(w, box=(0, 0, HEIGHT, WIDTH), longest=400)
        assert (content["mime"], content["width"], content["height"]) == ("image/jpeg", 300, 400)
        assert np.abs(pixels - np.asarray(upright.resize((300, 400), Image.Resampling.LANCZOS), float)).mean() < 10


def test_a_box_beyond_the_image_ends_at_its_edge(explainer, view):
    array = noise(600, 700)
    with kx.KxWidget(explainer, array) as w:
        content, pixels = view.ask(w, box=(690, 590, 10**30, 10**30))
        assert content["box"] == [690, 590, 700, 600]
        assert_array_equal(pixels, array[590:, 690:])
        assert view.ask(w, box=(-9, 5, 0, 5))[0]["box"] == [0, 5, 1, 6]


def test_an_array_is_not_kept(explainer, view):
    array = noise(600, 700)
    with kx.KxWidget(explainer, array) as w:
        assert view.ask(w)[0]["problem"] == ""
        until(lambda: not any(thread.name == "kx-crops" for thread in threading.enumerate()))
        del array
        content, pixels = view.ask(w)
        assert "not held by anybody any more: keep it in a variable" in content["problem"]
        assert pixels is None


def test_a_file_that_was_deleted_is_told(explainer, view, tmp_path):
    Image.fromarray(noise(600, 700)).save(tmp_path / "p.png")
    with kx.KxWidget(explainer, [tmp_path / "p.png"]) as w:
        (tmp_path / "p.png").unlink()
        assert view.ask(w)[0]["problem"] == "there is no such file"
        for wrong in ({"image": 1}, {"image": -1}, {"box": (1, 2, 3)}, {"longest": 0}):
            assert "There is no part" in view.ask(w, **wrong)[0]["problem"]


def test_one_decoded_file_is_kept_and_only_for_a_while(explainer, view, turned, upright, monkeypatch, tmp_path):
    upright.save(tmp_path / "q.png", compress_level=0)
    decoded = []
    decode = image_sources.Images.original
    monkeypatch.setattr(image_sources.Images, "original", lambda x, i: decoded.append(i) or decode(x, i))
    with kx.KxWidget(explainer, [turned, tmp_path / "q.png"]) as w:
        # Nothing else takes memory meanwhile.
        w.wait(PATIENCE)
        w._session.hear()
        rest(w)
        tracemalloc.start()
        for image, times in ((0, 3), (1, 3), (0, 1)):
            for _ in range(times):
                view.ask(w, image)
        held, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert decoded == [0, 1, 0]
        assert held < 1.2 * WIDTH * HEIGHT * 3
        assert peak < 5 * WIDTH * HEIGHT * 3
        w._source.decoded.forget()
        view.ask(w, 0)
        assert decoded == [0, 1, 0, 0]


def test_what_is_too_large_is_not_kept(monkeypatch):
    monkeypatch.setattr(image_sources, "KEPT_BYTES", 100)
    decoded, kept = [], image_sources.LastDecoded()
    for _ in range(2):
        kept.get(0, lambda: decoded.append(1) or noise(10, 10))
    assert len(decoded) == 2


def test_of_a_view_the_latest_request_is_answered_and_nobody_waits():
    begun, go_on, cut, sent = threading.Event(), threading.Event(), [], []

    class Images(list):
        def original(self, image):
            begun.set()
            assert go_on.wait(PATIENCE)
            cut.append(image)
            return noise(20, 20)

    crops = Crops(Images([0] * 9), lambda content, _: sent.append(content))
    crops.ask("a", 0, [0, 0, 5, 5], 9)
    assert begun.wait(PATIENCE)
    for image in range(1, 9):
        crops.ask("a", image, [0, 0, 5, 5], 9)
    crops.ask("b", 3, [0, 0, 5, 5], 9)
    assert sent == []
    go_on.set()
    until(lambda: len(sent) == 3)
    assert cut == [0, 8, 3]
    assert [(content["id"], content["image"]) for content in sent] == [("a", 0), ("a", 8), ("b", 3)]


def test_a_flood_of_views_is_refused():
    begun, go_on, sent = threading.Event(), threading.Event(), []

    class Images(list):
        def original(self, image):
            begun.set()
            assert go_on.wait(PATIENCE)
            raise ImageError("none")

    crops = Crops(Images([0]), lambda content, _: sent.append(content["problem"]))
    for view in range(100):
        crops.ask(str(view), 0, [0, 0, 1, 1], 9)
    assert begun.wait(PATIENCE)
    assert set(sent) == {"Too many views ask for parts of images at once."}
    go_on.set()
    until(lambda: sent.count("none") == 100 - len([p for p in sent if p != "none"]) and len(sent) == 100)


@pytest.mark.parametrize("side", [300, 600, 2048])
def test_a_message_is_a_megabyte_at_most(side):
    pixels = noise(side, side)
    _, mime, data = encode_crop(pixels, 2048)
    assert len(data) <= LARGEST_CROP
    assert mime == ("image/png" if side == 300 else "image/jpeg")
    grey = pixels[:9, :9, :1]
    assert_array_equal(np.asarray(Image.open(io.BytesIO(encode_crop(grey, 99)[2]))), grey.repeat(3, -1))


def test_a_float_image_is_cut_as_it_is_shown(view):
    array = noise(600, 700).astype(np.float32) / 127.5 - 1
    with kx.KxWidget(models.residual(), array) as w:
        _, pixels = view.ask(w, box=(10, 20, 40, 60))
        assert np.abs(pixels.astype(float) - (array[20:60, 10:40] + 1) * 127.5).max() <= 1
