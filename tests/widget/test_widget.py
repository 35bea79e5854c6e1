"""The widget without a browser: traits in, messages out."""

import itertools
import pickle
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import ipywidgets
import keras
import numpy as np
import pytest
import traitlets
from keras import layers
from numpy.testing import assert_allclose, assert_array_equal

import kx_widget as kx
from kx_widget.widget import outbox
from kx_widget.widget.answer_sources import Part
from kx_widget.widget.session import Session
from tests import cases, models
from tests.widget.page import ENDS, PATIENCE, rationed, rest, say, stalled, until


@pytest.fixture
def permits(monkeypatch, widget):
    with rationed(monkeypatch, widget, "trunk", 4) as permits:
        yield permits


def last_end(browser):
    """The last message that ends an answer: what stands beside one may come later."""
    return [message for message in browser.messages if message["kind"] in ENDS][-1]


def test_the_first_answer_comes_unasked(browser, explainer, photos, monkeypatch):
    _, _, goes_on = stalled(monkeypatch, Session, "_explain")
    with browser.open(kx.KxWidget(explainer, photos)) as widget:
        # The page is there before the answer begins.
        goes_on.set()
        browser.wait(widget)
        check_the_first_answer(widget, browser, explainer, ["welcome", "running", "maps", "predictions", "done"])


def test_a_page_that_opens_later_is_told_each_thing_once(browser, explainer, photos):
    with kx.KxWidget(explainer, photos) as widget:
        widget.wait(PATIENCE)
        browser.open(widget)
        browser.wait(widget)
        rest(widget)
        check_the_first_answer(widget, browser, explainer, ["welcome", "predictions", "running", "maps", "done"])
        assert browser.kinds().count("costs") == 1


def check_the_first_answer(widget, browser, explainer, kinds):
    assert (widget.layer, widget.method, widget.target) == ("after_add", "gradcam", "top")
    assert (widget.status, widget.progress, widget.error) == ("done", 1.0, "")
    told = [k for k in browser.kinds() if k not in ("queued", "ahead", "costs", "evidence", "nearest", "rankings")]
    assert told == kinds
    expected = explainer.explain(cases.photos())
    assert_array_equal(widget.result.maps, expected.maps)
    for (image, column), (item, values) in browser.maps.items():
        assert_array_equal(values, expected.maps[image, column])
        assert item["target_name"] == expected.target_names[image][column]
        assert item["probability"] == pytest.approx(float(expected.probabilities[image, column]), rel=1e-5)
    assert len(browser.maps) == 3


@pytest.mark.parametrize(
    ("traits", "question"),
    [
        ({"layer": "stem"}, {"layer": "stem"}),
        ({"method": "hirescam"}, {"method": "hirescam"}),
        ({"target": "dog"}, {"targets": "dog"}),
        ({"target": 2}, {"targets": 2}),
        ({"target": "top − sky"}, {"targets": kx.contrast("top", "sky")}),
        ({"target": kx.contrast(0, "sky")}, {"targets": "cat − sky"}),
        ({"method": "gradients", "params": {"channels": "sum"}}, {"method": "gradients", "channels": "sum"}),
        ({"params": {"smooth": {"repetitions": 2}}}, {"smooth": {"repetitions": 2}}),
        ({"compare": "targets", "compare_with": ["cat", "dog"]}, {"targets": ["cat", "dog"]}),
        ({"compare": "targets"}, {"targets": ["top", "top-2", "top-3"]}),
    ],
)
def test_each_trait_of_the_question_asks_it(widget, browser, explainer, traits, question):
    for name, value in traits.items():
        setattr(widget, name, value)
    expected = explainer.explain(cases.photos(), **question)
    assert_array_equal(browser.wait(widget).maps, expected.maps)
    for (image, column), (item, values) in browser.maps.items():
        assert_allclose(values, expected.maps[image, column], atol=np.ptp(expected.maps[image, column]) / 131000)
        assert item["signed"] == expected.signed
    assert len(browser.maps) == expected.maps[..., 0, 0].size


@pytest.mark.parametrize(
    ("compare", "given"), [("methods", ["gradcam", "gradients"]), ("layers", ["stem", "after_add"])]
)
def test_methods_and_layers_side_by_side(widget, browser, explainer, compare, given):
    widget.compare = compare
    widget.compare_with = given
    browser.wait(widget)
    name = compare[:-1]
    assert [getattr(r, name) for r in widget.results] == given
    for column, value in enumerate(given):
        expected = explainer.explain(cases.photos(), **{name: value})
        for image in range(3):
            item, values = browser.maps[image, column]
            assert item[name] == value
            assert values.shape == expected.maps.shape[2:]


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("layer", "stemm", kx.UnknownLayerError),
        ("method", "gradcan", kx.UnknownMethodError),
        ("target", "cta", kx.UnknownTargetError),
        ("target", -1, kx.UnknownTargetError),
        ("params", {"channels": "sum"}, kx.ParameterError),
        ("compare", "rows", traitlets.TraitError),
        ("opacity", 1.5, traitlets.TraitError),
        ("opacity", True, traitlets.TraitError),
        ("height", 100, traitlets.TraitError),
        ("height", "tall", traitlets.TraitError),
        ("params", {1: 2}, traitlets.TraitError),
        ("params", {"targets": "cat"}, kx.ParameterError),
        ("params", {"images": []}, kx.ParameterError),
        ("params", {"method": "rise"}, kx.ParameterError),
        ("params", {"layer": "stem"}, kx.ParameterError),
        ("params", {"self": 1}, kx.ParameterError),
        ("compare_with", [["cat"]], kx.ParameterError),
        ("compare_with", [None], kx.ParameterError),
        ("selected", [3], kx.ParameterError),
        ("sign", "both", traitlets.TraitError),
        ("clip", 0.99, traitlets.TraitError),
        ("clip", True, traitlets.TraitError),
        ("limits", [0.5, 0.5], traitlets.TraitError),
        ("limits", [0, float("nan")], traitlets.TraitError),
        ("limits", "01", traitlets.TraitError),
        ("photo", "grey", traitlets.TraitError),
        ("colormap", "jet", traitlets.TraitError),
        ("status", "idle", traitlets.TraitError),
    ],
)
def test_a_bad_value_is_refused_from_python_and_from_the_browser(widget, browser, name, value, error):
    before, asked = getattr(widget, name), browser.gen
    with pytest.raises(error):
        setattr(widget, name, value)
    assert getattr(widget, name) == before
    sent = []
    widget.send_state = lambda key=None: sent.append(key)
    browser.messages.clear()
    widget.set_state({name: value, "threshold": 0.25})
    assert getattr(widget, name) == before
    assert widget.threshold == 0.25
    until(lambda: "error" in browser.kinds())
    (message,) = [m for m in browser.messages if m["kind"] == "error"]
    assert message["gen"] == 0
    assert message["message"]
    assert name in sent
    assert browser.gen == asked


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("method", "typo"), ("layer", "nope"), ("params", {"q": 1}), ("target", "zebra"), ("selected", [9]),
        ("labels", [7, 7, 7]), ("opacity", 2.0),
    ],
)  # fmt: skip
def test_several_assignments_at_once_are_taken_back_where_one_is_wrong(widget, browser, name, value):
    before, target = getattr(widget, name), widget.target
    other = {"target": "sky"} if name != "target" else {"layer": "stem"}

    def assign():
        with widget.hold_trait_notifications():
            setattr(widget, *other.popitem())
            setattr(widget, name, value)

    with pytest.raises(traitlets.TraitError):
        assign()
    assert getattr(widget, name) == before
    assert (widget.target, widget.layer) == (target, "after_add")
    widget.target = "dog"
    widget.refresh()
    assert browser.wait(widget).target_names[0] == ("dog",)


def test_an_error_of_a_refused_value_keeps_its_kind_and_text_when_it_is_pickled(widget):
    with pytest.raises(kx.UnknownMethodError, match="Did you mean 'gradcam'") as raised:
        widget.method = "gradcan"
    again = pickle.loads(pickle.dumps(raised.value))
    assert (type(again), str(again)) == (kx.UnknownMethodError, str(raised.value))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("methd", "no trait 'methd' to set. Did you mean 'method'?"),
        ("colourmap", "Did you mean 'colormap'?"),
        ("images", "no trait 'images' to set"),
        ("class_names", "no trait 'class_names' to set"),
    ],
)
def test_what_is_no_trait_is_not_set(widget, name, said):
    with pytest.raises(kx.ParameterError, match=re.escape(said)):
        setattr(widget, name, [])
    assert not hasattr(widget, name)


@pytest.fixture
def checked(monkeypatch, explainer):
    """The keywords of each question that is checked in this thread: the worker estimates what others would cost."""
    keywords_of_each, ask = [], kx.Explainer.ask

    def counted(self, *arguments, **keywords):
        is_here = threading.current_thread() is threading.main_thread()
        if self is explainer and is_here and keywords.get("method") != "gradients":  # by which `predict` reads scores
            keywords_of_each.append(keywords)
        return ask(self, *arguments, **keywords)

    monkeypatch.setattr(kx.Explainer, "ask", counted)
    return keywords_of_each


@pytest.mark.parametrize(
    ("state", "columns"),
    [
        ({"target": "dog"}, 1),
        ({"layer": "stem"}, 1),
        ({"method": "layercam", "params": {}}, 1),
        ({"method": "hirescam", "params": {}, "layer": "stem", "target": "cup"}, 1),
        ({"compare": "targets"}, 1),
        ({"compare": "targets", "compare_with": ["top", "dog"]}, 1),
        ({"compare": "methods", "compare_with": ["gradcam", "layercam", "hirescam"]}, 3),
        ({"compare": "layers", "compare_with": ["after_add", "stem"]}, 2),
    ],
)
def test_a_click_checks_and_asks_one_question(widget, browser, checked, state, columns):
    rest(widget)
    gen = browser.gen
    checked.clear()
    widget.set_state(state)
    clicked = len(checked)
    browser.wait(widget)
    assert (clicked, browser.gen) == (columns, gen + 1)
    assert {name: getattr(widget, name) for name in state} == state


@pytest.mark.parametrize(("name", "value"), [("method", "layercam"), ("target", "dog"), ("compare", "targets")])
def test_an_assignment_checks_and_asks_one_question(widget, browser, checked, name, value):
    rest(widget)
    widget.params = {"smooth": {"repetitions": 2}}
    browser.wait(widget)
    rest(widget)
    gen = browser.gen
    checked.clear()
    setattr(widget, name, value)
    clicked = len(checked)
    browser.wait(widget)
    assert (clicked, browser.gen) == (1, gen + 1)


def test_of_several_values_of_the_browser_the_good_ones_are_taken(widget, browser):
    widget.set_state({"target": "dog", "layer": "nowhere", "params": {"smooth": {"repetitions": 2}}})
    assert (widget.target, widget.layer, widget.params) == ("dog", "after_add", {"smooth": {"repetitions": 2}})
    until(lambda: "error" in browser.kinds())
    assert [m["gen"] for m in browser.messages if m["kind"] == "error"] == [0]
    assert browser.wait(widget).target_names[0] == ("dog",)


def test_bad_columns_are_refused(widget):
    widget.compare = "targets"
    with pytest.raises(kx.UnknownTargetError, match="no class 'wolf'"):
        widget.compare_with = ["cat", "wolf"]
    assert widget.compare_with == []
    widget.method = "gradients"
    with pytest.raises(kx.ParameterError, match="no layers to compare"):
        widget.compare = "layers"
    assert widget.compare == "targets"


@pytest.mark.parametrize(
    ("compare", "values"),
    [("methods", ["gradcam", "layercam"]), ("targets", ["dog", 0, "top − cat"]), ("layers", ["after_add", "stem"])],
)
def test_columns_chosen_before_the_comparison_are_compared(widget, browser, explainer, compare, values):
    widget.compare_with = values
    widget.compare = compare
    assert widget.compare_with == values
    browser.wait(widget)
    running = [m for m in browser.messages if m["kind"] == "running"][-1]
    assert len(running["columns"]) == len(values)
    widget.compare = "none"
    assert widget.compare_with == []
    with widget.hold_trait_notifications():
        widget.compare_with, widget.compare = values, compare
    assert (widget.compare, widget.compare_with) == (compare, values)
    with kx.KxWidget(explainer, cases.photos(), compare_with=values, compare=compare) as w:
        assert (w.compare, w.compare_with) == (compare, values)


@pytest.mark.parametrize(
    ("compare", "said"),
    [
        ("methods", r"There is no method 'dog'\..* compare_with holds ids of methods while compare is 'methods'\."),
        ("layers", r"There is no layer 'dog'\..* compare_with holds paths of layers while compare is 'layers'\."),
    ],
)
def test_columns_of_another_kind_are_refused_in_words(widget, compare, said):
    widget.compare_with = ["dog"]
    with pytest.raises(kx.KxError, match=said):
        widget.compare = compare
    assert (widget.compare, widget.compare_with) == ("none", ["dog"])
    widget.compare = "targets"
    assert widget.compare_with == ["dog"]


def columns_of(model, **traits):
    with kx.KxWidget(model, cases.photos_for(model), **traits) as w:
        w.wait()
        return [(e.method, e.layer) for e in w.results]


def test_methods_begin_with_the_current_one_and_one_of_each_other_kind():
    model = models.residual()
    assert [m for m, _ in columns_of(model, compare="methods")] == ["gradcam", "integrated_gradients", "occlusion"]
    found = [m for m, _ in columns_of(model, method="integrated_gradients", params={"steps": 4}, compare="methods")]
    assert found == ["integrated_gradients", "gradcam", "occlusion"]
    found = [m for m, _ in columns_of(models.transformer(), compare="methods")]
    assert len({kx.METHODS[m].purpose for m in found}) == len(found) == 3


def test_many_images_are_not_compared_by_a_method_of_many_passes():
    with kx.KxWidget(models.residual(), cases.photos(25), compare="methods") as w:
        w.wait()
        assert [e.method for e in w.results] == ["gradcam", "integrated_gradients"]


def sized():
    """A padding layer beside its input, and maps of 16, 17, 8 and 4 cells a side."""
    x = start = keras.Input((16, 16, 3))
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="fine")(x)
    x = layers.ZeroPadding2D(((0, 1), (0, 1)), name="pad")(x)
    x = layers.Conv2D(4, 3, strides=2, activation="relu", name="middle")(x)
    x = layers.Dropout(0.1, name="drop")(x)
    x = layers.MaxPooling2D(name="pool")(x)
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="coarse")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(start, layers.Dense(4)(x))


def test_layers_are_of_different_sizes_and_none_only_hands_on():
    x = np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 3)).astype(np.float32)
    for layer, expected in (("coarse", ["coarse", "middle", "fine"]), ("pad", ["pad", "coarse", "middle"])):
        with kx.KxWidget(sized(), x, layer=layer, compare="layers") as w:
            w.wait()
            assert [e.layer for e in w.results] == expected
            cells = [e.maps.shape[-1] ** 2 for e in w.results]
            assert all(max(a, b) >= 2 * min(a, b) for a, b in itertools.combinations(cells, 2))


def test_layers_of_one_size_are_of_one_type_and_of_different_depths():
    found = [layer for _, layer in columns_of(models.transformer(), method="gradcam", compare="layers")]
    assert len(set(found)) == len(found) >= 2


def test_a_keyword_that_is_nearly_one_is_told(explainer):
    with pytest.raises(kx.ParameterError, match=r"no keyword 'classnames'\. Did you mean 'class_names'\?"):
        kx.KxWidget(models.residual(), cases.photos(), classnames=["a"])
    with pytest.raises(kx.ParameterError, match=r"no keyword 'zzz'\. Known: "):
        kx.KxWidget(explainer, cases.photos(), zzz=1)


def test_another_method_drops_parameters_it_does_not_have(widget):
    widget.method = "gradients"
    widget.params = {"channels": "sum", "smooth": {"repetitions": 2}}
    widget.method = "gradcam"
    assert widget.params == {"smooth": {"repetitions": 2}}
    assert widget.wait().method == "gradcam"


def test_latest_question_wins(widget, browser, explainer):
    widget.params = {"smooth": {"repetitions": 1000}}
    for method in ("hirescam", "layercam", "gradients", "gradcampp"):
        widget.method = method
    widget.params = {}
    result = browser.wait(widget)
    assert result.method == "gradcampp"
    assert_array_equal(result.maps, explainer.explain(cases.photos(), method="gradcampp").maps)
    gens = [m["gen"] for m in browser.messages if m["kind"] == "done"]
    assert gens == sorted(set(gens))
    assert gens[-1] == browser.gen


def test_partial_maps_progress_and_cancel(widget, browser, explainer, permits):
    widget.params = {"smooth": {"repetitions": 1000}}
    until(lambda: 0 < widget.progress < 1 and browser.maps)
    assert widget.status == "running"
    assert all(item["partial"] for item, _ in browser.maps.values())
    widget.cancel()
    permits.release(10**4)
    with pytest.raises(kx.CancelledError):
        widget.wait(PATIENCE)
    until(lambda: browser.over)
    assert (widget.status, last_end(browser)["kind"]) == ("cancelled", "cancelled")
    count = explainer.counts["trunk"]
    widget.params = {}
    assert_array_equal(widget.wait(PATIENCE).maps, explainer.explain(cases.photos()).maps)
    assert explainer.counts["trunk"] <= count + 1


@pytest.mark.usefixtures("permits")
def test_cancel_from_the_browser_must_name_the_running_question(widget, browser):
    widget.params = {"smooth": {"repetitions": 1000}}
    until(lambda: browser.gen == widget._session.gen)
    say(widget, {"kind": "cancel", "gen": browser.gen - 1})
    assert widget.status == "running"
    say(widget, {"kind": "cancel", "gen": browser.gen})
    assert widget.status == "cancelled"


@pytest.mark.usefixtures("patient_prefetch")
def test_a_view_that_comes_later_hears_everything(widget, browser):
    rest(widget)
    before = dict(browser.maps)
    browser.messages.clear()
    browser.open(widget)
    kinds = ["welcome", "predictions", "running", "maps", "done"]
    # What stands beside an answer belongs to no place among these.
    facts = {"costs", "evidence", "nearest", "rankings"}
    until(lambda: {*kinds, *facts} <= {*browser.kinds()})
    assert [kind for kind in browser.kinds() if kind not in facts] == kinds
    welcome = browser.messages[0]
    assert [m["id"] for m in welcome["catalogue"]] == list(kx.METHODS)
    assert welcome["class_names"] == ["cat", "dog", "cup", "sky"]
    assert [(w["id"], *(p["name"] for p in w["params"])) for w in welcome["wrappers"]] == [
        ("smooth", "repetitions", "noise", "statistic"),
        ("tta", "scales", "hflip"),
    ]
    assert welcome["arguments"] == ["explainer", "images"]
    assert welcome["inspection"]["recommended"] == "after_add"
    assert before.keys() == browser.maps.keys()
    for at, (_, values) in before.items():
        assert_array_equal(values, browser.maps[at][1])


def test_predictions_follow_the_weights(browser):
    model = models.residual()
    with browser.open(kx.KxWidget(model, cases.photos())) as w:
        browser.wait(w)
        model.layers[-1].bias.assign([9.0, 0.0, 0.0, 0.0])
        w.refresh()
        browser.wait(w)
        told = [m["best"] for m in browser.messages if m["kind"] == "predictions"]
        assert told[-1] == [0, 0, 0]
        assert told[0] != told[-1]


def test_errors_while_computing_reach_the_page_and_wait(widget, browser):
    widget.method = "cam"
    widget.wait()
    widget.layer = "stem"
    with pytest.raises(kx.UnsupportedMethodError):
        widget.wait()
    assert widget.status == "error"
    assert widget.error.startswith("CAM needs global average pooling")
    until(lambda: browser.over)
    message = last_end(browser)
    assert (message["kind"], message["gen"]) == ("error", browser.gen)
    assert "Traceback" in message["traceback"]
    widget.method = "gradcam"
    assert widget.wait().layer == "stem"
    assert (widget.status, widget.error) == ("done", "")


def test_a_large_answer_is_cut_into_messages(browser, monkeypatch):
    monkeypatch.setattr(outbox, "LARGEST_FRAME", 3000)
    model = models.gray()
    _, _, goes_on = stalled(monkeypatch, Session, "_explain")
    with browser.open(kx.KxWidget(model, cases.photos_for(model, 5), method="gradients")) as w:
        goes_on.set()
        browser.wait(w)
        frames = [m for m in browser.messages if m["kind"] == "maps"]
        assert len(browser.maps) == sum(len(f["items"]) for f in frames) == 5
        assert len(frames) == 3


@pytest.mark.usefixtures("permits")
def test_wait_times_out_and_goes_on(widget):
    widget.params = {"smooth": {"repetitions": 1000}}
    with pytest.raises(TimeoutError, match="still being computed"):
        widget.wait(timeout=0.05)
    assert widget.status == "running"
    widget.cancel()


def test_from_other_threads(widget, explainer):
    threads = [
        threading.Thread(target=setattr, args=(widget, "target", name)) for name in ("cat", "dog", "cup", "sky") * 5
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert_array_equal(widget.wait().maps, explainer.explain(cases.photos(), widget.target).maps)


def test_drawing_traits_compute_nothing(widget, browser):
    asked = browser.gen
    for name, value in {
        "sign": "signed",
        "scale": "all",
        "clip": 95.5,
        "limits": (0, 0.5),
        "colormap": "magma",
        "opacity": 0.2,
        "photo": "colour",
        "map_style": "contours",
        "cells": True,
        "pixelated": True,
        "swipe": 0.5,
        "theme": "dark",
        "height": 480,
    }.items():
        setattr(widget, name, value)
    assert browser.gen == asked


def test_no_trait_has_a_name_that_views_of_jupyter_take_for_a_widget(widget):
    for name in ("layout", "style"):
        value = getattr(widget, name, None)
        assert value is None or hasattr(value, "model_id"), f"Jupyter makes a view of {name}={value!r}"


def test_limits_go_with_the_method_they_were_chosen_for(widget, browser, explainer):
    widget.limits = [0.25, 0.5]
    widget.layer = "stem"
    assert widget.limits == [0.25, 0.5]
    widget.method = "gradients"
    assert widget.limits == [0, 1]
    widget.set_state({"limits": [0, 0.12]})
    widget.set_state({"compare": "targets"})
    assert widget.limits == [0, 1]
    with kx.KxWidget(explainer, cases.photos(), method="gradients", limits=[0, 0.5]) as w:
        assert w.limits == [0, 0.5]


def test_columns_say_how_their_maps_want_to_be_drawn(widget, browser):
    widget.compare_with, widget.compare = [], "methods"
    widget.compare_with = ["gradcam", "integrated_gradients", "rise"]
    browser.wait(widget)
    columns = next(m for m in reversed(browser.messages) if m["kind"] == "running")["columns"]
    assert [column["display"] for column in columns] == [
        {"clip": 99, "origin": "quartile", "sign": "positive", "borders": False},
        {"clip": 99, "origin": "zero", "sign": "signed", "borders": False},
        {"clip": 99, "origin": "quartile", "sign": "signed", "borders": False},
    ]
    widget.compare, widget.method, widget.target = "none", "gradcam", "cat − sky"
    browser.wait(widget)
    (column,) = next(m for m in reversed(browser.messages) if m["kind"] == "running")["columns"]
    assert column["display"] == {"clip": 99, "origin": "zero", "sign": "signed", "borders": False}


def test_pictures_are_small_and_in_their_own_shape(browser, explainer):
    rng = np.random.default_rng(0)
    shown = [rng.integers(0, 256, (700, 900, 3), np.uint8), rng.integers(0, 256, (40, 30, 3), np.uint8)]
    with kx.KxWidget(explainer, shown) as w:
        sizes = [(i["width"], i["height"], i["mime"], i["box"]) for i in w._images]
        assert sizes == [(512, 398, "image/jpeg", [0, 0, 1, 1]), (30, 40, "image/png", [0, 0, 1, 1])]


def test_an_image_is_selected_once(widget):
    widget.selected = [2, 0, 2]
    assert widget.selected == [2, 0]


def test_who_waits_hears_that_it_was_closed(explainer, monkeypatch):
    _, _, goes_on = stalled(monkeypatch, Session, "_explain")
    w = kx.KxWidget(explainer, cases.photos())
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(w._session.wait, PATIENCE)
        w.close()
        goes_on.set()
        assert isinstance(waiting.exception(), kx.KxError)


def test_an_answer_that_is_cancelled_at_its_end_is_not_kept(widget, monkeypatch):
    tiles = Part.tiles

    def cancel_and_take(part, frames):
        widget.cancel()
        return tiles(part, frames)

    rest(widget)
    monkeypatch.setattr(Part, "tiles", cancel_and_take)
    widget.target = "dog"
    with pytest.raises(kx.CancelledError):
        widget.wait()
    rest(widget)
    assert [answer.traits["target"] for answer in widget._exporter._archive.answers()] == ["top"]


def test_closed_it_says_so(browser, explainer):
    w = kx.KxWidget(explainer, cases.photos())
    w.wait()
    w._exporter.snapshot()
    (answer,) = w._exporter._archive.answers()
    w.close()
    w._exporter.keep(answer, 0, None, lambda: False)
    assert w._exporter._archive.answers() == []
    assert (w._images, w._snapshot) == ([], b"")
    with pytest.raises(kx.KxError, match="closed"):
        w.wait()
    for name, value in {"target": "cat", "labels": [0, 1, 2], "selected": [1]}.items():
        with pytest.raises(kx.KxError, match="closed"):
            setattr(w, name, value)
    w.close()


def open_widgets():
    state = ipywidgets.Widget.get_manager_state()["state"]
    return {number for number, widget in state.items() if widget["model_module"] == "anywidget"}


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"colour": "red"}, kx.ParameterError, "no keyword 'colour'"),
        ({"classnames": ["a"]}, kx.ParameterError, "no keyword 'classnames'. Did you mean 'class_names'"),
        ({"method": "x"}, kx.UnknownMethodError, "no method 'x'"),
        ({"layer": "x"}, kx.UnknownLayerError, "no layer 'x'"),
        ({"class_names": ["a"]}, kx.ParameterError, "give these to the Explainer"),
        ({"images": []}, kx.ImageError, "no images"),
        ({"model": None}, kx.ModelError, "not a keras.Model"),
        ({"model": models.flat, "method": "gradcam"}, kx.ModelError, "needs a layer with a map"),
    ],
)
def test_bad_arguments(browser, explainer, arguments, error, said):
    given = {"model": explainer, "images": cases.photos(), **arguments}
    given["model"] = given["model"]() if callable(given["model"]) else given["model"]
    before = open_widgets()
    with pytest.raises(error, match=said):
        kx.KxWidget(**given)
    assert open_widgets() == before


@pytest.mark.parametrize(
    ("name", "word", "value"), [("compare", "classes", "targets"), ("scale", "shared", "all"), ("scale", "map", "map")]
)
def test_the_words_of_the_page_are_taken_too(widget, name, word, value):
    setattr(widget, name, word)
    assert getattr(widget, name) == value


@pytest.mark.parametrize("name", ["compare", "sign", "scale", "colormap", "theme"])
def test_what_is_no_choice_is_refused_in_a_sentence(widget, name):
    for value in ("nothing like it", None, 3, [], {}):
        with pytest.raises(traitlets.TraitError, match=f"There is no {name} "):
            setattr(widget, name, value)
    with pytest.raises(traitlets.TraitError, match=r"There is no colormap 'virdis'\. Did you mean 'viridis'"):
        widget.colormap = "virdis"


def test_a_folder_is_taken_as_the_command_takes_it(browser, explainer, folder):
    broken = [folder / "cats" / "02-truncated.jpg", folder / "dogs" / "03-text.png"]
    for path in broken:
        path.unlink()
    with kx.KxWidget(explainer, folder) as w:
        names = [path.name for path in sorted(folder.rglob("*.png"), key=str)]
        assert [picture["name"] for picture in w._images] == names
        assert len(w.wait().maps) == 19


def test_a_model_without_maps_gets_gradients(browser):
    with kx.KxWidget(models.flat(), cases.photos()) as w:
        assert (w.method, w.layer) == ("gradients", "")
        assert w.wait().maps.shape == (3, 1, 12, 12)
