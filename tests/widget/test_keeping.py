"""What was answered is kept: in the snapshot, on pages, in pictures and files."""

import base64
import io
import json
import re

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

import kx_widget as kx
from kx_widget.widget import static_preview
from kx_widget.widget.archive import KeptAnswer
from kx_widget.widget.export import SNAPSHOT_BYTES
from kx_widget.widget.html import BUNDLE
from kx_widget.widget.model_answers import ModelQuery
from tests import cases, models
from tests.widget.page import PATIENCE, say, stalled, until
from tests.widget.saved import HOSTILE, Parsed, block_of, unpack

CLASS_NAMES = HOSTILE


def test_a_page_holds_every_answer_of_the_session(widget, explainer):
    widget.method = "layercam"
    widget.wait()
    widget.layer = "stem"
    widget.wait()
    widget.compare = "targets"
    page = Parsed(widget.to_html())
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
    page = Parsed(text)
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
        header, _ = unpack(block_of(json.loads(Parsed(w.to_html()).data)))
        assert [a["asked"]["method"] for a in header["answers"]] == ["gradcam"]


def test_save(widget, tmp_path):
    for name in ("maps.npz", "sheet.png", "page.html"):
        widget.save(tmp_path / name)
    assert_array_equal(kx.Explanation.load(tmp_path / "maps.npz").maps, widget.result.maps)
    with Image.open(tmp_path / "sheet.png") as picture:
        assert picture.size == (12, 36)
    assert Parsed((tmp_path / "page.html").read_text("utf-8")).script
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


def test_a_snapshot_that_comes_after_the_widget_was_closed_changes_nothing(widget):
    widget.close()
    before = widget._snapshot
    widget._exporter.snapshot()
    assert widget._snapshot == before


def test_the_snapshot_is_for_python_to_write(widget):
    widget.set_state({"_snapshot": b"of the browser"})
    assert widget._snapshot != b"of the browser"


def test_the_snapshot_of_many_large_maps_is_small():
    model = models.gray()
    with kx.KxWidget(model, cases.photos_for(model, 32), method="gradients", compare="targets") as w:
        kept = [
            ({"image": i, "score": 1.0}, np.random.default_rng(i).normal(size=(224, 224)).astype("f"))
            for i in range(32)
        ]
        w.wait()
        w._exporter.keep(KeptAnswer({}, [], kept, 1.0), 1, (np.zeros((32, 3)), np.zeros((32, 3))), lambda: False)
        w._exporter.snapshot()
        assert 100_000 < len(w._snapshot) <= SNAPSHOT_BYTES


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
    # A display waits for a second.
    widget.wait(300)
    widget._ipython_display_()
    (data,) = host.outputs
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == widget.model_id
    with Image.open(io.BytesIO(base64.b64decode(data["image/png"]))) as picture:
        shown = np.asarray(picture.convert("RGB"))
    assert shown.shape == (3 * 160 + 2 * static_preview.GAP, 3 * 160 + 2 * static_preview.GAP, 3)
    expected = widget.result.pictures(alpha=0.6)
    for image, column in np.ndindex(3, 3):
        tile = shown[image * (160 + static_preview.GAP) :, column * (160 + static_preview.GAP) :][:160, :160]
        small = np.asarray(Image.fromarray(tile).resize((12, 12), Image.Resampling.BOX), float)
        assert np.abs(small - expected[image, column]).mean() < 12
    tags = Parsed(data["text/html"]).tags
    assert [tag for tag, _ in tags if tag] == ["figure", "img", "figcaption"]
    assert any(name in tags[2][1]["alt"] for name in HOSTILE)


def test_a_picture_draws_no_more_images_than_it_shows(explainer, monkeypatch):
    explanation = explainer.explain(cases.photos(50), [0, 1])
    drawn, pictures = [], kx.Explanation.pictures
    monkeypatch.setattr(
        kx.Explanation, "pictures", lambda e, **style: drawn.append(len(e.maps)) or pictures(e, **style)
    )
    style = {"colormap": "viridis", "alpha": 0.5, "sign": "positive", "scale": "map"}
    html = static_preview.static_preview([explanation], {"gradcam": "Grad-CAM"}, style)["text/html"]
    assert drawn == [static_preview.MOST_TILES // 2]
    assert "34 more images are in the widget" in html


def test_a_picture_that_takes_longer_comes_later(explainer, monkeypatch):
    host = Host(monkeypatch)
    monkeypatch.setattr("kx_widget.widget.export.SECONDS_BEFORE_DISPLAY", 0.01)
    _, _, goes_on = stalled(monkeypatch, ModelQuery, "parts")
    with kx.KxWidget(explainer, cases.photos()) as w:
        w._ipython_display_()
        assert "image/png" not in host.outputs[0]
        goes_on.set()
        w.wait(PATIENCE)
        assert "image/png" in host.outputs[0]
        assert host.outputs[0]["application/vnd.jupyter.widget-view+json"]["model_id"] == w.model_id


def test_an_answer_that_came_before_its_picture_was_waited_for_is_in_the_output_too(widget, monkeypatch):
    """As it is where the wait had run out just before."""
    host, wait = Host(monkeypatch), kx.KxWidget.wait

    def in_vain(w, timeout):
        wait(w, PATIENCE)
        raise TimeoutError

    monkeypatch.setattr(kx.KxWidget, "wait", in_vain)
    widget._ipython_display_()
    assert "image/png" in host.outputs[0]


def test_without_somebody_there_the_cell_waits_and_leaves_nothing_for_later(explainer, monkeypatch):
    host = Host(monkeypatch)
    monkeypatch.setattr("kx_widget.widget.export.is_attended", lambda: False)
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


def test_an_output_in_which_a_view_is_drawn_stays_as_it_is(explainer, monkeypatch):
    """Else the host draws the widget anew, and keeps the first view."""
    host = Host(monkeypatch)
    monkeypatch.setattr("kx_widget.widget.export.SECONDS_BEFORE_DISPLAY", 0.01)
    _, _, goes_on = stalled(monkeypatch, ModelQuery, "parts")
    with kx.KxWidget(explainer, cases.photos()) as w:
        w._ipython_display_()
        say(w, {"kind": "hello", "version": 1, "view": "v", "have": []})
        goes_on.set()
        w.wait(PATIENCE)
        assert "image/png" not in host.outputs[0]
