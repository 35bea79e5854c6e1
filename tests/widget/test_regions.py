"""Regions of a segmenter, asked in the widget."""

import base64

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

import kx_widget as kx
from kx_widget.widget.region_traits import plain_regions, read_regions, regions_of
from tests import cases, models, segmenters
from tests.widget.page import follow_streams, rest, until
from tests.widget.saved import read_page

NAMES = ["road", "car", "sky", "tree", "sign"]
PIXEL = {"kind": "pixel", "at": [40.0, 20.0]}
# Larger than what the model sees, and of another shape.
SIZE = (96, 128)
PLACES = {
    "whole": kx.region("whole"),
    "pixel": kx.region(pixel=(40, 20)),
    "box": kx.region(box=(10, 5, 90, 60)),
    "object": kx.region(object_at=(100, 80)),
    "mask": kx.region(mask=np.eye(segmenters.SIDE, dtype=bool)),
}


@pytest.fixture(scope="module")
def explainer():
    return kx.Explainer(segmenters.unet(), preprocess=None, class_names=NAMES)


@pytest.fixture(scope="module")
def photos():
    return segmenters.photographs(3, 128)[:, : SIZE[0]]


def ask(widget, browser, **traits):
    """Set traits as the page does."""
    widget.set_state(traits)
    return browser.wait(widget)


@pytest.mark.parametrize("region", PLACES.values(), ids=PLACES)
def test_maps_are_those_of_the_engine(widget, browser, explainer, photos, region):
    answer = ask(widget, browser, regions={"1": region.as_plain()})
    want = explainer.explain(photos, region=[None, region, None])
    assert_array_equal(answer.maps, want.maps)
    assert_array_equal(answer.scores, want.scores)
    assert answer.regions == want.regions
    assert answer.target_names == want.target_names
    for (image, _), (item, values) in browser.maps.items():
        assert_allclose(values, want.maps[image, 0], atol=np.ptp(want.maps) / 1e5)
        assert item["region"]["words"] == str(want.regions[image])
        assert item["region"]["kind"] == ("wins" if image != 1 else region.kind)
        assert item["target_name"] == want.target_names[image][0]


def test_the_pixel_s_own_class_is_explained(widget, browser, explainer, photos):
    answer = ask(widget, browser, regions={"0": PIXEL, "2": {"kind": "pixel", "at": [120, 90]}})
    small = np.asarray(explainer.model(explainer.load(photos).batch))
    for image, (x, y) in {0: (40, 20), 2: (120, 90)}.items():
        scores = small[image, y * segmenters.SIDE // SIZE[0], x * segmenters.SIDE // SIZE[1]]
        assert answer.target_names[image][0] == NAMES[scores.argmax()]
        assert_allclose(answer.scores[image, 0], scores.max(), rtol=1e-5)


BAD = [
    ({"0": {"kind": "pixel", "at": [128, 3]}}, "128 × 96 pixels"),
    ({"0": {"kind": "pixel", "at": [3, -1]}}, "128 × 96 pixels"),
    ({"0": {"kind": "box", "at": [130, 0, 140, 9]}}, "128 × 96 pixels"),
    ({"0": {"kind": "box", "at": [9, 9, 1, 1]}}, "is empty"),
    ({"0": {"kind": "pixel", "at": [1]}}, "is no pixel"),
    ({"0": {"kind": "pixel", "at": [float("nan"), 1]}}, "is no pixel"),
    ({"0": {"kind": "everywhere", "at": []}}, "is no region"),
    ({"0": {"kind": ["pixel"], "at": []}}, "is no region"),
    ({"0": {"kind": "mask", "at": [], "mask": [[8, 8], "AAAAAAAAAAA="]}}, "marks nothing"),
    ({"0": {"kind": "mask", "at": [], "mask": [[10**9, 10**9], "gA=="]}}, "is no mask"),
    ({"0": {"kind": "mask", "at": []}}, "is no mask"),
    ({"0": {"kind": "whole", "at": [], "winner": 99}}, "classes 0 to 4"),
    ({"0": {"kind": "whole", "at": [], "winner": -1}}, "is no index"),
    ({"3": PIXEL}, "there are 3"),
    ({"-1": PIXEL}, "is no number of an image"),
    ({"0": "whole"}, "is no region"),
    ([PIXEL], "must be regions"),
]


def test_a_bad_region_is_refused_and_nothing_is_lost(widget, browser):
    answer = ask(widget, browser, regions={"1": PIXEL})
    for regions, reason in BAD:
        browser.messages.clear()
        widget.set_state({"regions": regions})
        # So many messages at once wait for their turn.
        until(lambda: "error" in browser.kinds())
        error = next(message for message in browser.messages if message["kind"] == "error")
        assert (error["gen"], reason in error["message"]) == (0, True), regions
        assert widget.regions == {"1": PIXEL}
        assert widget.status == "done"
    assert_array_equal(widget.wait().maps, answer.maps)


def test_models_of_one_score_a_class_refuse_regions(browser):
    with (
        kx.KxWidget(models.residual(), cases.photos()) as w,
        pytest.raises(kx.ParameterError, match="nothing to choose"),
    ):
        w.region = "whole"
    with pytest.raises(kx.ParameterError, match="nothing to choose"):
        kx.KxWidget(models.residual(), cases.photos(), region="whole")


def test_python_s_regions_are_the_page_s(explainer, photos, browser):
    chosen = [None, kx.region(box=(10, 5, 90, 60)), "whole"]
    with browser.open(kx.KxWidget(explainer, photos, region=chosen)) as w:
        assert_array_equal(browser.wait(w).maps, explainer.explain(photos, region=chosen).maps)
        assert w.region == [kx.region("wins"), chosen[1], kx.region("whole")]
        w.region = "whole"
        assert (w.region, w.regions) == (kx.region("whole"), {"others": {"kind": "whole", "at": []}})
        assert_array_equal(browser.wait(w).maps, explainer.explain(photos, region="whole").maps)
        w.region = None
        assert (w.region, w.regions) == (kx.region("wins"), {})
        assert_array_equal(browser.wait(w).maps, explainer.explain(photos).maps)
        with pytest.raises(kx.ParameterError, match="2 regions for 3 images"):
            w.region = ["whole", None]
        assert w.region == kx.region("wins")


def test_regions_that_say_nothing_are_the_same_question():
    wins, whole = {"kind": "wins", "at": []}, {"kind": "whole", "at": []}
    assert read_regions({"1": wins, "others": wins}) == {}
    assert read_regions({"others": whole, "01": whole, "2": wins}) == {"others": whole, "2": wins}
    assert plain_regions(["whole", "whole"], 2) == {"0": whole, "1": whole}
    assert regions_of({"others": whole, "2": wins}, [0, 2]) == [kx.region("whole"), kx.region("wins")]
    assert regions_of({}, [0, 2]) is None


def test_only_the_image_that_changed_is_computed(widget, browser, monkeypatch):
    monkeypatch.setattr("kx_widget.widget.prefetch.neighbours", lambda *_: ())
    ask(widget, browser, regions={"1": PIXEL})
    rest(widget)
    streamed = follow_streams(widget)
    ask(widget, browser, regions={"1": PIXEL, "2": PIXEL})
    assert streamed == [(1, 1)]


def test_another_class_in_a_region_takes_no_pass_of_the_whole_model(monkeypatch, browser, photos):
    # Nothing else is computed meanwhile.
    monkeypatch.setattr("kx_widget.widget.evidence_requests.EvidenceRequests.send", lambda *_: None)
    monkeypatch.setattr("kx_widget.widget.prefetch.neighbours", lambda *_: ())
    explainer = kx.Explainer(segmenters.unet(), preprocess=None, class_names=NAMES)
    with browser.open(kx.KxWidget(explainer, photos)) as widget:
        browser.wait(widget)
        ask(widget, browser, regions={"0": PIXEL})
        rest(widget)
        before = explainer.counts
        answer = ask(widget, browser, target="sky")
        runs = {name for name in explainer.counts - before if not name.startswith(("trace ", "cache "))}
    assert runs <= {"head"}
    want = explainer.explain(photos, "sky", region=[kx.region(pixel=(40, 20)), None, None])
    assert_array_equal(answer.maps, want.maps)


def test_a_class_that_is_known_to_win_is_the_top_one(widget, browser, explainer, photos):
    answer = ask(widget, browser, regions={"1": {**PIXEL, "winner": 3}})
    assert answer.target_names[1] == ("tree",)
    want = explainer.explain(photos, "tree", region=kx.region(pixel=(40, 20)))
    assert_array_equal(answer.maps[1], want.maps[1])


def test_painting_is_scored_in_the_region(widget, browser, explainer, photos):
    region = kx.region(box=(10, 5, 90, 60))
    ask(widget, browser, regions={"0": region.as_plain()})
    mask = np.zeros((segmenters.SIDE, segmenters.SIDE), bool)
    mask[10:40, 20:50] = True
    bits = base64.b64encode(np.packbits(mask).tobytes()).decode()
    stroke = {"view": "view", "serial": 1, "images": [0], "column": 0, "cover": "blur", "keep": False}
    browser.say(widget, "paint", gen=widget._session.gen, **stroke, size=list(mask.shape), mask=bits)
    until(lambda: browser.painted)
    ((message, _),) = browser.painted
    (record,) = message["images"]
    scores, _ = explainer.what_if(photos, mask[None], region=[region, None, None])
    target = int(widget.result.targets[0, 0])
    assert message["problem"] == ""
    assert_allclose(record["before"], widget.result.scores[0, 0], rtol=1e-5)
    assert_allclose(record["after"], scores[0, 0, target], rtol=1e-5)


def test_evidence_is_measured_in_the_region(widget, browser, explainer, photos):
    answer = ask(widget, browser, regions={"0": PIXEL})
    browser.say(widget, "seen", view="view", visible=True)
    # Asked for, since a busy machine may not do it by itself.
    browser.say(widget, "measure", gen=widget._session.gen, images=[0], cover="blur")
    told = {}

    def is_told():
        items = [
            each for m in browser.messages if m["kind"] == "evidence" and m["gen"] == browser.gen for each in m["items"]
        ]
        told.update({each["image"]: each for each in items if each["cells"]})
        return 0 in told

    until(is_told)
    want = explainer.evaluate(answer, "single_deletion", images=photos)
    assert_allclose(told[0]["cells"]["losses"], want.cells["losses"][0, 0], rtol=1e-4, atol=1e-6)


def test_a_ranking_belongs_to_its_region(widget, browser, explainer, photos):
    ask(widget, browser, regions={"0": PIXEL})
    browser.say(widget, "seen", view="view", visible=True)
    methods = ["gradcam", "gradient_x_input"]
    browser.say(widget, "rank", gen=widget._session.gen, column=0, images=[0], methods=methods, cover="blur")

    def tables():
        return [item for m in browser.messages if m["kind"] == "rankings" for item in m["items"]]

    until(lambda: any(table["done"] == 2 for table in tables()))
    table = next(table for table in tables() if table["done"] == 2)
    place = next(i for i, metric in enumerate(table["metrics"]) if "SRG" in metric["title"].upper())
    e = explainer.explain(photos[:1], region=kx.region(pixel=(40, 20)))
    want = explainer.evaluate(e, "srg", images=photos[:1]).scores["srg"][0, 0]
    assert_allclose(table["methods"][0]["cells"][place]["value"], want, rtol=1e-3, atol=1e-5)
    rankings = len(browser.messages)
    ask(widget, browser, regions={})
    assert not [m for m in browser.messages[rankings:] if m["kind"] == "rankings" and m["items"]]


def test_a_saved_page_keeps_the_regions_that_were_asked(widget, browser, tmp_path):
    regions = {"1": PLACES["object"].as_plain()}
    ask(widget, browser, regions=regions)
    widget.save(tmp_path / "page.html")
    _, header, _ = read_page(tmp_path / "page.html")
    first, last = header["answers"][0], header["answers"][-1]
    assert (first["asked"]["regions"], last["asked"]["regions"]) == ({}, regions)
    shown = next(item["region"] for item in last["items"] if item["image"] == 1)
    assert shown["words"] == "in the object at (100, 80)"
    assert shown["size"] == [segmenters.SIDE] * 2
    cells = np.unpackbits(np.frombuffer(base64.b64decode(shown["cells"]), np.uint8))
    assert cells.reshape(shown["size"])[80 * segmenters.SIDE // SIZE[0], 100 * segmenters.SIDE // SIZE[1]]


@pytest.fixture
def store(explainer, photos, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for i, photo in enumerate(photos):
        Image.fromarray((255 * photo).astype(np.uint8)).save(folder / f"{i}.png")
    return explainer.explain_to(tmp_path / "maps.parquet", folder, region="whole")


def test_a_store_is_asked_in_its_own_region(store, explainer, browser):
    with browser.open(kx.KxWidget.from_store(store, explainer)) as w:
        browser.wait(w)
        assert w.region == kx.region("whole")
        paths = [w._source.name(image) for image in range(3)]
        assert_allclose(w.result.maps, explainer.explain(paths[:1], region="whole").maps, rtol=1e-4, atol=1e-7)
        w.target = "sky"
        assert_array_equal(browser.wait(w).maps, explainer.explain(paths[:1], "sky", region="whole").maps)
        w.region = [kx.region(pixel=(40, 20)), "whole", "whole"]
        w.target = "top"
        assert_array_equal(browser.wait(w).maps, explainer.explain(paths[:1], region=kx.region(pixel=(40, 20))).maps)
    with pytest.raises(kx.KxError, match="anything else needs the model"):
        kx.KxWidget.from_store(store, region="wins")


def test_thumbnails_are_of_the_region(widget, browser, explainer, photos):
    ask(widget, browser, regions={"0": PIXEL})
    browser.say(widget, "want", gen=widget._session.gen, image=0, column=0, have="")
    layers = [info.path for info in explainer.inspection.layers if info.is_candidate]
    until(lambda: set(browser.thumbnails) == set(layers))
    first = browser.thumbnails["last"]
    browser.thumbnails.clear()
    ask(widget, browser, regions={})
    browser.say(widget, "want", gen=widget._session.gen, image=0, column=0, have="")
    until(lambda: set(browser.thumbnails) == set(layers))
    assert (np.abs(browser.thumbnails["last"] - first) > 1e-9).any()
