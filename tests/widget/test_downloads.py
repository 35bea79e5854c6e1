"""Files that the page asks for."""

import json
import threading

import pytest

import kx_widget as kx
from kx_widget.widget.model_answers import ModelQuery
from tests import cases
from tests.widget.page import PATIENCE, say, stalled, until
from tests.widget.saved import HOSTILE, Parsed, block_of, unpack

CLASS_NAMES = HOSTILE


class View:
    """Asks for files as a browser does."""

    def __init__(self, widget, monkeypatch):
        self.widget, self.sent, self.files = widget, [], []
        monkeypatch.setattr(kx.KxWidget, "send", self.heard)

    def heard(self, content, buffers=None):
        self.sent.append((content, buffers))
        if content["kind"] == "file":
            self.files.append((content, buffers))

    def ask(self, **content):
        self.files = []
        say(self.widget, {"kind": "export", **content})
        until(lambda: self.files and self.files[-1][0]["part"] == self.files[-1][0]["parts"] - 1)
        assert all(len(buffers[0]) <= 1_000_000 for _, buffers in self.files)
        return b"".join(buffers[0] for _, buffers in self.files), self.files[-1][0]["error"]


@pytest.fixture
def view(widget, monkeypatch):
    until(lambda: not any(thread.name == "kx-export" for thread in threading.enumerate()))
    return View(widget, monkeypatch)


def test_a_view_gets_a_page_and_numbers(view, tmp_path):
    data, error = view.ask(id="a", format="html", column=0)
    assert error == ""
    assert unpack(block_of(json.loads(Parsed(data.decode()).data)))[0]["answers"]
    view.widget.compare = "methods"
    view.widget.wait()
    (tmp_path / "maps.npz").write_bytes(view.ask(id="b", format="npz", column=1)[0])
    assert kx.Explanation.load(tmp_path / "maps.npz").method == view.widget.results[1].method


def test_a_file_comes_in_parts(view, monkeypatch):
    monkeypatch.setattr("kx_widget.widget.downloads.PART_BYTES", 50_000)
    data, _ = view.ask(id="a", format="html", column=0)
    assert len(view.files) > 2
    assert data.decode().rstrip().endswith("</html>")
    assert [content["part"] for content, _ in view.files] == list(range(len(view.files)))


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
    say(view.widget, content)
    # What the first answer still tells may come at any time, also before it.
    until(lambda: any(m["kind"] == "error" for m, _ in list(view.sent)))
    assert [m["gen"] for m, _ in list(view.sent) if m["kind"] == "error"] == [0]
    assert not view.files


def test_a_flood_is_made_by_one_thread_and_beyond_some_refused(view, monkeypatch):
    begun, go_on = threading.Event(), threading.Event()

    def slowly(_):
        begun.set()
        assert go_on.wait(PATIENCE)
        raise kx.KxError("made")

    monkeypatch.setattr(kx.Explanation, "save", lambda *_: slowly(_))
    for n in range(500):
        say(view.widget, {"kind": "export", "id": str(n), "format": "npz", "column": 0})
    assert begun.wait(PATIENCE)
    assert sum(thread.name == "kx-export" for thread in threading.enumerate()) == 1
    refused = [m for m, _ in view.files if "ask again" in m["error"]]
    go_on.set()
    until(lambda: len(view.files) == 500)
    assert 450 < len(refused) < 500
    until(lambda: not any(thread.name == "kx-export" for thread in threading.enumerate()))


def test_a_closed_widget_sends_no_more_parts_and_makes_no_more_files(view, monkeypatch):
    monkeypatch.setattr("kx_widget.widget.downloads.PART_BYTES", 10)
    monkeypatch.setattr("kx_widget.widget.downloads.SECONDS_BETWEEN_PARTS", PATIENCE)
    for name in ("a", "b"):
        say(view.widget, {"kind": "export", "id": name, "format": "npz", "column": 0})
    until(lambda: view.files)
    view.widget.close()
    until(lambda: not any(thread.name == "kx-export" for thread in threading.enumerate()))
    assert [(m["id"], m["part"]) for m, _ in view.files] == [("a", 0)]


def test_nothing_answered_yet_is_said(explainer, monkeypatch):
    _, _, goes_on = stalled(monkeypatch, ModelQuery, "parts")
    with kx.KxWidget(explainer, cases.photos()) as w:
        view = View(w, monkeypatch)
        w.cancel()
        goes_on.set()
        for fmt in ("html", "npz"):
            monkeypatch.setattr(w, "_report", lambda *_: None)
            assert "answered yet" in view.ask(id="a", format=fmt, column=0)[1]
