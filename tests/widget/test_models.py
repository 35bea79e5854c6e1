"""Several models in one widget: a column for each, equal to what each says alone."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import spearmanr

import kx_widget as kx
from tests import cases, models
from tests.engine.test_model_comparison import trained
from tests.widget.page import until
from tests.widget.saved import read_page, split
from tests.widget.test_evidence import measure
from tests.widget.test_painting import paint

NAMES = ["cat", "dog", "cup", "sky"]
LABELS = ["sky", "cat", None]


@pytest.fixture(scope="module")
def pair():
    return {"before": trained(1), "after": trained(2)}


@pytest.fixture(scope="module")
def explainers(pair):
    """Compiled once for all tests of the module."""
    return {name: kx.Explainer(model, class_names=NAMES) for name, model in pair.items()}


@pytest.fixture
def widget(explainers, browser):
    with kx.KxWidget(explainers, cases.photos(), labels=LABELS, layer="inside", method="gradcam") as widget:
        browser.open(widget)
        browser.wait(widget)
        yield widget


def last(browser, kind):
    return [message for message in browser.messages if message["kind"] == kind][-1]


def alone(pair, name, **question):
    question = {"layer": "inside", **question}
    return kx.explain(pair[name], cases.photos(), class_names=NAMES, **question)


def test_a_column_is_what_its_model_says_alone(pair, widget, browser):
    columns = last(browser, "running")["columns"]
    assert [column["model"] for column in columns] == ["before", "after"]
    assert widget.compare == "models"
    for number, name in enumerate(pair):
        expected = alone(pair, name)
        assert widget.results[number].model == name
        assert_allclose(widget.results[number].maps, expected.maps, atol=1e-6)
        for image in range(3):
            item, values = browser.maps[image, number]
            assert_allclose(values, expected.maps[image, 0], atol=1e-6)
            assert item["probability"] == pytest.approx(expected.probabilities[image, 0], abs=1e-6)
    assert widget.result is widget.results[0]


def test_a_switch_of_class_or_method_asks_all_models(pair, widget, browser):
    for question in ({"target": "dog"}, {"method": "gradient_x_input"}, {"layer": "stem", "method": "gradcam"}):
        with widget.hold_trait_notifications():
            for name, value in question.items():
                setattr(widget, name, value)
        browser.wait(widget)
        for result, name in zip(widget.results, pair, strict=True):
            expected = alone(pair, name, targets=widget.target, method=widget.method, layer=widget.layer)
            assert_allclose(result.maps, expected.maps, atol=1e-6)


def test_pages_are_told_what_each_predicts(pair, widget, browser):
    told = {m["model"]: m for m in browser.messages if m["kind"] == "predictions"}
    assert set(told) == {"", "after"}
    for name, key in (("before", ""), ("after", "after")):
        p = pair[name].predict(cases.photos(), verbose=0)
        assert told[key]["best"] == p.argmax(-1).tolist()


def test_pages_are_told_how_far_maps_agree(pair, widget, browser):
    until(lambda: any(m["kind"] == "agreements" for m in browser.messages))
    (record,) = last(browser, "agreements")["items"]
    a, b = (alone(pair, name).maps[:, 0] for name in pair)
    expected = [spearmanr(x.ravel(), y.ravel()).statistic for x, y in zip(a, b, strict=True)]
    assert record["column"] == 1
    assert_allclose(record["correlations"], expected, atol=1e-5)
    told = widget.model_comparison
    assert_allclose(told.agreement("after").correlations, expected, atol=1e-5)
    assert told.labels == (3, 0, None)
    assert_array_equal(told.predicted["after"], pair["after"].predict(cases.photos(), verbose=0).argmax(-1))
    # A view that comes later is told as well.
    count = len(browser.messages)
    browser.open(widget)
    until(lambda: any(m["kind"] == "agreements" for m in browser.messages[count:]))


def test_other_comparisons_are_those_of_the_first_model(pair, widget, browser):
    widget.compare = "methods"
    browser.wait(widget)
    assert {column["model"] for column in last(browser, "running")["columns"]} == {"before"}
    with pytest.raises(kx.KxError, match="compare"):
        widget.model_comparison  # noqa: B018
    widget.compare = "models"
    browser.wait(widget)
    assert [result.model for result in widget.results] == ["before", "after"]


def test_some_of_the_models_can_be_chosen(widget, browser):
    widget.compare_with = ["after"]
    browser.wait(widget)
    assert [result.model for result in widget.results] == ["after"]
    with pytest.raises(kx.ParameterError, match=r"there is no 'befor'\. Did you mean 'before'"):
        widget.compare_with = ["befor"]
    with pytest.raises(kx.ParameterError, match="names of models"):
        widget.compare_with = [["before"]]


def test_one_model_alone_is_compared_with_none(widget, browser):
    widget.compare_with = ["after"]
    browser.wait(widget)
    with pytest.raises(kx.KxError, match=r"compare_with = \[\]"):
        widget.model_comparison  # noqa: B018


def test_other_weights_of_any_model_are_noticed(explainers, pair, widget, browser):
    weights = pair["after"].get_weights()
    before = widget.results
    try:
        pair["after"].set_weights([w + 0.1 for w in weights])
        widget._check_weights()
        assert widget.weights_changed
        widget.refresh()
        browser.wait(widget)
        assert_array_equal(widget.results[0].maps, before[0].maps)
        assert_allclose(widget.results[1].maps, alone(pair, "after").maps, atol=1e-6)
        assert not np.allclose(widget.results[1].maps, before[1].maps)
        p = widget.model_comparison.probabilities["after"]
        assert_allclose(p, pair["after"].predict(cases.photos(), verbose=0), atol=1e-5)
    finally:
        pair["after"].set_weights(weights)


def test_evidence_is_that_of_its_own_model(explainers, pair, widget, browser):
    found = measure(widget, browser, [0], cover="black")
    for column, name in enumerate(pair):
        e = explainers[name].explain(cases.photos(), layer="inside")
        curves = explainers[name].evaluate(e, "deletion", images=cases.photos(), cover="black").curves
        assert_allclose(found[0, column]["curves"]["deletion"], curves["deletion"][0, 0], rtol=1e-3, atol=1e-5)


def test_paint_asks_the_model_of_its_column(explainers, widget, browser):
    mask = np.zeros((12, 12), bool)
    mask[:6] = True
    (message, _) = paint(widget, browser, mask, column=1, cover="black")
    photos = cases.photos()
    before, after = explainers["after"].predict(photos)[1][0], None
    after = explainers["after"].what_if(photos, mask[None], cover="black")[1][0, 0]
    for told in message["classes"]:
        assert_allclose([told["before"], told["after"]], [before[told["index"]], after[told["index"]]], atol=1e-5)


def test_a_saved_page_holds_all_models(pair, widget, browser, tmp_path):
    widget.save(tmp_path / "page.html")
    state, header, maps = read_page(tmp_path / "page.html")
    assert state["compare"] == "models"
    assert [model["name"] for model in header["welcome"]["models"]] == ["before", "after"]
    (told,) = header["models"]
    assert told["model"] == "after"
    assert told["best"] == pair["after"].predict(cases.photos(), verbose=0).argmax(-1).tolist()
    answer = header["answers"][-1]
    assert len(maps[-1]) == 6
    assert answer["agreements"][0]["column"] == 1
    saved, _ = split(widget._snapshot or widget._exporter._block(100_000))
    assert saved["models"][0]["model"] == "after"


def test_a_column_is_exported_by_itself(widget, tmp_path):
    data = widget._exporter._npz_file(1)
    (tmp_path / "after.npz").write_bytes(data)
    loaded = kx.Explanation.load(tmp_path / "after.npz")
    assert loaded.model == "after"
    assert_array_equal(loaded.maps, widget.results[1].maps)
    with pytest.raises(kx.FormatError, match="2 are side by side"):
        widget.save(tmp_path / "both.npz")


def test_rows_can_be_chosen_by_disagreement(widget):
    for show in ("changed", "same", "broken", "mended", "shift > 0.5", "map_agreement < 0"):
        widget.show = show
    widget.sort = "map_agreement low"
    with kx.KxWidget(widget.explainer, cases.photos()) as single:
        for trait, value in (("show", "changed"), ("sort", "shift high"), ("compare", "models")):
            with pytest.raises(kx.ParameterError):
                setattr(single, trait, value)


def test_layers_without_a_partner_cannot_be_chosen_and_say_why(browser):
    pair = {"before": models.residual(), "after": models.pooled()}
    with kx.KxWidget(pair, cases.photos()) as widget:
        browser.open(widget)
        browser.wait(widget)
        layers = {layer["path"]: layer for layer in last(browser, "welcome")["inspection"]["layers"]}
        assert layers["after_add"]["is_candidate"]
        assert not layers["branch"]["is_candidate"]
        assert layers["branch"]["reason"] == "'after': it has no layer that goes with 'branch'"
        _, column = last(browser, "running")["columns"]
        assert column["layer"] == "late"
        assert "'after' has no layer 'after_add'" in column["matched"]
        with pytest.raises(kx.UnknownLayerError, match="'after': it has no layer that goes with 'branch'"):
            widget.layer = "branch"


def test_a_method_that_one_model_does_not_take_is_refused_with_its_name(widget):
    with pytest.raises(kx.KxError, match="'before': "):
        widget.layer = "nowhere"
    assert widget.layer == "inside"
    with pytest.raises(kx.ParameterError, match="shows what one model sees"):
        widget.overlay = "concepts"


def test_settings_may_be_those_of_each_model(pair):
    photos = np.random.default_rng(0).integers(0, 256, (2, 12, 12, 3)).astype(np.uint8)

    def halved(x):
        return x / 255

    with kx.KxWidget(pair, photos, class_names=NAMES, preprocess={"after": halved}, memory_mib=100) as widget:
        widget.wait()
        expected = kx.explain(pair["after"], photos, preprocess=halved, method=widget.method, layer=widget.layer)
        assert_allclose(widget.results[1].maps, expected.maps, atol=1e-6)
        assert widget.explainer.settings.memory_mib == 50
        models = widget._exporter.welcome["models"]
        assert [("halved" in model["preprocessing"]) for model in models] == [False, True]


def test_as_many_as_four_models(browser):
    four = {name: models.pooled() for name in "abcd"}
    with kx.KxWidget(four, cases.photos(2), method="gradcam", layer="late") as widget:
        browser.open(widget)
        browser.wait(widget)
        assert [result.model for result in widget.results] == list("abcd")
        until(lambda: any(m["kind"] == "agreements" for m in browser.messages))
        assert [record["column"] for record in last(browser, "agreements")["items"]] == [1, 2, 3]
