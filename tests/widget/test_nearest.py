"""Which images are alike, told beside the answer: as the engine tells it, at no pass, and kept in pages."""

import numpy as np
import pyarrow.compute as pc
import pytest
from numpy.testing import assert_allclose
from PIL import Image

import kx_widget as kx
from kx_widget.widget import image_sources, nearest_neighbours
from kx_widget.widget.store_page import write_page
from tests import cases, models
from tests.engine.test_nearest import passes
from tests.widget.conftest import NAMES
from tests.widget.page import PATIENCE, rest, stalled, until
from tests.widget.saved import read_page


def told(browser):
    """What the page has been told last."""
    return [message for message in browser.messages if message["kind"] == "nearest"][-1]


def numbers(items):
    return [neighbour["image"] for neighbour in items]


def assert_as_engine(message, nearest):
    for item, indices, similarities in zip(message["items"], nearest.indices, nearest.similarities, strict=True):
        assert numbers(item["nearest"]) == indices.tolist()
        assert_allclose([each["similarity"] for each in item["nearest"]], similarities, atol=1e-4)


@pytest.fixture
def photos():
    return np.concatenate([cases.photos(5), cases.photos(2)])


def test_after_the_map_they_take_no_pass(photos):
    with kx.KxWidget(models.residual(), photos) as widget:
        widget.wait()
        rest(widget)
        counts = passes(widget.explainer)
        content = widget._session.nearest.of_page(widget._question_traits(), 0, None)
        assert len(content["items"][0]["nearest"]) == 6
        assert passes(widget.explainer) == counts > 0


def test_they_are_those_of_the_engine_told_once(widget, browser, photos):
    rest(widget)
    message = told(browser)
    assert message["layer"] == widget.layer
    assert_as_engine(message, widget.explainer.nearest(photos, k=8, layer=widget.layer))
    assert numbers(message["items"][0]["nearest"])[0] == 5, "the copy"
    assert message["items"][0]["nearest"][0]["similarity"] == 1
    assert all(item["right"] == [] and item["why"] == "" for item in message["items"])
    widget.selected = [3]
    rest(widget)
    assert told(browser) is message, "of so few images all is told at once"


def test_another_layer_and_other_weights_are_told_anew(browser, photos):
    model = models.residual()
    widget = browser.open(kx.KxWidget(model, photos))
    browser.wait(widget)
    rest(widget)
    first = told(browser)
    widget.layer = "stem"
    browser.wait(widget)
    rest(widget)
    second = told(browser)
    assert second["layer"] == "stem"
    assert second["edition"] != first["edition"]
    assert_as_engine(second, widget.explainer.nearest(photos, k=8, layer="stem"))
    model.get_layer("stem").kernel.assign(-model.get_layer("stem").kernel)
    widget.refresh()
    browser.wait(widget)
    rest(widget)
    assert told(browser)["edition"] != second["edition"]
    assert_as_engine(told(browser), widget.explainer.nearest(photos, k=8, layer="stem"))
    widget.close()


def test_a_method_that_sees_the_input_is_answered_before_its_one_pass(browser, photos):
    widget = browser.open(kx.KxWidget(models.residual(), photos, method="gradients"))
    browser.wait(widget)
    rest(widget)
    recommended = widget.explainer.inspection.recommended
    assert_as_engine(told(browser), widget.explainer.nearest(photos, k=8, layer=recommended))
    kinds = browser.kinds()
    assert kinds.index("done") < kinds.index("nearest")
    widget.close()


def test_labels_tell_the_nearest_that_are_right_and_may_come_later(widget, browser, photos):
    predicted = widget.explainer.predict(photos)[0].argmax(1)
    labels = [int(c) for c in predicted]
    labels[1], labels[2] = (labels[1] + 1) % 4, None
    widget.labels = labels
    rest(widget)
    for image, item in enumerate(told(browser)["items"]):
        expected = [other for other in numbers(item["nearest"]) if other not in (1, 2)]
        assert numbers(item["right"]) == expected
        assert image not in expected
    widget.labels = []
    rest(widget)
    assert not any(item["right"] for item in told(browser)["items"])


def test_of_very_many_those_of_the_image_in_focus_are_told(browser, explainer, photos, monkeypatch):
    monkeypatch.setattr(nearest_neighbours, "MOST_AT_ONCE", 3)
    widget = browser.open(kx.KxWidget(explainer, photos))
    browser.wait(widget)
    rest(widget)
    assert [item["image"] for item in told(browser)["items"]] == [0]
    widget.selected = [4]
    rest(widget)
    (item,) = told(browser)["items"]
    assert item["image"] == 4
    assert numbers(item["nearest"]) == explainer.nearest(photos, k=8).indices[4].tolist()
    widget.close()


def test_a_question_does_not_wait_for_them(browser, explainer, monkeypatch):
    monkeypatch.setattr(image_sources, "IMAGES_IN_A_PASS", 1)
    x = cases.photos(6)
    # Without a view nobody looks for them.
    widget = kx.KxWidget(kx.Explainer(models.residual()), x, method="gradients")
    seen = []
    request = nearest_neighbours.NearestRequest

    def interrupted(*arguments):
        *others, stale = arguments

        def ask_meanwhile():
            seen.append(len(seen))
            if len(seen) == 2:
                widget.target = "top-2"
            return stale()

        return request(*others, ask_meanwhile)

    monkeypatch.setattr(nearest_neighbours, "NearestRequest", interrupted)
    browser.open(widget)
    browser.wait(widget)
    until(lambda: len(seen) >= 2)
    browser.wait(widget)
    rest(widget)
    assert widget.result.target_names == widget.explainer.explain(x, "top-2", method="gradients").target_names
    assert len(told(browser)["items"]) == 6
    assert seen[:2] == [0, 1]
    widget.close()


def test_one_image_alone_is_told_in_words(browser, explainer, photos):
    widget = browser.open(kx.KxWidget(explainer, photos[:1]))
    browser.wait(widget)
    rest(widget)
    (item,) = told(browser)["items"]
    assert item["nearest"] == []
    assert "one image here" in item["why"]
    widget.close()


def test_what_cannot_be_compared_says_so(browser, photos):
    widget = browser.open(kx.KxWidget(models.flat(), photos, method="gradients"))
    browser.wait(widget)
    rest(widget)
    assert {item["why"] for item in told(browser)["items"]} == {
        f"Images are compared by the activations of a layer with a map. {widget.explainer.inspection.why}"
    }
    widget.close()


def test_a_view_that_comes_later_is_told_the_same(widget, browser):
    rest(widget)
    first = told(browser)
    browser.open(widget)
    rest(widget)
    again = [message for message in browser.messages if message["kind"] == "nearest"]
    assert len(again) > 1
    assert all(message == first for message in again)


def test_a_page_keeps_them_whether_anybody_looked_or_not(explainer, photos, tmp_path):
    widget = kx.KxWidget(explainer, photos)
    widget.save(tmp_path / "page.html")
    _, header, _ = read_page(tmp_path / "page.html")
    assert_as_engine(header["nearest"], explainer.nearest(photos, k=8, layer=widget.layer))
    widget.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for i in range(12):
        path = folder / NAMES[i % 3] / f"{i:02}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (20, 20, 3), np.uint8)).save(path)
    (folder / NAMES[0] / "03-broken.png").write_text("no picture", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def store(tmp_path_factory, explainer, folder):
    path = tmp_path_factory.mktemp("kept") / "s"
    return explainer.explain_to(path, folder, ["top", "dog"], labels="folder", embeddings=True)


def expected_of(store, image, chosen):
    """The neighbours of an image of a store among those of some rows, by their place there."""
    nearest = store.nearest(int(chosen[image]), k=8, among=chosen)
    return [chosen.tolist().index(row) for row in nearest.indices[0]]


@pytest.mark.parametrize("descending", [False, True])
def test_a_store_tells_those_of_the_image_in_focus(browser, store, descending):
    widget = browser.open(kx.KxWidget.from_store(store, sort="score", descending=descending))
    browser.wait(widget)
    rest(widget)
    rows = store.select(sort="score", descending=descending)
    first_rows = rows - store.columns(["column"]).take(rows).column(0).to_numpy()
    chosen = np.array(list(dict.fromkeys(first_rows.tolist())))
    (item,) = told(browser)["items"]
    assert numbers(item["nearest"]) == expected_of(store, 0, chosen)
    widget.selected = [5]
    browser.wait(widget)
    rest(widget)
    (item,) = told(browser)["items"]
    assert item["image"] == 5
    assert numbers(item["nearest"]) == expected_of(store, 5, chosen)
    records = store.rows(chosen)
    is_right = [record["predicted"] == record["label"] for record in records]
    assert all(is_right[image] for image in numbers(item["right"]))
    right = [image for image in range(len(chosen)) if is_right[image] and image != 5]
    assert 0 < len(right) <= 8, "all of them are told"
    assert set(numbers(item["right"])) == set(right)
    widget.close()


def test_a_store_of_a_choice_has_neighbours_of_this_choice(browser, store):
    widget = browser.open(kx.KxWidget.from_store(store, where=pc.field("label") == 0))
    browser.wait(widget)
    rest(widget)
    chosen = store.select((pc.field("label") == 0) & (pc.field("column") == 0))
    (item,) = told(browser)["items"]
    assert numbers(item["nearest"]) == expected_of(store, 0, chosen)
    widget.close()


def test_a_question_does_not_wait_for_a_store_to_be_read(browser, store, monkeypatch):
    _, waits, goes_on = stalled(monkeypatch, kx.Store, "nearest")
    widget = browser.open(kx.KxWidget.from_store(store))
    assert waits.wait(PATIENCE)
    widget.target = "dog"
    assert browser.wait(widget).target_names[0] == ("dog",)
    widget.selected = [2]
    browser.wait(widget)
    assert "nearest" not in browser.kinds()
    goes_on.set()
    rest(widget)
    until(lambda: "nearest" in browser.kinds())
    assert [item["image"] for item in told(browser)["items"]] == [2]
    widget.close()


def test_a_store_without_embeddings_says_how_to_have_them(browser, explainer, folder, tmp_path):
    store = explainer.explain_to(tmp_path / "s", folder)
    widget = browser.open(kx.KxWidget.from_store(store))
    browser.wait(widget)
    rest(widget)
    (item,) = told(browser)["items"]
    assert "embeddings=True" in item["why"]
    assert str(tmp_path) not in item["why"], "pages are handed on"
    widget.close()


def test_a_page_of_a_store_keeps_them(store, tmp_path):
    write_page(store, tmp_path / "page.html")
    _, header, _ = read_page(tmp_path / "page.html")
    chosen = store.select(pc.field("column") == 0)
    items = header["nearest"]["items"]
    assert len(items) == len(chosen) == 12
    for image, item in enumerate(items):
        assert numbers(item["nearest"]) == expected_of(store, image, chosen)
