"""A page without a browser: hears what a widget sends, answers as a view does, keeps what would be drawn."""

import threading
import time
from contextlib import contextmanager

import kx_widget as kx
from kx_widget.engine.graph.compiled import Functions
from kx_widget.widget.messages import VERSION
from tests.widget.decode import decode

ENDS = ("done", "cancelled", "error")


# However busy the machine is.
PATIENCE = 300


def until(condition, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        threading.Event().wait(0.005)


def say(widget, content):
    """Send a message over the widget's comm, as a browser does."""
    widget.comm.handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})


class Page:
    """One view of one widget at a time; `maps` are those on the screen, by image and column."""

    def __init__(self, monkeypatch):
        self.messages, self.maps, self.gen, self.over = [], {}, 0, False
        self.thumbnails, self.key, self.answers = {}, "", {}
        self.shelf, self.pictures, self.crops, self.covered = [], {}, [], []
        self.painted, self.segmentations, self.detected, self.concepts = [], [], {}, []
        monkeypatch.setattr(kx.KxWidget, "send", lambda w, content, buffers=None: self.heard(w, content, buffers))

    def open(self, widget, have=()):
        self.say(widget, "hello", version=VERSION, view="view", have=list(have))
        return widget

    def say(self, widget, kind, **fields):
        say(widget, {"kind": kind, **fields})

    def heard(self, widget, content, buffers):
        self.messages.append(content)
        kind, gen = content["kind"], content.get("gen", 0)
        if kind in ("queued", "running", *ENDS) and gen > self.gen:
            # The number last: who waits in another thread looks at both.
            self.over, self.maps, self.gen = False, {}, gen
        if kind == "running":
            self.key = content["key"]
            if content["held"]:
                self.maps = dict(self.answers.get(self.key, {}))
        if kind == "maps" and gen == self.gen:
            self.maps.update(taken(content["items"], buffers))
        if kind == "ahead":
            self.answers.update({a["key"]: taken(a["items"], buffers) for a in content["answers"]})
        if kind in ENDS and gen == self.gen:
            self.over = True
        if kind == "done" and gen == self.gen:
            self.answers[self.key] = dict(self.maps)
        if kind == "shelf":
            self.shelf.append((content, buffers[0]))
        if kind == "pictures":
            assert len(buffers[0]) <= 1_000_000
            for item in content["items"]:
                at, size = item["byte_offset"], item["byte_length"]
                self.pictures[item["image"]] = (item, buffers[0][at : at + size])
        if kind == "crop":
            self.crops.append((content, buffers[0]))
        if kind == "covered":
            self.covered.append((content, buffers[0]))
        if kind == "painted":
            self.painted.append((content, buffers[0]))
        if kind == "detected":
            self.detected.update({item["image"]: item["boxes"] for item in content["items"]})
        if kind == "segmentation":
            self.segmentations.append((content, buffers[0]))
        if kind == "concepts":
            self.concepts.append((content, buffers))
        if kind == "thumbnails":
            self.key = content["key"]
            self.thumbnails.update({item["layer"]: decode(item, buffers[0]) for item in content["items"]})
        # Last: what waits for it comes within this call, and finds all that came before.
        if kind in ("maps", "ahead", "pictures"):
            self.say(widget, "ack", seq=content["seq"])

    def kinds(self):
        return [m["kind"] for m in self.messages]

    def wait(self, widget):
        """The answer, once the page has it too."""
        result = widget.wait(PATIENCE)
        until(lambda: self.gen == widget._session._latest.current.gen and self.over)
        return result


def rest(widget):
    """Wait until the worker has nothing more to do, and nothing that could be sent waits for its turn."""
    session = widget._session

    def is_at_rest():
        # While it sends, no timer is set, and what is sent may give the worker something to do.
        with session.outbox.lock:
            return session.outbox._timer is None and not session._worker.busy

    until(is_at_rest)


def follow_streams(widget):
    """How many images and columns each question is about that the engine answers from now on."""
    streamed, parts = [], widget._answers.ask

    def ask_and_follow(traits):
        query = parts(traits)
        stream = query._stream

        def follow(question, left, *others):
            if left is not None:
                shape = len(left.question.images.batch), len(left.question.columns.texts)
                streamed.append(shape)
            return stream(question, left, *others)

        query._stream = follow
        return query

    widget._answers.ask = ask_and_follow
    return streamed


def stalled(monkeypatch, owner, name, call=1):
    """Make a function wait, from this call on: its calls so far, and events that one waits and that all may go on."""
    calls, waits, goes_on, function = [], threading.Event(), threading.Event(), getattr(owner, name)

    def slowly(*arguments, **keywords):
        calls.append(arguments)
        if len(calls) >= call:
            waits.set()
            assert goes_on.wait(PATIENCE)
        return function(*arguments, **keywords)

    monkeypatch.setattr(owner, name, slowly)
    return calls, waits, goes_on


@contextmanager
def rationed(monkeypatch, widget, name, calls):
    """Let a compiled function of the model be called so often once the widget rests.

    Further calls wait until the semaphore that is given is released, and in the end all go on: no test is too late to
    meet a question of many passes.
    """
    rest(widget)
    permits, function = threading.Semaphore(calls), getattr(Functions, name)

    def slowly(*arguments, **keywords):
        assert permits.acquire(timeout=PATIENCE)
        return function(*arguments, **keywords)

    monkeypatch.setattr(Functions, name, slowly)
    yield permits
    permits.release(10**4)


def taken(items, buffers):
    return {(item["image"], item["column"]): (item, decode(item, buffers[0])) for item in items}
