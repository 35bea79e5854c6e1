"""A widget of a store shows what was stored, asks the model for the rest, and reads only what is looked at."""

import io
import threading
import warnings
from pathlib import Path

import keras
import numpy as np
import pyarrow.compute as pc
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

import kx_widget as kx
from kx_widget.engine.answer import AnswerBuilder
from kx_widget.engine.errors import FormatError
from kx_widget.widget.latest_answer import LatestAnswer
from kx_widget.widget.stored import StoredImages
from tests import models
from tests.widget.conftest import NAMES
from tests.widget.page import PATIENCE, rest, until
from tests.widget.test_painting import MASK, paint

IMAGES, MISSING, BROKEN = 30, 7, 11


@pytest.fixture(scope="module")
def kept(tmp_path_factory, explainer):
    """Thirty explained pictures, of which one is not there any more, and a broken one that was skipped."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for i in range(IMAGES):
        path = folder / NAMES[i % 3] / f"{i:02}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (13 + i, 20, 3), np.uint8)).save(path)
    (folder / NAMES[0] / "03-broken.png").write_text("no picture", encoding="utf-8")
    store = explainer.explain_to(folder / "s", folder, ["top", "dog"], labels="folder", part_images=8)
    assert len(store.skipped) == 1
    paths = [row["id"] for row in store.rows(store.select()[::2])]
    Path(paths[MISSING]).unlink()
    return store


@pytest.fixture
def paths(kept):
    return [row["id"] for row in kept.rows(kept.select()[::2])]


@pytest.fixture
def opened(browser, kept):
    """Widgets of the store, shown by the page."""
    made = []

    def make(model=None, **keywords):
        made.append(browser.open(kx.KxWidget.from_store(kept, model, **keywords)))
        browser.wait(made[-1])
        return made[-1]

    yield make
    for widget in made:
        widget.close()


def look(browser, widget, images):
    """Scroll to images, and wait for all that comes of it."""
    lacking = [i for i in images if i not in browser.pictures]
    maps = [i for i in images if (i, 0) not in browser.maps]
    browser.say(widget, "look", gen=browser.gen, pictures=lacking, maps=maps)
    rest(widget)
    until(lambda: all(i in browser.pictures for i in images))


def test_nothing_is_read_that_is_not_looked_at(browser, kept, opened):
    widget = opened()
    assert browser.maps == browser.pictures == {}
    look(browser, widget, range(4, 9))
    until(lambda: len(browser.maps) == 5)
    assert sorted(browser.pictures) == [4, 5, 6, 7, 8]
    rows = kept.select()[::2][4:9]
    assert_array_equal(np.stack([browser.maps[i, 0][1] for i in range(4, 9)]), np.stack(kept.maps(rows)))
    for i, row in zip(range(4, 9), kept.rows(rows), strict=True):
        item = browser.maps[i, 0][0]
        assert {name: item[name] for name in ("target", "target_name", "score", "probability")} == {
            name: row[name] for name in ("target", "target_name", "score", "probability")
        }
        assert browser.pictures[i][0]["name"] == row["id"]
    picture, data = browser.pictures[4]
    assert_array_equal(np.asarray(Image.open(io.BytesIO(data))), np.asarray(Image.open(picture["name"])))
    picture, data = browser.pictures[MISSING]
    assert (picture["problem"], data) == ("there is no such file", b"")


def test_a_part_of_a_file_comes_in_its_own_pixels(browser, opened, paths):
    widget = opened()
    look(browser, widget, [4])
    (height, width, _) = np.asarray(Image.open(paths[4])).shape
    assert list(browser.pictures[4][0]["original_size"]) == [width, height]
    for count, image in enumerate((4, MISSING), 1):
        browser.say(widget, "enlarge", id="view", image=image, box=[3, 2, 9, 7], longest=100, gen=1, column=0)
        until(lambda count=count: len(browser.crops) == count)
    (content, data), (refused, nothing) = browser.crops
    assert content["original_size"] == [width, height]
    assert_array_equal(np.asarray(Image.open(io.BytesIO(data))), np.asarray(Image.open(paths[4]))[2:7, 3:9])
    assert (refused["problem"], nothing) == ("there is no such file", b"")


def test_pages_know_what_to_sort_and_filter_by(browser, kept, opened, explainer, paths):
    opened()
    (message, data), *more = browser.shelf
    assert not more
    assert (message["images"], message["first"], message["count"]) == (IMAGES, 0, IMAGES)
    best, true = np.frombuffer(data, "<i4", 2 * IMAGES).reshape(2, -1)
    sure, scores, *numbers = np.frombuffer(data, "<f4", offset=8 * IMAGES).reshape(2 + len(kept.evidence), -1)
    here = [i for i in range(IMAGES) if i != MISSING]
    all_scores, probabilities = explainer.predict([paths[i] for i in here])
    assert_array_equal(best[here], all_scores.argmax(-1))
    assert_allclose(scores[here], all_scores.max(-1), rtol=1e-5)
    assert_allclose(sure[here], probabilities.max(-1), rtol=1e-5)
    assert [NAMES[t] for t in true] == [path.split("/")[-2] for path in paths]
    (welcome,) = [m for m in browser.messages if m["kind"] == "welcome"]
    assert [column["name"] for column in welcome["columns"]] == [*kept.evidence]
    first = kept.select(pc.field("column") == 0)
    for column, values in zip(welcome["columns"], numbers, strict=True):
        assert_array_equal(values, kept.columns([column["name"]]).take(first).column(0).to_numpy())
        assert len(column["title"].split()) > 2


def test_rows_are_chosen_and_sorted_by_evidence(opened):
    widget = opened(show="area50 < 0.25")
    widget.sort = "random_logit high"
    assert (widget.show, widget.sort) == ("area50 < 0.25", "random_logit high")
    widget.show, widget.sort = "completeness not told", "area50 low"
    for name, value in (
        ("show", "area50 0.25"),
        ("show", "area50 < much"),
        ("show", "other < 1"),
        ("sort", "area50"),
        ("sort", "other low"),
    ):
        with pytest.raises(kx.ParameterError, match=r"no (choice|sort)"):
            setattr(widget, name, value)
    assert (widget.show, widget.sort) == ("completeness not told", "area50 low")


def test_what_is_shown_and_in_which_order_can_be_chosen(browser, kept, opened):
    widget = opened(where=pc.field("predicted") != pc.field("label"), sort="score", descending=True)
    rows = kept.rows(kept.select(pc.field("column") == 0))
    wrong = sorted((r for r in rows if r["predicted"] != r["label"]), key=lambda r: -r["score"])
    # The score of either target may be what puts an image first.
    look(browser, widget, range(len(wrong)))
    assert {picture["name"] for picture, _ in browser.pictures.values()} == {r["id"] for r in wrong}
    widget.compare = "targets"
    assert widget.wait().scores.max() == max(
        r["score"] for r in kept.rows(kept.select(pc.field("predicted") != pc.field("label")))
    )
    with pytest.raises(FormatError, match="no explanation to show of this choice"):
        kx.KxWidget.from_store(kept, where=pc.field("score") > 1e9)


def test_without_a_model_what_is_stored_can_be_asked(browser, kept, opened):
    widget = opened()
    offer = browser.messages[0]["offer"]
    assert [(a["target"], a["compare"]) for a in offer] == [("top", "none"), ("dog", "none"), ("top", "targets")]
    widget.target = 1
    assert widget.wait().target_names == (("dog",),)
    widget.selected = [5]
    assert widget.wait().names == (kept.rows(kept.select()[10:11])[0]["id"],)
    widget.compare = "targets"
    assert widget.wait().maps.shape[:2] == (1, 2)
    widget.compare_with = ["top", "dog"]
    browser.wait(widget)
    look(browser, widget, [2])
    until(lambda: len(browser.maps) == 2)
    assert_array_equal([browser.maps[2, c][1] for c in (0, 1)], kept.maps(kept.select()[4:6]))
    widget.compare = "none"
    for name, value in (("method", "layercam"), ("layer", "inside"), ("target", "cat"), ("params", {"smooth": True})):
        with pytest.raises(kx.KxError, match="needs the model"):
            setattr(widget, name, value)
    assert widget.wait().target_names == (("dog",),)
    with pytest.raises(kx.ParameterError, match="fit: without a model"):
        kx.KxWidget.from_store(kept, fit="crop")


def test_with_a_model_any_image_is_asked_anew(browser, kept, opened, explainer, paths):
    widget = opened(explainer.model)
    assert browser.messages[0]["offer"] is None
    assert browser.messages[0]["arguments"] == [repr(kept.path), "model"]
    widget.layer, widget.method, widget.target = "inside", "layercam", "cup"
    browser.wait(widget)
    images = [0, 6, MISSING, 20]
    look(browser, widget, images)
    there = [i for i in images if i != MISSING]
    until(lambda: sorted(i for i, _ in browser.maps) == there)
    expected = explainer.explain([paths[i] for i in there], "cup", method="layercam", layer="inside")
    assert_allclose([browser.maps[i, 0][1] for i in there], expected.maps[:, 0], rtol=1e-4, atol=1e-6)
    assert_allclose(widget.wait().maps[0, 0], browser.maps[0, 0][1], rtol=1e-4, atol=1e-6)
    widget.compare = "methods"
    widget.compare_with = ["gradcam", "gradients"]
    browser.wait(widget)
    look(browser, widget, [20])
    until(lambda: set(browser.maps) == {(20, 0), (20, 1)})
    browser.say(widget, "want", gen=browser.gen, image=20, column=0, have="")
    rest(widget)
    expected = explainer.explain(paths[20], "cup", method="gradcam", layer="stem").maps[0, 0]
    assert_allclose(browser.thumbnails["stem"], expected, rtol=1e-4, atol=1e-6)
    widget.selected = [MISSING]
    with pytest.raises(kx.ImageError, match="no such file"):
        widget.wait()
    widget.selected = [0]
    assert widget.wait().names == (paths[0],)
    widget.compare, widget.layer, widget.method, widget.target = "none", kept.job["layer"], "gradcam", "top"
    widget.selected = [MISSING]
    assert_array_equal(widget.wait().maps[0, 0], kept.maps([kept.select()[2 * MISSING]])[0])


def test_an_image_is_not_answered_by_the_one_that_was_in_focus_before(browser, opened, explainer, paths, monkeypatch):
    widget = opened(explainer.model, layer="inside", target="cup")
    load, explanation = StoredImages.load, AnswerBuilder.explanation

    def move(image, to):
        if widget.selected == [image]:
            widget.selected = [to]

    def load_late(*arguments):
        move(MISSING, 1)
        return load(*arguments)

    def explain_late(*arguments):
        move(1, 2)
        return explanation(*arguments)

    monkeypatch.setattr(StoredImages, "load", load_late)
    monkeypatch.setattr(AnswerBuilder, "explanation", explain_late)
    widget.selected = [MISSING]
    assert widget.wait().names == (paths[2],)


def test_an_image_selected_as_the_last_map_in_sight_comes_is_explained(browser, opened, explainer, paths, monkeypatch):
    widget = opened(explainer.model, layer="inside", target="cup")
    rest(widget)
    if_current = LatestAnswer.if_current

    def select_at_the_end(latest, answer, tell, *arguments):
        if_current(latest, answer, tell, *arguments)
        if tell == latest.tell_progress and arguments[0].done == arguments[0].total:
            widget.selected = [2]

    monkeypatch.setattr(LatestAnswer, "if_current", select_at_the_end)
    browser.say(widget, "look", gen=browser.gen, pictures=[], maps=[3, 4])
    until(lambda: widget.selected == [2])
    assert widget.wait(PATIENCE).names == (paths[2],)


def test_an_image_selected_after_a_cancel_is_explained_and_what_is_in_sight_goes_on(
    browser, opened, explainer, paths, monkeypatch
):
    widget = opened(explainer.model, layer="inside", target="cup")
    begun, go_on = threading.Event(), threading.Event()
    load = StoredImages.load
    rest(widget)

    def load_late(*arguments):
        begun.set()
        assert go_on.wait(PATIENCE)
        return load(*arguments)

    monkeypatch.setattr(StoredImages, "load", load_late)
    browser.say(widget, "look", gen=browser.gen, pictures=[], maps=[3, 4])
    assert begun.wait(PATIENCE)
    widget.cancel()
    go_on.set()
    assert widget.status == "cancelled"
    widget.selected = [2]
    assert widget.wait().names == (paths[2],)
    until(lambda: set(browser.maps) == {(3, 0), (4, 0)} and widget.status == "done")


def test_thumbnails_are_those_of_the_column_that_the_store_answers(browser, opened, explainer, paths):
    widget = opened(explainer.model, compare="targets")
    browser.say(widget, "want", gen=browser.gen, image=0, column=1, have="")
    rest(widget)
    expected = explainer.explain(paths[0], "dog", layer="stem").maps[0, 0]
    assert_allclose(browser.thumbnails["stem"], expected, rtol=1e-4, atol=1e-6)


def test_nothing_is_sent_while_nobody_sees_it_and_only_the_last_look_after(browser, opened):
    widget = opened()
    browser.say(widget, "seen", view="view", visible=False)
    for images in ([1, 2], [3, 4]):
        browser.say(widget, "look", gen=browser.gen, pictures=images, maps=images)
        rest(widget)
    assert browser.maps == browser.pictures == {}
    browser.say(widget, "seen", view="view", visible=True)
    assert sorted(browser.pictures) == [3, 4]
    assert sorted(browser.maps) == [(3, 0), (4, 0)]
    browser.say(widget, "look", gen=browser.gen, pictures=[-1, 10**6], maps=[10**6, -1])
    rest(widget)
    assert sorted(browser.pictures) == [3, 4]


def test_a_row_that_is_looked_at_many_times_is_sent_once(browser, opened):
    widget = opened()
    browser.messages.clear()
    browser.say(widget, "look", gen=browser.gen, pictures=[5] * 1000, maps=[5] * 1000)
    rest(widget)
    assert [item["image"] for m in browser.messages if m["kind"] == "pictures" for item in m["items"]] == [5]
    assert [item["image"] for m in browser.messages if m["kind"] == "maps" for item in m["items"]] == [5]


@pytest.mark.parametrize("has_model", [False, True])
def test_pages_are_told_where_pictures_are_opened(browser, kept, opened, explainer, paths, has_model):
    opened(explainer if has_model else None)
    (welcome,) = [m for m in browser.messages if m["kind"] == "welcome"]
    folder = Path(paths[0]).parents[1]
    assert welcome["inspection"]["preprocessing"].endswith(f"pictures from {folder}")
    assert all(Path(path).is_relative_to(folder) for path in paths)


def test_without_a_model_there_is_no_explainer(opened):
    with pytest.raises(kx.KxError, match=r"no model beside the store: KxWidget.from_store\(path, model\)"):
        assert opened().explainer is None


def test_another_model_is_told(kept, explainer):
    keras.utils.set_random_seed(5)
    with pytest.warns(RuntimeWarning, match="other weights"):
        kx.KxWidget.from_store(kept, models.residual()).close()
    image = keras.Input((models.SIDE, models.SIDE, 3))
    scores = keras.layers.Dense(7)(keras.layers.Flatten()(keras.layers.Conv2D(1, 3)(image)))
    with pytest.raises(kx.ParameterError, match=r"has 7 classes, and that of the store 4"):
        kx.KxWidget.from_store(kept, kx.Explainer(keras.Model(image, scores)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kx.KxWidget.from_store(kept.path, explainer).close()


def test_the_image_in_focus_can_be_saved(opened, tmp_path, kept):
    widget = opened()
    widget.selected = [3]
    widget.save(tmp_path / "maps.npz")
    assert_array_equal(kx.Explanation.load(tmp_path / "maps.npz").maps[0], kept.maps(kept.select()[6:7]))
    with pytest.raises(FormatError, match="kx show"):
        widget.save(tmp_path / "view.html")


def test_what_is_painted_is_read_once_and_scored(browser, kept, opened, explainer, paths, monkeypatch):
    widget = opened(explainer)
    look(browser, widget, [4, 5, MISSING])
    message, data = paint(widget, browser, images=[4])
    expected = kx.Explainer(explainer.model, class_names=NAMES).what_if([paths[4]], MASK[None])[1][0, 0]
    assert_allclose(
        [each["after"] for each in message["classes"]],
        expected[[each["index"] for each in message["classes"]]],
        rtol=1e-3,
    )
    assert message["images"][0]["before"] == pytest.approx(browser.maps[4, 0][0]["probability"], rel=1e-3)
    assert Image.open(io.BytesIO(data)).size == (models.SIDE, models.SIDE)
    reads = []
    pixels = StoredImages.pixels
    monkeypatch.setattr(StoredImages, "pixels", lambda self, image: (reads.append(image), pixels(self, image))[1])
    paint(widget, browser, ~MASK, images=[4], serial=2)
    assert reads == []
    message, _ = paint(widget, browser, images=[MISSING], serial=3)
    assert message["problem"] == "The picture cannot be read: there is no such file."
    message, _ = paint(widget, browser, images=[4, MISSING, 5], serial=4)
    assert ([each["image"] for each in message["images"]], message["asked"]) == ([4, 5], 2)


def test_a_mask_on_a_store_says_what_is_missing(browser, kept, opened):
    widget = opened()
    assert "no model beside the store" in paint(widget, browser)[0]["problem"]


def test_maps_of_other_weights_are_not_mixed_with_what_the_model_says_now(browser, kept, opened):
    keras.utils.set_random_seed(5)
    with pytest.warns(RuntimeWarning, match="other weights"):
        widget = opened(models.residual())
    look(browser, widget, [4])
    assert "does not belong" in paint(widget, browser, images=[4])[0]["problem"]
