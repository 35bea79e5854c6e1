"""Numbers of one's own in the widget: by name, beside classes, defined anew, refused."""

import base64

import keras
import numpy as np
import pytest
from keras import layers, ops
from numpy.testing import assert_allclose, assert_array_equal

import kx_widget as kx
from tests import cases
from tests.widget.page import until
from tests.widget.saved import read_page

MASK = np.zeros((12, 12), bool)
MASK[2:9, 3:10] = True


def entropy(y):
    return ops.sum(-y * ops.log(y + 1e-9), -1)


@pytest.fixture
def widget(explainer, browser):
    with browser.open(kx.KxWidget(explainer, cases.photos(), kx.Target(entropy, "entropy", "nats"))) as widget:
        browser.wait(widget)
        yield widget


def values_of(explainer, images, fn=entropy):
    """What a function tells of the model's own output, run eagerly."""
    loaded = explainer.load(images)
    return np.asarray(fn(explainer.model(loaded.batch)))


def test_its_tiles_tell_name_value_and_unit_and_no_class(widget, browser, explainer):
    assert widget.target == "entropy"
    for (image, _), (item, _) in browser.maps.items():
        assert (item["target"], item["target_name"], item["unit"]) == (-1, "entropy", "nats")
        assert item["probability"] is None
        assert_allclose(item["score"], values_of(explainer, cases.photos())[image], rtol=1e-4)
    (column,) = next(m for m in browser.messages if m["kind"] == "running")["columns"]
    assert column["own"]
    assert column["target"] == "entropy"
    assert column["display"]["sign"] == "signed"


def test_one_goes_back_to_a_class_and_again_to_it_by_its_name(widget, browser, explainer):
    own = dict(browser.maps)
    browser.say(widget, "seen", view="view", visible=True)
    widget.set_state({"target": "cat"})
    assert browser.wait(widget).target_names[0] == ("cat",)
    of_cat = explainer.explain(cases.photos(), "cat").maps
    # The first class has the place that the number has among its own kind.
    assert_array_equal(widget.result.maps, of_cat)
    widget.set_state({"target": "entropy"})
    assert browser.wait(widget).target_names[0] == ("entropy",)
    assert_array_equal(widget.result.maps[:, 0], [own[i, 0][1] for i in range(len(own))])


def test_numbers_and_classes_are_compared_side_by_side(widget, browser, explainer):
    other = kx.Target(lambda y: y[:, 0] - y[:, 1], "cat or dog")
    widget.compare, widget.compare_with = "targets", ["top", "entropy", other, "dog"]
    browser.wait(widget)
    assert widget.compare_with == ["top", "entropy", "cat or dog", "dog"]
    names = [browser.maps[0, column][0]["target_name"] for column in range(4)]
    assert names[1:] == ["entropy", "cat or dog", "dog"]
    difference = values_of(explainer, cases.photos(), lambda y: y[:, 0] - y[:, 1])
    assert_allclose(browser.maps[0, 2][0]["score"], difference[0], rtol=1e-4)
    assert [record["name"] for record in widget._own_targets] == ["entropy", "cat or dog"]


def test_defined_anew_it_takes_the_place_of_the_one_before(widget, browser, explainer):
    before = widget.result.maps
    widget.target = kx.Target(lambda y: ops.max(y, -1), "entropy", "nats")
    browser.wait(widget)
    assert_allclose(
        widget.result.scores[:, 0], values_of(explainer, cases.photos(), lambda y: ops.max(y, -1)), rtol=1e-4
    )
    assert not np.array_equal(widget.result.maps, before)
    assert len(widget._own_targets) == 1


@pytest.mark.parametrize(
    "traits",
    [
        {"target": kx.Target(lambda y: ops.max(y, -1), "entropy", "nats")},
        {"compare": "targets", "compare_with": ["cat", kx.Target(lambda y: ops.max(y, -1), "entropy", "nats")]},
    ],
    ids=["after another question", "beside a class"],
)
def test_a_saved_page_holds_nothing_of_the_one_before(widget, browser, tmp_path, traits):
    widget.method = "layercam"
    browser.wait(widget)
    widget.target, widget.method = "cat", "gradcam"
    browser.wait(widget)
    for name, value in traits.items():
        setattr(widget, name, value)
    browser.wait(widget)
    scores = widget.results[-1].scores
    widget.save(tmp_path / "page.html")
    _, header, _ = read_page(tmp_path / "page.html")
    items = [item for answer in header["answers"] for item in answer["items"] if item["target_name"] == "entropy"]
    assert items
    assert_allclose([item["score"] for item in items], scores[:, 0], rtol=1e-5)


def test_thumbnails_are_those_of_the_one_that_took_its_place(widget, browser, explainer):
    paths = {layer.path for layer in explainer.inspection.layers if layer.is_candidate}

    def thumbnails(have):
        browser.thumbnails.clear()
        browser.say(widget, "want", gen=browser.gen, image=0, column=0, have=have)
        until(lambda: set(browser.thumbnails) == paths)
        return dict(browser.thumbnails)

    before, have = thumbnails(""), browser.key
    widget.target = kx.Target(lambda y: ops.max(y, -1), "entropy", "nats")
    browser.wait(widget)
    after = thumbnails(have)
    assert not all(np.array_equal(after[path], before[path]) for path in paths)


def test_a_store_of_one_is_shown_and_not_asked_anew(explainer, tmp_path):
    store = explainer.explain_to(tmp_path / "maps", list(cases.photos()), kx.Target(entropy, "entropy", "nats"))
    with kx.KxWidget.from_store(store) as w:
        assert w.wait().target_names[0] == ("entropy",)
    for ask in (lambda: kx.KxWidget.from_store(store, explainer), lambda: explainer.evaluate_store(store)):
        with pytest.raises(kx.ParameterError, match="functions of your own, which a store does not keep"):
            ask()


def test_a_cell_that_is_run_again_asks_nothing_new(widget, browser):
    def defined():
        return kx.Target(lambda y: ops.max(y, -1), "largest")

    widget.target = defined()
    browser.wait(widget)
    gen = browser.gen
    widget.target = defined()
    browser.wait(widget)
    assert browser.gen == gen


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (kx.Target(lambda y: y, "all"), "one number for each image"),
        (kx.Target(lambda y: y[:, 0], "cat"), "means a class, a rank or a contrast here"),
        (kx.Target(lambda y: y[:, 0], "top"), "means a class, a rank or a contrast here"),
        (kx.Target(lambda y: 1 / 0, "broken"), "division by zero"),
        (["top", "top-2"], "must be a class"),
        (2.5, "must be a class"),
    ],
)
def test_what_is_no_target_is_refused_and_nothing_is_lost(widget, browser, target, said):
    with pytest.raises(Exception, match=said):
        widget.target = target
    assert widget.target == "entropy"
    assert [each["name"] for each in widget._own_targets] == ["entropy"]
    assert widget.status == "done"


def test_without_a_gradient_the_widget_says_what_to_do(widget, browser):
    widget.target = kx.Target(lambda y: ops.cast(ops.argmax(y, -1), "float32"), "place")
    until(lambda: widget.status == "error")
    assert "not differentiable" in widget.error
    assert "occlusion" in widget.error
    widget.method = "occlusion"
    browser.wait(widget)
    assert widget.status == "done"
    assert_array_equal(
        widget.result.scores[:, 0],
        values_of(widget.explainer, cases.photos(), lambda y: ops.cast(ops.argmax(y, -1), "float32")),
    )


def test_what_is_painted_tells_its_value(widget, browser, explainer):
    mask = base64.b64encode(np.packbits(MASK)).decode()
    about = {"view": "view", "serial": 1, "images": [1], "column": 0, "cover": "black", "keep": False}
    browser.say(widget, "paint", gen=browser.gen, **about, size=[12, 12], mask=mask)
    until(lambda: browser.painted)
    (record,) = browser.painted[-1][0]["images"]
    target = kx.Target(entropy, "entropy", "nats")
    covered, _ = explainer.what_if(cases.photos(), MASK[None], "black", targets=target)
    assert_allclose(record["before"], values_of(explainer, cases.photos())[1], rtol=1e-4)
    assert_allclose(record["after"], covered[1, 0, 0], rtol=1e-4)


def test_what_if_tells_values_of_the_very_picture_that_is_covered():
    image = keras.Input((8, 8, 3))
    net = keras.Model(image, layers.Dense(2)(layers.GlobalAveragePooling2D()(image)))
    pictures = np.random.default_rng(1).random((2, 8, 8, 3)).astype(np.float32)
    mask = np.zeros((8, 8), bool)
    mask[2:5, 1:7] = True
    target = kx.Target(lambda y: ops.sum(y * y, -1), "energy")
    x = kx.Explainer(net, preprocess=None)
    values, probabilities = x.what_if(pictures, mask[None], "black", targets=target)
    covered = pictures.copy()
    covered[:, mask] = x.cover_pixels(pictures, "black")[:, mask] / 255
    assert_allclose(values[:, 0, 0], (np.asarray(net(covered)) ** 2).sum(-1), rtol=1e-5)
    assert np.isnan(probabilities).all()
