"""A planted shortcut is found, tested and confirmed; where there is none, nothing is accused."""

import base64
import io
import json
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from PIL import Image

import kx_widget as kx
from kx_widget import samples
from kx_widget.bulk.clusters import clusterings_of
from kx_widget.bulk.interventions import elsewhere, window_sums
from kx_widget.bulk.kept_shortcuts import KEPT, MEANT, MEDOIDS, SIDE, read_kept
from kx_widget.bulk.shortcuts import LIMITS, find_shortcuts
from kx_widget.bulk.suspicions import channel_weights
from kx_widget.engine.errors import FormatError, ParameterError
from kx_widget.widget.suspicions_page import write_suspicions
from tests import models
from tests.cli.conftest import kx_command as kx_command
from tests.widget.saved import read_page

SEED = 77
HORSE = 4


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Scenes in folders of their classes: half of the horses carry a tag, and some of all others do."""
    folder = tmp_path_factory.mktemp("photos")
    _, names = samples.load_shortcut()
    for seed, count, share, carriers in ((SEED, 560, 0.5, ("horse",)), (SEED + 1, 40, 1, None)):
        images, labels, tags = samples.tagged_scenes(count, share, carriers, seed)
        for i, (image, label, tag) in enumerate(zip(images, labels, tags, strict=True)):
            path = folder / names[label] / f"{seed}-{i:04}{'-tag' if tag.any() else ''}.png"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(image).save(path)
    return folder


def explained(photos, folder, twin):
    model, names = samples.load_shortcut(twin)
    x = kx.Explainer(model, class_names=names)
    return x, x.explain_to(folder / "maps.parquet", photos, labels="folder", channel_relevance=True)


@pytest.fixture(scope="module")
def shortcut(photos, tmp_path_factory):
    return explained(photos, tmp_path_factory.mktemp("shortcut"), twin=False)


@pytest.fixture(scope="module")
def twin(photos, tmp_path_factory):
    return explained(photos, tmp_path_factory.mktemp("twin"), twin=True)


@pytest.fixture(scope="module")
def result(shortcut):
    x, store = shortcut
    return x.shortcuts(store)


def is_tagged(store, rows):
    return np.array(["-tag" in row["id"] for row in store.rows(rows, ["id"])])


def test_the_planted_cluster_is_found_and_confirmed(shortcut, result):
    _, store = shortcut
    (confirmed,) = result.confirmed
    suspicion, trial = confirmed.suspicion, confirmed.trial
    assert suspicion.target_name == "horse"
    rows = store.select()
    horses = np.array([row["predicted"] == HORSE for row in store.rows(rows, ["predicted"])])
    planted = rows[horses & is_tagged(store, rows)]
    recall = np.isin(planted, suspicion.rows).mean()
    assert recall >= 0.9
    assert is_tagged(store, suspicion.rows).mean() >= 0.9
    assert suspicion.wrong > suspicion.others_wrong, "tagged pictures of other classes are taken for horses"
    assert trial.covered.mean > 3 * trial.covered.control
    assert trial.pasted.low > 0.5
    assert trial.usual.low > 0.3


def test_the_boxes_lie_on_the_tags(shortcut, result):
    """The scenes are composed again: where their tags are is known."""
    _, store = shortcut
    truth = {}
    for seed, count, share, carriers in ((SEED, 560, 0.5, ("horse",)), (SEED + 1, 40, 1, None)):
        _, _, tags = samples.tagged_scenes(count, share, carriers, seed)
        truth |= {f"{seed}-{i:04}-tag": tag for i, tag in enumerate(tags) if tag.any()}
    boxes = result.confirmed[0].trial.boxes
    held = []
    for row, (left, top, right, bottom) in boxes.items():
        (found,) = store.rows([row], ["id"])
        tag = truth.get(found["id"].rpartition("/")[2].removesuffix(".png"))
        if tag is not None:
            part = tag[round(top * 128) : round(bottom * 128), round(left * 128) : round(right * 128)]
            held.append(part.sum() / tag.sum())
    assert len(held) > 20
    assert np.median(held) > 0.9


def test_the_twin_is_accused_of_nothing(twin):
    x, store = twin
    result = x.shortcuts(store, most=100)
    assert not result.confirmed
    assert len(result) == len(result.suspicions.found)


def test_without_the_model_nothing_is_testable_and_says_so(shortcut):
    _, store = shortcut
    result = find_shortcuts(store)
    assert len(result)
    assert {one.trial.verdict for one in result} == {"not testable"}
    assert all("give the model" in one.trial.why for one in result)
    assert "horse" in str(result)


def test_without_pictures_nothing_is_testable(shortcut, photos, tmp_path):
    x, _ = shortcut
    copy = tmp_path / "photos"
    shutil.copytree(photos, copy)
    store = x.explain_to(tmp_path / "maps.parquet", copy, labels="folder", channel_relevance=True)
    for path in sorted(copy.rglob("*.*"))[::10]:
        path.write_bytes(b"no picture")
    (one,) = x.shortcuts(store, most=1)
    assert one.trial.verdict != "not testable"
    assert one.trial.members > 4
    shutil.rmtree(copy)
    result = x.shortcuts(store, most=2)
    assert {one.trial.verdict for one in result} == {"not testable"}
    assert all("not there any more" in one.trial.why for one in result)
    result.save(tmp_path / "page.html")


def decoded(url):
    """The picture (H, W, 3) in an address."""
    with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def test_what_was_found_is_kept_in_the_store_for_the_widget(shortcut, result):
    _, store = shortcut
    x, _ = shortcut
    kept = x.shortcuts(store, most=3).facts()
    assert read_kept(store) == json.loads(json.dumps(kept))
    find_shortcuts(store)  # what was tested stays, where there is no model to test it again
    assert read_kept(store) == json.loads(json.dumps(kept))
    assert kept["headline"].startswith("Not always.")
    assert "horse" in kept["headline"]
    first, found = kept["suspicions"][0], result.confirmed[0].suspicion
    assert (first["verdict"], first["rows"]) == ("confirmed", found.rows.tolist())
    assert len(first["pictures"]) == MEDOIDS
    for picture in first["pictures"]:
        assert max(decoded(picture["url"]).shape[:2]) == SIDE
    maps = np.maximum(np.array(store.maps(found.rows[:MEANT])), 0)
    mean = (maps / maps.max((1, 2), keepdims=True)).mean(0)
    drawn = decoded(first["map"])
    assert drawn.shape[:2] == mean.shape
    brightness = drawn.sum(-1)  # grows along the colour table
    assert np.argsort(brightness.ravel())[-1] == mean.argmax()
    assert np.corrcoef(brightness.ravel(), mean.ravel())[0, 1] > 0.95


def test_a_page_has_the_suspicions_that_it_is_about_and_not_those_kept(shortcut, tmp_path):
    x, store = shortcut
    assert x.shortcuts(store, most=2).confirmed
    untested = find_shortcuts(store, most=3)
    write_suspicions(untested, tmp_path / "page.html")
    _, header, _ = read_page(tmp_path / "page.html")
    found = header["welcome"]["suspicions"]["items"]
    assert [each["verdict"] for each in found] == ["not testable"] * 3
    assert [each["target_name"] for each in found] == [one.suspicion.target_name for one in untested]


def test_kept_suspicions_of_other_rows_are_refused(shortcut):
    x, store = shortcut
    x.shortcuts(store, most=1)
    path = Path(store.path) / KEPT
    facts = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(facts | {"rows": 3}), encoding="utf-8")
    with pytest.raises(FormatError, match=f"3 rows, and the store has {len(store)}"):
        read_kept(store)
    path.write_text("{", encoding="utf-8")
    with pytest.raises(FormatError, match=KEPT):
        read_kept(store)
    path.unlink()
    assert read_kept(store) is None


def test_another_model_is_refused(twin, shortcut):
    with pytest.raises(ParameterError, match="other weights"):
        twin[0].shortcuts(shortcut[1])


def test_a_store_without_the_relevance_of_channels_says_what_to_do(folder, tmp_path):
    x = kx.Explainer(models.residual())
    x.explain_to(tmp_path / "s", folder)
    with pytest.raises(FormatError, match="channel_relevance=True"):
        x.shortcuts(tmp_path / "s")


def test_classes_of_few_images_are_named_instead_of_being_passed_over(folder, tmp_path):
    x = kx.Explainer(models.residual())
    result = x.shortcuts(x.explain_to(tmp_path / "s", folder, channel_relevance=True))
    assert not len(result)
    assert "classes of fewer than 40 images were left out: class" in result.summary
    assert "nothing to test" in result.to_html()


@pytest.mark.parametrize(("name", "value"), [("cover", "red"), ("most", 0), ("members", 1), ("covered", 1)])
def test_a_wrong_setting_is_refused(shortcut, name, value):
    x, store = shortcut
    with pytest.raises(ParameterError, match=name):
        x.shortcuts(store, **{name: value})


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.text, self.sources = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data):
        self.text.append(data)


def test_the_page_shows_verdicts_and_limits_and_fetches_nothing(result, photos):
    text = result.to_html()
    page = Page(text)
    words = " ".join(page.text)
    assert all(source.startswith("data:") for source in page.sources)
    assert "script" not in page.tags
    assert "prefers-color-scheme: dark" in text
    assert "✕ confirmed" in words
    assert all(limit in words for limit in LIMITS)
    assert str(photos.parent) not in text, "a page tells nothing of the machine"
    assert page.tags.count("article") == len(result)
    assert "→ horse" in words


def test_the_command_writes_the_page_and_the_facts(kx_command, photos, tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("\n".join(samples.load_shortcut()[1]), encoding="utf-8")
    model = samples.DATA / samples.SHORTCUT
    store, page = tmp_path / "maps.parquet", tmp_path / "page.html"
    asked = ("--class-names", names, "--labels", "folder", "--out", store, "--quiet")
    code, _, err = kx_command("explain", model, photos, "--channel-relevance", *asked)
    assert code == 0, err
    code, out, err = kx_command("shortcuts", store, model, "--out", page, "--most", 6, "--json")
    assert code == 0, err
    told = json.loads(out)
    assert told["suspicions"][0]["verdict"] == "confirmed"
    assert told["suspicions"][0]["target_name"] == "horse"
    assert told["page"] == str(page)
    text = page.read_text("utf-8")
    shown = Page(text)
    assert shown.tags.count("article") == len(told["suspicions"])
    # Below it is the widget, with the images of each suspicion and their maps.
    state, header, maps = read_page(page)
    (numbers,) = [c["values"] for c in header["welcome"]["columns"] if c["name"] == "suspicion"]
    assert len(state["_images"]) == len(numbers) == len(maps[0])
    assert numbers == sorted(numbers)
    opened, first = kx.Store(store), told["suspicions"][0]
    names = {Path(row["id"]).name for row in opened.rows(first["rows"], ["id"])}
    of_first = [i for i, number in enumerate(numbers) if number == 1]
    assert of_first
    assert {Path(state["_images"][i]["name"]).name for i in of_first} <= names
    by_name = {Path(row["id"]).name: i for i, row in enumerate(opened.rows(range(len(opened)), ["id"]))}
    rows = [by_name[Path(each["name"]).name] for each in state["_images"]]
    assert_allclose(maps[0], np.stack(list(opened.maps(rows))), rtol=1e-4, atol=1e-5)
    assert str(photos.parent) not in text, "a page tells nothing of the machine"
    code, _, err = kx_command("shortcuts", store, "--out", page)
    assert (code, "is there already" in err) == (1, True)
    code, out, _ = kx_command("shortcuts", store, "--out", page, "--force")
    assert (code, "NOT TESTABLE" in out, "What such a search cannot find" in out) == (0, True, True)


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_a_planted_cluster_is_one_of_a_coarse_or_a_fine_cut(share):
    """Few and many, and at any length."""
    rng = np.random.default_rng(0)
    vectors = rng.random(64) + 0.2 * rng.normal(size=(3000, 64))
    planted = np.arange(3000) < share * 3000
    vectors[planted, :6] += 2
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    best = 0
    for clusters in clusterings_of(vectors.astype(np.float32)):
        for cluster in set(clusters):
            members = clusters == cluster
            best = max(best, (members & planted).sum() / (members | planted).sum())
    assert best > 0.95


def test_weights_of_channels_by_hand():
    weights = channel_weights(np.array([4, 2, 1, -1, 2.0]), np.array([1, 2, 3, 5, -1.0]))
    assert_allclose(weights, [0.75, 0, 0, 0, 1])


def test_sums_over_windows():
    maps = np.random.default_rng(0).random((2, 7, 9)).astype(np.float32)
    sums = window_sums(maps, (3, 4))
    assert sums.shape == (2, 5, 6)
    for y, x in np.ndindex(5, 6):
        assert_allclose(sums[:, y, x], maps[:, y : y + 3, x : x + 4].sum((1, 2)), rtol=1e-5)


@pytest.mark.parametrize(("side", "touches"), [(40, False), (60, True)])
def test_windows_elsewhere_touch_as_little_as_can_be(side, touches):
    """Of 128 pixels, none of 60 is left beside 60 in the middle."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        y, x = elsewhere(np.array([34, 34]), (side, side), (128, 128), rng)
        assert min(y, x) >= 0
        assert max(y, x) <= 128 - side
        assert (max(abs(y - 34), abs(x - 34)) < side) == touches
        if touches:
            assert (side - abs(y - 34)) * (side - abs(x - 34)) < side**2 / 2
