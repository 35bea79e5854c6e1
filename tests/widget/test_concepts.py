"""The concepts of all images are told to pages that show them, and kept in saved ones."""

from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import kx_widget as kx
from kx_widget.engine import concepts as engine
from kx_widget.widget import concept_search
from kx_widget.widget.page_requests import ConceptRequests
from tests import cases, models
from tests.widget.page import PATIENCE, rest, stalled, until
from tests.widget.test_segmentation import header_of

IMAGES = cases.photos(4)


@pytest.fixture(scope="module")
def net():
    keras.utils.set_random_seed(1)
    return models.pooled()


def opened(browser, net, images=IMAGES, **keywords):
    widget = browser.open(kx.KxWidget(net, images, preprocess=None, layer="late", **keywords))
    browser.wait(widget)
    return widget


def told(browser, widget, parts=1, **fields):
    """The answer to a page that asks for concepts."""

    def whole():
        return [each for each in browser.concepts[before:] if each[0]["done"] == 1]

    before = len(browser.concepts)
    browser.say(widget, "find_concepts", **{"have": "", "concepts": 3, "images": [0], "among": [], **fields})
    until(lambda: len(whole()) >= parts)
    return whole()


def read(message, buffers):
    """Importance (G, C), and by image how strong each concept is in each cell (G, h, w)."""
    many = len(message["concepts"])
    importance = np.frombuffer(buffers[0], "<f4").reshape(many, -1)
    maps = np.frombuffer(buffers[1], np.uint8).reshape(len(message["images"]), many, *message["shape"])
    return importance, dict(zip(message["images"], maps, strict=True))


def test_they_are_those_of_the_explainer_in_all_images(browser, net):
    with opened(browser, net) as widget:
        assert not browser.concepts
        ((message, buffers),) = told(browser, widget)
        importance, maps = read(message, buffers)
        expected = kx.Explainer(net, preprocess=None).concepts(IMAGES, "late", 3)
        assert_allclose(importance, expected.importance, atol=1e-5)
        assert sorted(maps) == [0, 1, 2, 3]
        strongest = expected.maps.max((0, 2, 3))
        for image, of_image in maps.items():
            assert_allclose(of_image / 255 * strongest[:, None, None], expected.maps[image], atol=strongest.max() / 400)
        parts = [[(part["image"], part["box"]) for part in each["typical"]] for each in message["concepts"]]
        assert [[image for image, _ in each] for each in parts] == [
            [p.image for p in each] for each in expected.typical
        ]
        assert_allclose(parts[0][0][1], expected.typical[0][0].box, atol=1e-4)
        assert (message["layer"], message["sentence"], message["problem"]) == ("late", expected.sentence, "")
        assert_allclose(widget.concepts.maps, expected.maps, atol=1e-5)


@pytest.mark.usefixtures("patient_prefetch")
def test_no_pass_is_made_for_them_and_they_are_told_once(browser, net):
    with opened(browser, net) as widget:
        rest(widget)
        before = widget.explainer.counts
        ((first, _),) = told(browser, widget)
        rest(widget)
        passes = widget.explainer.counts - before
        assert {name for name in passes if name in ("trunk", "predict", "head", "look", "tell")} == set()
        before = widget.explainer.counts["head_scores"]
        ((again, buffers),) = told(browser, widget, have=first["key"], images=[])
        assert (again["key"], again["images"], buffers) == (first["key"], [], [b"", b""])
        ((again, buffers),) = told(browser, widget, have=first["key"], images=[2])
        assert (again["images"], buffers[0]) == ([2], b"")
        assert widget.explainer.counts["head_scores"] == before


def test_another_layer_number_and_other_weights_have_other_concepts(browser):
    net = models.pooled()
    with opened(browser, net) as widget:
        ((late, _),) = told(browser, widget)
        widget.layer = "early"
        browser.wait(widget)
        ((early, buffers),) = told(browser, widget, have=late["key"])
        assert early["layer"] == "early"
        assert early["key"] != late["key"]
        assert read(early, buffers)[1].keys() == {0, 1, 2, 3}
        ((two, _),) = told(browser, widget, have=early["key"], concepts=2)
        assert len(two["concepts"]) == 2
        net.get_layer("early").kernel.assign(-net.get_layer("early").kernel)
        widget.refresh()
        browser.wait(widget)
        ((other, _),) = told(browser, widget, have=two["key"], concepts=2)
        assert other["key"] != two["key"]


def test_a_method_that_sees_the_input_has_those_of_the_recommended_layer(browser, net):
    with opened(browser, net) as widget:
        widget.method = "gradients"
        browser.wait(widget)
        ((message, _),) = told(browser, widget)
        assert message["layer"] == widget.explainer.inspection.recommended


def test_more_concepts_than_channels_are_as_many_as_there_can_be(browser, net):
    with opened(browser, net) as widget:
        ((message, _),) = told(browser, widget, concepts=16)
        assert len(message["concepts"]) == 5


def test_many_images_come_in_parts(browser, net, monkeypatch):
    monkeypatch.setattr(concept_search, "LARGEST_PART", 1)
    with opened(browser, net) as widget:
        sent = told(browser, widget, parts=4)
        assert [message["images"] for message, _ in sent] == [[0], [1], [2], [3]]
        assert len({message["key"] for message, _ in sent}) == 1
        assert [len(buffers[0]) > 0 for _, buffers in sent] == [True, False, False, False]


def test_a_question_comes_first_and_the_search_goes_on_after_it(browser, net, monkeypatch):
    with opened(browser, net) as widget:
        rest(widget)
        monkeypatch.setattr(concept_search, "SECONDS_BETWEEN_PROGRESS", 60)
        calls, waits, goes_on = stalled(monkeypatch, engine, "weights_of")
        browser.say(widget, "find_concepts", have="", concepts=3, images=[0], among=[])
        assert waits.wait(PATIENCE)
        widget.target = 2
        goes_on.set()
        browser.wait(widget)
        until(lambda: browser.concepts)
        rest(widget)
        kinds = [message["kind"] for message in browser.messages]
        assert kinds.index("concepts") > len(kinds) - 1 - kinds[::-1].index("done")
        # What was begun has gone on.
        assert len(calls) == 1


def test_those_of_some_images_are_found_in_the_others_too(browser, net):
    with opened(browser, net) as widget:
        ((message, buffers),) = told(browser, widget, images=[0, 1], among=[1, 3])
        expected = widget.explainer.ask(IMAGES[[1, 3]], [0], layer="late")
        found = engine.concepts_of(expected, {"concepts": 3})
        importance, maps = read(message, buffers)
        assert_allclose(importance, found.importance, atol=1e-5)
        assert maps.keys() == {0, 1, 3}
        strongest = found.maps.max((0, 2, 3))[:, None, None]
        assert_allclose(maps[3] / 255, found.maps[1] / strongest, atol=1 / 300)
        other = engine.concepts_of(widget.explainer.ask(IMAGES[:1], [0], layer="late"), {}, found).maps[0]
        assert_allclose(maps[0] / 255, np.minimum(other / strongest, 1), atol=1 / 300)
        assert {part["image"] for each in message["concepts"] for part in each["typical"]} <= {1, 3}
        widget.overlay = "concepts"
        (saved,) = header_of(widget.to_html())[0]["concepts"]
        assert (saved["key"], sorted(saved["images"])) == (message["key"], [0, 1, 2, 3])


def test_it_is_told_how_far_the_search_is(browser, net, monkeypatch):
    monkeypatch.setattr(concept_search, "SECONDS_BETWEEN_PROGRESS", 0)
    with opened(browser, net) as widget:
        told(browser, widget)
        done = [message["done"] for message, _ in browser.concepts]
        assert done[0] < 1
        assert done == sorted(done)
        assert done[-1] == 1


def test_a_failure_is_told_and_nothing_else_is_lost(browser, net, monkeypatch):
    def broken(*_):
        raise ValueError("no room")

    with opened(browser, net) as widget:
        with monkeypatch.context() as patch:
            patch.setattr(engine, "factorise", broken)
            ((message, _),) = told(browser, widget)
            assert "no room" in message["problem"]
        ((message, _),) = told(browser, widget)
        assert message["problem"] == ""
        assert widget.status == "done"


def test_one_image_and_one_that_is_blank(browser, net):
    with opened(browser, net, IMAGES[:1]) as widget:
        ((message, buffers),) = told(browser, widget)
        assert read(message, buffers)[1].keys() == {0}
    net = models.pooled(bias=False)
    with opened(browser, net, np.concatenate([IMAGES, np.zeros_like(IMAGES[:1])])) as widget:
        ((message, buffers),) = told(browser, widget)
        assert not read(message, buffers)[1][4].any()
        assert any(note.startswith("No concept: ") for note in message["notes"])


def test_a_store_has_those_of_the_images_in_sight_and_finds_them_in_others(browser, net, tmp_path):
    explainer = kx.Explainer(net, preprocess=None)
    photos = tmp_path / "photos"
    photos.mkdir()
    for number, image in enumerate(IMAGES):
        keras.utils.save_img(photos / f"{number}.png", image, scale=True)
    explainer.explain_to(tmp_path / "maps.parquet", photos, layer="late")
    with browser.open(kx.KxWidget.from_store(tmp_path / "maps.parquet", explainer)) as widget:
        browser.wait(widget)
        ((first, buffers),) = told(browser, widget, images=[0, 2])
        assert first["images"] == [0, 2]
        assert {part["image"] for each in first["concepts"] for part in each["typical"]} <= {0, 2}
        ((more, others),) = told(browser, widget, have=first["key"], images=[3])
        assert (more["key"], more["images"], others[0]) == (first["key"], [3], b"")
        expected = explainer.concepts([photos / "0.png", photos / "2.png"], "late", 3)
        assert_allclose(read(first, buffers)[0], expected.importance, atol=1e-5)
        alike = explainer.concepts([photos / "3.png"], concepts=expected).maps[0]
        strongest = expected.maps.max((0, 2, 3))[:, None, None]
        maps = np.frombuffer(others[1], np.uint8).reshape(3, *more["shape"])
        assert_allclose(maps / 255, np.minimum(alike / strongest, 1), atol=1 / 300)
    with browser.open(kx.KxWidget.from_store(tmp_path / "maps.parquet")) as widget:
        browser.wait(widget)
        with pytest.raises(kx.KxError, match="Concepts need the model"):
            widget.overlay = "concepts"


def test_saved_pages_keep_them_where_they_are_shown(browser, net):
    with opened(browser, net) as widget:
        assert header_of(widget.to_html())[0]["concepts"] == []
        widget.overlay = "concepts"
        header, buffer = header_of(widget.to_html())
        expected = widget.concepts
    (saved,) = header["concepts"]
    importance, maps = read(saved, [buffer[at : at + size] for at, size in saved["parts"]])
    assert_allclose(importance, expected.importance, atol=1e-6)
    assert_array_equal(list(maps), range(4))
    assert maps[0].max() > 0


def test_a_page_saved_while_they_are_looked_for_keeps_them(browser, net, monkeypatch):
    with opened(browser, net) as widget, ThreadPoolExecutor() as pool:
        rest(widget)
        widget.overlay = "concepts"
        _, waits, goes_on = stalled(monkeypatch, engine, "weights_of")
        _, is_saving, saves = stalled(monkeypatch, ConceptRequests, "of_page")
        browser.say(widget, "find_concepts", have="", concepts=3, images=[0], among=[])
        assert waits.wait(PATIENCE)
        page = pool.submit(widget.to_html)
        assert is_saving.wait(PATIENCE)
        saves.set()
        goes_on.set()
        (saved,) = header_of(page.result(PATIENCE))[0]["concepts"]
        until(lambda: any(message["done"] == 1 for message, _ in browser.concepts))
        assert [message["problem"] for message, _ in browser.concepts if message["done"] == 1] == [""]
        assert (saved["key"], saved["images"]) == (browser.concepts[-1][0]["key"], [0, 1, 2, 3])


def test_where_there_can_be_none_the_overlay_is_refused(net):
    flat = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(3)])
    with (
        kx.KxWidget(flat, np.zeros((1, 8, 8, 3), np.uint8), preprocess=None, method="gradients") as widget,
        pytest.raises(kx.KxError, match="needs a layer with a map"),
    ):
        widget.overlay = "concepts"
