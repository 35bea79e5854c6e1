"""What was answered is kept: in the snapshot, on pages, in pictures and files."""

import base64
import gzip
import io
import json
import re
import time
from html.parser import HTMLParser

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

import kx_widget as kx
from kx_widget.widget import archive, still
from kx_widget.widget.archive import Archive, Kept, pack
from kx_widget.widget.codec import decode
from kx_widget.widget.html import BUNDLE
from kx_widget.widget.keeper import SNAPSHOT_BYTES
from tests import cases, models

HOSTILE = ["</script><img src=x onerror=alert(1)>", "<!--<script>", '"quoted" & co', "${x} $title \\u003c"]


def unpack(block):
    """Header and the maps of each answer."""
    data = gzip.decompress(block)
    length = int.from_bytes(data[:4], "little")
    header, buffer = json.loads(data[4 : 4 + length]), data[-(-(4 + length) // 4) * 4 :]
    maps = [[decode(item, buffer) for item in answer["items"]] for answer in header["answers"]]
    return header, maps


def kept(name, *shapes, seed=0):
    rng = np.random.default_rng(seed)
    return Kept(
        {"layer": name},
        [],
        [({"image": i, "score": np.inf}, rng.normal(0, 1, s).astype("f")) for i, s in enumerate(shapes)],
        1,
    )


def layers(block):
    return [answer["asked"]["layer"] for answer in unpack(block)[0]["answers"]]


class TestArchive:
    def test_keeps_the_latest_answer_to_each_question_in_the_order_of_asking(self):
        a = Archive()
        for name in ("x", "y", "x"):
            a.keep(kept(name, (2, 2)), 1)
        assert [k.asked["layer"] for k in a.answers()] == ["y", "x"]

    def test_forgets_what_other_weights_answered(self):
        a = Archive()
        a.keep(kept("x", (2, 2)), 1)
        a.keep(kept("y", (2, 2)), 2)
        assert [k.asked["layer"] for k in a.answers()] == ["y"]

    def test_keeps_to_its_limit_but_for_the_latest(self):
        a = Archive(limit=1000)
        for name, side in (("x", 10), ("y", 10), ("z", 10), ("large", 40)):
            a.keep(kept(name, (side, side)), 1)
            assert [k.asked["layer"] for k in a.answers()][-1] == name
        assert len(a.answers()) == 1

    @pytest.mark.parametrize("shape", [(5, 7), (30, 40), (1, 9)])
    def test_small_maps_are_exact_and_large_ones_within_half_a_step(self, shape):
        one = kept("x", shape)
        ((found,),) = unpack(pack({}, None, [one], 10**6))[1]
        exact = one.items[0][1]
        step = np.ptp(exact) / 65534 / 2 if exact.nbytes > archive.EXACT_BYTES else 0
        assert_allclose(found, exact, atol=step * 1.01, rtol=0)

    def test_large_maps_are_averaged_down_before_answers_are_left_out(self):
        answers = [kept("x", (224, 224), seed=1), kept("y", (7, 9), (224, 200), seed=2)]
        block = pack({}, None, answers, 60_000)
        assert len(block) <= 60_000
        header, maps = unpack(block)
        assert (layers(block), header["side"], header["left_out"]) == (["x", "y"], 112, 0)
        exact = answers[1].items[1][1].reshape(112, 2, 100, 2).mean((1, 3))
        assert_allclose(maps[1][1], exact, atol=1e-4)
        assert_array_equal(maps[1][0], answers[1].items[0][1])

    def test_the_oldest_are_left_out_and_counted(self):
        answers = [kept(str(i), (28, 28), seed=i) for i in range(10)]
        block = pack({}, None, answers, 12_000)
        header, _ = unpack(block)
        found = layers(block)
        assert len(block) <= 12_000
        assert found == [str(i) for i in range(10 - len(found), 10)]
        assert 2 < len(found) < 10
        assert header["left_out"] == 10 - len(found)

    def test_a_single_answer_gets_as_coarse_as_it_must(self):
        block = pack({}, None, [kept("x", *[(64, 64)] * 20)], 16_000)
        assert len(block) <= 16_000
        assert unpack(block)[0]["side"] == 14
        assert layers(pack({}, None, [kept("x", *[(64, 64)] * 2000)], 10_000)) == []

    def test_the_rim_of_a_map_is_averaged_over_what_is_there(self):
        m = np.arange(15, dtype=np.float32).reshape(3, 5)
        assert_allclose(archive.reduce(m, 3), [[3, 5, 6.5], [10.5, 12.5, 14]])
        m[0, 0] = np.nan
        assert np.isnan(archive.reduce(m, 3)).sum() == 1

    def test_the_same_gives_the_same_bytes(self, monkeypatch):
        first = pack({}, None, [kept("x", (9, 9))], 10**6)
        monkeypatch.setattr(time, "time", lambda: 0)
        assert pack({}, None, [kept("x", (9, 9))], 10**6) == first


@pytest.fixture(scope="module")
def explainer():
    return kx.Explainer(models.residual(), class_names=HOSTILE)


@pytest.fixture
def widget(explainer):
    with kx.KxWidget(explainer, cases.photos()) as w:
        w.wait()
        yield w


class Page(HTMLParser):
    """What a browser's parser sees."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.data, self.title, self.script = [("", {})], "", "", ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        self.tags.append(("", {}))

    def handle_data(self, data):
        tag, attrs = self.tags[-1]
        if tag == "title":
            self.title += data
        elif tag == "script" and attrs.get("id") == "state":
            self.data += data
        elif tag == "script":
            self.script += data


def block_of(state):
    return base64.b64decode(state["_snapshot"]["base64"])


def test_a_page_holds_every_answer_of_the_session(widget, explainer):
    widget.method = "layercam"
    widget.wait()
    widget.layer = "stem"
    widget.wait()
    widget.compare = "targets"
    page = Page(widget.to_html())
    state = json.loads(page.data)
    assert (state["layer"], state["compare"], len(state["_images"])) == ("stem", "targets", 3)
    header, maps = unpack(block_of(state))
    asked = [[a["asked"][n] for n in ("layer", "method", "compare")] for a in header["answers"]]
    assert asked == [
        ["after_add", "gradcam", "none"],
        ["after_add", "layercam", "none"],
        ["stem", "layercam", "none"],
        ["stem", "layercam", "targets"],
    ]
    assert header["alone"] is True
    assert (header["side"], header["left_out"]) == (None, 0)
    assert_array_equal(maps[1], explainer.explain(cases.photos(), method="layercam").maps[:, 0])
    assert header["predictions"]["shape"] == [3, 4]


def test_a_page_asks_for_nothing_and_nothing_in_it_is_markup(widget):
    text = widget.to_html()
    page = Page(text)
    tags = [tag for tag, _ in page.tags]
    assert tags.count("script") == 2
    assert "img" not in tags
    assert not re.search(r"\b(?:src|href|srcset|action)\s*=\s*[\"'](?!data:)", re.sub(r"<script.*?</script>", "", text))
    policy = next(a["content"] for t, a in page.tags if a.get("http-equiv"))
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert json.loads(page.data)["_images"]
    assert unpack(block_of(json.loads(page.data)))[0]["welcome"]["class_names"] == HOSTILE
    assert "kx_widget" in page.title


def test_the_sizes_of_a_page(widget):
    widget.method = "gradients"
    images = sum(len(i["data"]) for i in widget._images) * 4 / 3
    assert len(widget.to_html().encode()) <= 1e6 + images
    small = widget.to_html(megabytes=BUNDLE.stat().st_size / 1e6 + 0.03)
    assert len(small.encode()) <= BUNDLE.stat().st_size + 30_000 + images
    with pytest.raises(kx.KxError, match="no room for maps"):
        widget.to_html(megabytes=0.1)


def test_a_page_after_an_error_shows_what_came_before(explainer):
    with kx.KxWidget(explainer, cases.photos(), method="cam", layer="stem") as w:
        with pytest.raises(kx.UnsupportedMethodError):
            w.to_html()
        w.method = "gradcam"
        w.wait()
        w.method = "cam"
        header, _ = unpack(block_of(json.loads(Page(w.to_html()).data)))
        assert [a["asked"]["method"] for a in header["answers"]] == ["gradcam"]


def test_save(widget, tmp_path):
    for name in ("maps.npz", "sheet.png", "page.html"):
        widget.save(tmp_path / name)
    assert_array_equal(kx.Explanation.load(tmp_path / "maps.npz").maps, widget.result.maps)
    with Image.open(tmp_path / "sheet.png") as picture:
        assert picture.size == (12, 36)
    assert Page((tmp_path / "page.html").read_text("utf-8")).script
    for name in ("maps.csv", "maps"):
        with pytest.raises(kx.KxError, match=r"must end in \.html, \.npz or \.png"):
            widget.save(tmp_path / name)
    widget.compare = "methods"
    with pytest.raises(kx.KxError, match=r"3 are side by side: save each with w\.results\[i\]\.save"):
        widget.save(str(tmp_path / "maps.npz"))
    widget.save(tmp_path / "page.html")


def test_closed_it_saves_nothing(explainer, tmp_path):
    w = kx.KxWidget(explainer, cases.photos())
    w.wait()
    w.close()
    with pytest.raises(kx.KxError, match="closed"):
        w.save(tmp_path / "page.html")


def test_the_snapshot_holds_the_latest_answer_after_a_while(widget):
    widget.target = 2
    widget.wait()
    until(lambda: widget._snapshot and unpack(widget._snapshot)[0]["answers"][0]["asked"]["target"] == 2)
    header, (maps,) = unpack(widget._snapshot)
    assert header["alone"] is False
    assert_array_equal(maps, widget.result.maps[:, 0])


def test_the_snapshot_is_for_python_to_write(widget):
    before = widget._snapshot
    widget.set_state({"_snapshot": b"of the browser"})
    assert widget._snapshot == before


def test_the_snapshot_of_many_large_maps_is_small():
    model = models.gray()
    with kx.KxWidget(model, cases.photos_for(model, 32), method="gradients", compare="targets") as w:
        kept = [
            ({"image": i, "score": 1.0}, np.random.default_rng(i).normal(size=(224, 224)).astype("f"))
            for i in range(32)
        ]
        w.wait()
        w._keeper.keep(Kept({}, [], kept, 1.0), 1, (np.zeros((32, 3)), np.zeros((32, 3))))
        w._keeper.snapshot()
        assert 100_000 < len(w._snapshot) <= SNAPSHOT_BYTES


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


class Host:
    """What `display` was told, and what outputs became."""

    def __init__(self, monkeypatch):
        self.outputs = []
        monkeypatch.setattr("IPython.display.display", self.display)

    def display(self, data, metadata, raw, display_id):
        assert (raw, display_id) == (True, True)
        self.outputs.append(data)
        host, at = self, len(self.outputs) - 1

        class Handle:
            def update(self, data, metadata, raw):
                host.outputs[at] = data

        return Handle()


def test_an_output_holds_a_picture_beside_the_widget(widget, monkeypatch):
    host = Host(monkeypatch)
    widget.compare = "targets"
    widget._ipython_display_()
    (data,) = host.outputs
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == widget.model_id
    with Image.open(io.BytesIO(base64.b64decode(data["image/png"]))) as picture:
        shown = np.asarray(picture.convert("RGB"))
    assert shown.shape == (3 * 160 + 2 * still.GAP, 3 * 160 + 2 * still.GAP, 3)
    expected = widget.result.overlay(alpha=0.6)
    for image, column in np.ndindex(3, 3):
        tile = shown[image * (160 + still.GAP) :, column * (160 + still.GAP) :][:160, :160]
        small = np.asarray(Image.fromarray(tile).resize((12, 12), Image.Resampling.BOX), float)
        assert np.abs(small - expected[image, column]).mean() < 12
    tags = Page(data["text/html"]).tags
    assert [tag for tag, _ in tags if tag] == ["figure", "img", "figcaption"]
    assert any(name in tags[2][1]["alt"] for name in HOSTILE)


def test_a_picture_that_takes_longer_comes_later(explainer, monkeypatch):
    host = Host(monkeypatch)
    monkeypatch.setattr("kx_widget.widget.keeper.SECONDS_BEFORE_DISPLAY", 0.01)
    with kx.KxWidget(explainer, cases.photos(), params={"smooth": {"repetitions": 200}}) as w:
        w._ipython_display_()
        assert "image/png" not in host.outputs[0]
        w.wait()
        assert "image/png" in host.outputs[0]
        assert host.outputs[0]["application/vnd.jupyter.widget-view+json"]["model_id"] == w.model_id


def test_without_somebody_there_the_cell_waits_and_leaves_nothing_for_later(explainer, monkeypatch):
    host = Host(monkeypatch)
    monkeypatch.setattr("kx_widget.widget.keeper.attended", lambda: False)
    sent = []
    monkeypatch.setattr(kx.KxWidget, "send_state", lambda _, key=None: sent.append(key))
    with kx.KxWidget(explainer, cases.photos(), params={"smooth": {"repetitions": 200}}) as w:
        w._ipython_display_()
        assert "image/png" in host.outputs[0]
        assert len(unpack(w._snapshot)[1][0]) == 3
        assert sent[-1] == "_snapshot"


def test_a_question_that_fails_is_displayed_without_a_picture(explainer, monkeypatch):
    host = Host(monkeypatch)
    with kx.KxWidget(explainer, cases.photos(), method="cam", layer="stem") as w:
        w._ipython_display_()
        assert "image/png" not in host.outputs[0]


class View:
    """Asks for files as a browser does."""

    def __init__(self, widget, monkeypatch):
        self.widget, self.sent = widget, []
        monkeypatch.setattr(kx.KxWidget, "send", lambda _, content, buffers=None: self.sent.append((content, buffers)))

    def ask(self, **content):
        self.sent.clear()
        self.widget._heard(None, {"kind": "export", **content}, [])
        until(lambda: any(m["kind"] == "file" and m["part"] == m["parts"] - 1 for m, _ in list(self.sent)))
        self.sent = [(m, b) for m, b in self.sent if m["kind"] == "file"]
        assert all(content["kind"] == "file" and len(buffers[0]) <= 1_000_000 for content, buffers in self.sent)
        return b"".join(buffers[0] for _, buffers in self.sent), self.sent[-1][0]["error"]


@pytest.fixture
def view(widget, monkeypatch):
    return View(widget, monkeypatch)


def test_a_view_gets_a_page_and_numbers(view, tmp_path):
    data, error = view.ask(id="a", format="html", column=0)
    assert error == ""
    assert unpack(block_of(json.loads(Page(data.decode()).data)))[0]["answers"]
    view.widget.compare = "methods"
    view.widget.wait()
    (tmp_path / "maps.npz").write_bytes(view.ask(id="b", format="npz", column=1)[0])
    assert kx.Explanation.load(tmp_path / "maps.npz").method == view.widget.results[1].method


def test_a_file_comes_in_parts(view, monkeypatch):
    monkeypatch.setattr("kx_widget.widget.files.PART_BYTES", 50_000)
    data, _ = view.ask(id="a", format="html", column=0)
    assert len(view.sent) > 2
    assert data.decode().rstrip().endswith("</html>")
    assert [content["part"] for content, _ in view.sent] == list(range(len(view.sent)))


@pytest.mark.parametrize("asked", [{"format": "exe"}, {"column": -1}])
def test_what_cannot_be_exported_is_refused(view, asked):
    data, error = view.ask(**{"id": "a", "format": "npz", "column": 0, **asked})
    assert data == b""
    assert "There is no export" in error


@pytest.mark.parametrize(
    "asked", [{"id": 3}, {"id": "x" * 2000}, {"format": ["html"]}, {"column": True}, {"column": "0"}]
)
def test_what_is_no_message_is_no_export(view, asked):
    content = {"kind": "export", "id": "a", "format": "npz", "column": 0, **asked}
    view.widget._heard(None, content, [])
    assert [(m["kind"], m["gen"]) for m, _ in view.sent] == [("error", 0)]


def test_nothing_answered_yet_is_said(explainer, monkeypatch):
    with kx.KxWidget(explainer, cases.photos(), params={"smooth": {"repetitions": 1000}}) as w:
        view = View(w, monkeypatch)
        w.cancel()
        for fmt in ("html", "npz"):
            monkeypatch.setattr(w, "_report", lambda *_: None)
            assert "answered yet" in view.ask(id="a", format=fmt, column=0)[1]
