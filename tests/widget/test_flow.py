"""What is sent, and when: views in sight, frames in flight, messages a second."""

import threading
import time

import numpy as np
import pytest

from kx_widget.widget import flow as module
from kx_widget.widget.flow import FRAMES_IN_FLIGHT, MESSAGES_AT_ONCE, MESSAGES_PER_SECOND, Flow


class Wire:
    """Keeps what was sent, and lets a test wait for it."""

    def __init__(self):
        self.sent = []
        self.changed = threading.Condition()
        self.flow = Flow(self.send, threading.RLock())

    def send(self, message, buffers):
        with self.changed:
            self.sent.append((message, buffers, time.monotonic()))
            self.changed.notify_all()

    def kinds(self):
        return [message["kind"] for message, _, _ in self.sent]

    def wait_for(self, kind, seconds=10):
        with self.changed:
            assert self.changed.wait_for(lambda: kind in self.kinds(), seconds), self.kinds()


@pytest.fixture
def wire():
    w = Wire()
    yield w
    w.flow.close()


def tile(image=0, value=0.0, side=2, partial=False):
    item = {"image": image, "column": 0, "partial": partial}
    return item, np.full((side, side), value, np.float32)


def done(gen):
    return {"kind": "done", "gen": gen, "seconds": 0.0}


def test_an_answer_in_its_order(wire):
    wire.flow.see("view", True)
    wire.flow.begin(1)
    wire.flow.tell("running", columns=[])
    wire.flow.show([tile(0), tile(1)])
    wire.flow.end(done(1))
    assert wire.kinds() == ["queued", "running", "maps", "done"]
    assert [item["byte_offset"] for item in wire.sent[2][0]["items"]] == [0, 16]


def test_nothing_is_sent_while_no_view_is_visible_and_the_newest_once_one_is(wire):
    wire.flow.begin(1)
    wire.flow.show([tile(value=1.0)])
    wire.flow.begin(2)
    wire.flow.tell("running", columns=[])
    for n in range(5):
        wire.flow.tell("progress", done=n, total=5, eta_s=None)
        wire.flow.show([tile(value=float(n), partial=True)])
    assert wire.sent == []
    wire.flow.see("view", True)
    assert [(m["kind"], m["gen"]) for m, _, _ in wire.sent] == [("running", 2), ("progress", 2), ("maps", 2)]
    assert wire.sent[1][0]["done"] == 4
    assert np.frombuffer(wire.sent[2][1][0], np.float32)[0] == 4
    wire.flow.see("view", False)
    wire.flow.end(done(2))
    assert "done" not in wire.kinds()


def test_predictions_wait_for_a_view_and_the_newest_are_told(wire):
    for n in range(3):
        wire.flow.predict([({"kind": "predictions", "first": 0, "gen": n}, b"")])
    assert wire.sent == []
    wire.flow.see("view", True)
    assert [m["gen"] for m, _, _ in wire.sent] == [2]


def test_one_view_in_sight_of_two_is_enough(wire):
    wire.flow.see("a", True)
    wire.flow.see("b", True)
    wire.flow.see("a", False)
    wire.flow.begin(1)
    assert wire.kinds() == ["queued"]


def test_frames_wait_for_acknowledgement_and_the_end_for_the_frames(wire, monkeypatch):
    monkeypatch.setattr(module, "LARGEST_FRAME", 3000)
    wire.flow.see("view", True)
    wire.flow.begin(1)
    wire.flow.show([tile(image, side=20) for image in range(5)])
    wire.flow.end(done(1))
    assert wire.kinds() == ["queued", *["maps"] * FRAMES_IN_FLIGHT]
    for seq in (1, 2, 3):
        wire.flow.acknowledge(seq)
    assert wire.kinds() == ["queued", *["maps"] * 5, "done"]
    assert all(len(buffers[0]) <= 3000 for m, buffers, _ in wire.sent if m["kind"] == "maps")
    assert [item["image"] for m, _, _ in wire.sent for item in m.get("items", [])] == [0, 1, 2, 3, 4]


def test_a_map_in_waiting_gives_way_to_its_successor(wire):
    wire.flow.see("view", True)
    wire.flow.begin(1)
    for n in range(10):
        wire.flow.show([tile(value=float(n), partial=True)])
    assert wire.kinds().count("maps") == FRAMES_IN_FLIGHT
    wire.flow.acknowledge(1)
    assert np.frombuffer(wire.sent[-1][1][0], np.float32)[0] == 9


def test_a_new_page_takes_no_account_of_what_the_old_one_owed(wire):
    wire.flow.see("old", True)
    wire.flow.begin(1)
    for n in range(3):
        wire.flow.show([tile(value=float(n))])
    wire.flow.greet("new", [])
    wire.flow.see("new", True)
    assert wire.kinds().count("maps") == 3


def test_frames_that_nobody_acknowledges_are_given_up_after_a_while(wire, monkeypatch):
    monkeypatch.setattr(module, "SECONDS_UNTIL_LOST", 0.1)
    wire.flow.see("view", True)
    wire.flow.begin(1)
    for n in range(3):
        wire.flow.show([tile(value=float(n))])
    wire.flow.end(done(1))
    wire.wait_for("done")
    assert wire.kinds().count("maps") == 3


def test_a_storm_of_questions_is_told_at_the_rate_allowed_and_ends_with_the_last(wire):
    wire.flow.see("view", True)
    start = time.monotonic()
    for gen in range(1, 501):
        wire.flow.begin(gen)
        wire.flow.tell("running", columns=[])
        wire.flow.show([tile(value=float(gen))])
        wire.flow.end(done(gen))
        wire.flow.acknowledge(wire.flow._seq)
    with wire.changed:
        assert wire.changed.wait_for(lambda: wire.sent[-1][0] == done(500), 20)
    allowed = MESSAGES_AT_ONCE + MESSAGES_PER_SECOND * (time.monotonic() - start) + 1
    assert len(wire.sent) <= allowed
    last = [m for m, _, _ in wire.sent if m["gen"] == 500]
    assert [m["kind"] for m in last] == ["running", "maps", "done"]


def test_answers_that_nobody_asked_for_come_last_and_go_with_the_question(wire):
    wire.flow.see("view", True)
    wire.flow.begin(1)
    for n in range(3):
        wire.flow.show([tile(value=float(n))])
    for n in range(2):
        wire.flow.look_ahead({"key": f"k{n}"}, [tile(), tile(1)])
    assert wire.kinds() == ["queued", "maps", "maps"]
    wire.flow.acknowledge(1)
    assert wire.kinds()[3:] == ["maps"]
    wire.flow.acknowledge(2)
    message, buffers, _ = wire.sent[-1]
    assert [[item["byte_offset"] for item in answer["items"]] for answer in message["answers"]] == [[0, 16], [32, 48]]
    assert len(buffers[0]) == 64
    wire.flow.look_ahead({"key": "late"}, [tile()])
    wire.flow.begin(2)
    for seq in (3, 4):
        wire.flow.acknowledge(seq)
    assert wire.kinds()[4:] == ["ahead", "queued"]
    assert [wire.flow.has(key) for key in ("k0", "k1", "late")] == [True, True, False]


def test_what_a_view_has_is_what_it_says_and_what_it_was_told(wire):
    wire.flow.greet("view", ["old"])
    assert wire.flow.has("old")
    wire.flow.begin(1)
    wire.flow.end(done(1), "new")
    assert wire.flow.has("new")
    wire.flow.greet("reloaded", [])
    assert not wire.flow.has("old")
    assert not wire.flow.has("new")


def test_a_large_answer_is_not_told_unasked(wire):
    wire.flow.see("view", True)
    wire.flow.look_ahead({"key": "k"}, [tile(side=600)])
    assert not wire.flow.has("k")
    assert wire.sent == []


def test_what_comes_unasked_is_one_frame_s_worth_a_question(wire):
    for n in range(4):
        wire.flow.look_ahead({"key": f"k{n}"}, [tile(side=350)])
    wire.flow.see("view", True)
    assert [answer["key"] for message, _, _ in wire.sent for answer in message["answers"]] == ["k0", "k1"]


@pytest.mark.parametrize("kind", ["welcome", "error"])
def test_a_flood_of_greetings_or_errors_is_told_at_the_rate_allowed_and_deafens_nobody(wire, kind):
    wire.flow.see("view", True)
    for n in range(20_000):
        wire.flow.notify({"kind": kind, "gen": n})
    wire.flow.begin(1)
    wire.flow.end(done(1))
    wire.wait_for("done", 3)
    assert len(wire.sent) <= MESSAGES_AT_ONCE + 3 * MESSAGES_PER_SECOND
    assert [m["gen"] for m, _, _ in wire.sent if m["kind"] == kind][-1] == 19_999


def test_thumbnails_of_another_answer_take_the_place_of_those_that_wait(wire):
    def part(key, *layers):
        items = [{"layer": path} for path in layers]
        return {"kind": "thumbnails", "key": key, "image": 0, "column": 0, "items": items}

    for message in (part("a", "x"), part("a", "y"), part("b", "x"), part("b", "y"), part("b", "x", "y")):
        wire.flow.thumbnails(message, [b""])
    wire.flow.see("view", True)
    assert [[item["layer"] for item in m["items"]] for m, _, _ in wire.sent] == [["y"], ["x", "y"]]


def test_closed_it_is_silent(wire):
    wire.flow.see("view", True)
    wire.flow.close()
    wire.flow.begin(1)
    wire.flow.end(done(1))
    assert wire.sent == []
