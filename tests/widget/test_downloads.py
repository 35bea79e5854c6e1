"""Files that the page asks for."""

import json
import threading

import pytest

import kx_widget as kx
from tests import cases
from tests.widget.page import say, until
from tests.widget.saved import HOSTILE, Parsed, block_of, unpack

CLASS_NAMES = HOSTILE


class View:
    """Asks for files as a browser does."""

    def __init__(self, widget, monkeypatch):
        self.widget, self.sent = widget, []
        monkeypatch.setattr(kx.KxWidget, "send", lambda _, content, buffers=None: self.sent.append((content, buffers)))

    def ask(self, **content):
        self.sent.clear()
        say(self.widget, {"kind": "export", **content})
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
    assert unpack(block_of(json.loads(Parsed(data.decode()).data)))[0]["answers"]
    view.widget.compare = "methods"
    view.widget.wait()
    (tmp_path / "maps.npz").write_bytes(view.ask(id="b", format="npz", column=1)[0])
    assert kx.Explanation.load(tmp_path / "maps.npz").method == view.widget.results[1].method


def test_a_file_comes_in_parts(view, monkeypatch):
    monkeypatch.setattr("kx_widget.widget.downloads.PART_BYTES", 50_000)
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
    say(view.widget, content)
    # What the first answer still tells may come at any time.
    assert [m["gen"] for m, _ in view.sent if m["kind"] == "error"] == [0]
    assert not any(m["kind"] == "file" for m, _ in view.sent)


def test_a_flood_is_made_by_one_thread_and_beyond_some_refused(view, monkeypatch):
    begun, go_on = threading.Event(), threading.Event()

    def slowly(_):
        begun.set()
        assert go_on.wait(20)
        raise kx.KxError("made")

    monkeypatch.setattr(kx.Explanation, "save", lambda *_: slowly(_))
    view.sent.clear()
    for n in range(500):
        say(view.widget, {"kind": "export", "id": str(n), "format": "npz", "column": 0})
    assert begun.wait(20)
    assert sum(thread.name == "kx-export" for thread in threading.enumerate()) == 1
    refused = [m for m, _ in view.sent if "ask again" in m.get("error", "")]
    go_on.set()
    until(lambda: sum(m["kind"] == "file" for m, _ in view.sent) == 500)
    assert 450 < len(refused) < 500
    until(lambda: not any(thread.name == "kx-export" for thread in threading.enumerate()))


def test_a_closed_widget_sends_no_more_parts_and_makes_no_more_files(view, monkeypatch):
    monkeypatch.setattr("kx_widget.widget.downloads.PART_BYTES", 10)
    monkeypatch.setattr("kx_widget.widget.downloads.SECONDS_BETWEEN_PARTS", 20)
    for name in ("a", "b"):
        say(view.widget, {"kind": "export", "id": name, "format": "npz", "column": 0})
    until(lambda: any(m["kind"] == "file" for m, _ in view.sent))
    view.widget.close()
    until(lambda: not any(thread.name == "kx-export" for thread in threading.enumerate()), 5)
    assert [(m["id"], m["part"]) for m, _ in view.sent if m["kind"] == "file"] == [("a", 0)]


def test_nothing_answered_yet_is_said(explainer, monkeypatch):
    with kx.KxWidget(explainer, cases.photos(), params={"smooth": {"repetitions": 1000}}) as w:
        view = View(w, monkeypatch)
        w.cancel()
        for fmt in ("html", "npz"):
            monkeypatch.setattr(w, "_report", lambda *_: None)
            assert "answered yet" in view.ask(id="a", format=fmt, column=0)[1]
