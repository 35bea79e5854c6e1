"""What is sent, and when: views in sight, frames in flight, messages a second."""

import threading
import time

import numpy as np
import pytest

from kx_widget.widget import outbox as module
from kx_widget.widget.outbox import FRAMES_IN_FLIGHT, MESSAGES_AT_ONCE, MESSAGES_PER_SECOND, Outbox
from tests.widget.page import PATIENCE


class Wire:
    """Keeps what was sent, and lets a test wait for it."""

    def __init__(self):
        self.sent = []
        self.changed = threading.Condition()
        self.outbox = Outbox(self.send, threading.RLock())

    def send(self, message, buffers):
        with self.changed:
            self.sent.append((message, buffers, time.monotonic()))
            self.changed.notify_all()

    def kinds(self):
        return [message["kind"] for message, _, _ in self.sent]

    def wait_for(self, kind):
        with self.changed:
            assert self.changed.wait_for(lambda: kind in self.kinds(), PATIENCE), self.kinds()


@pytest.fixture
def wire(monkeypatch):
    # However busy the machine is, no frame is given up.
    monkeypatch.setattr(module, "SECONDS_UNTIL_LOST", PATIENCE)
    w = Wire()
    yield w
    w.outbox.close()


def tile(image=0, value=0.0, side=2, partial=False):
    item = {"image": image, "column": 0, "partial": partial}
    return item, np.full((side, side), value, np.float32)


def done(gen):
    return {"kind": "done", "gen": gen, "seconds": 0.0}


def test_an_answer_in_its_order(wire):
    wire.outbox.see("view", True)
    wire.outbox.begin(1)
    wire.outbox.tell("running", columns=[])
    wire.outbox.show([tile(0), tile(1)])
    wire.outbox.end(done(1))
    assert wire.kinds() == ["queued", "running", "maps", "done"]
    assert [item["byte_offset"] for item in wire.sent[2][0]["items"]] == [0, 16]


def test_an_end_that_waits_is_void_once_the_question_runs_again(wire):
    wire.outbox.begin(1)
    wire.outbox.end(done(1))
    wire.outbox.tell("running", columns=[])
    wire.outbox.see("view", True)
    assert wire.kinds() == ["running"]


def test_nothing_is_sent_while_no_view_is_visible_and_the_newest_once_one_is(wire):
    wire.outbox.begin(1)
    wire.outbox.show([tile(value=1.0)])
    wire.outbox.begin(2)
    wire.outbox.tell("running", columns=[])
    for n in range(5):
        wire.outbox.tell("progress", done=n, total=5, eta_s=None)
        wire.outbox.show([tile(value=float(n), partial=True)])
    assert wire.sent == []
    wire.outbox.see("view", True)
    assert [(m["kind"], m["gen"]) for m, _, _ in wire.sent] == [("running", 2), ("progress", 2), ("maps", 2)]
    assert wire.sent[1][0]["done"] == 4
    assert np.frombuffer(wire.sent[2][1][0], np.float32)[0] == 4
    wire.outbox.see("view", False)
    wire.outbox.end(done(2))
    assert "done" not in wire.kinds()


def test_errors_are_sent_to_views_out_of_sight_at_the_rate_allowed(wire):
    wire.outbox.begin(1)
    wire.outbox.end(done(1))
    start = time.monotonic()
    for n in range(500):
        wire.outbox.notify({"kind": "error", "gen": n})
    with wire.changed:
        assert wire.changed.wait_for(lambda: wire.sent[-1][0]["gen"] == 499, PATIENCE)
    seconds = time.monotonic() - start
    gens = [m["gen"] for m, _, _ in wire.sent]
    assert gens[:MESSAGES_AT_ONCE] == list(range(MESSAGES_AT_ONCE))
    assert gens == sorted(gens)
    assert set(wire.kinds()) == {"error"}
    assert len(wire.sent) <= MESSAGES_AT_ONCE + 1 + seconds * MESSAGES_PER_SECOND
    wire.outbox.see("view", True)
    wire.wait_for("done")


def test_predictions_wait_for_a_view_and_the_newest_are_told(wire):
    for n in range(3):
        wire.outbox.overview([({"kind": "predictions", "first": 0, "gen": n}, b"")])
    assert wire.sent == []
    wire.outbox.see("view", True)
    assert [m["gen"] for m, _, _ in wire.sent] == [2]


def test_one_view_in_sight_of_two_is_enough(wire):
    wire.outbox.see("a", True)
    wire.outbox.see("b", True)
    wire.outbox.see("a", False)
    wire.outbox.begin(1)
    assert wire.kinds() == ["queued"]


def test_what_is_told_anew_is_dropped_and_what_single_views_asked_for_is_not(wire):
    wire.outbox.begin(1)
    wire.outbox.tell("running", columns=[])
    wire.outbox.tell("costs", seconds={})
    wire.outbox.painted({"view": "a", "asked": 1}, b"")
    wire.outbox.thumbnails({"kind": "thumbnails", "key": "k", "image": 0, "column": 0, "items": [{"layer": "x"}]}, [])
    wire.outbox.show([tile()])
    wire.outbox.end(done(1))
    wire.outbox.begin_again(maps=False)
    wire.outbox.see("view", True)
    assert sorted(wire.kinds()) == ["maps", "painted", "thumbnails"]
    wire.outbox.see("view", False)
    wire.outbox.show([tile()])
    wire.outbox.begin_again(maps=True)
    wire.outbox.see("view", True)
    assert len(wire.sent) == 3


def test_frames_wait_for_acknowledgement_and_the_end_for_the_frames(wire, monkeypatch):
    monkeypatch.setattr(module, "LARGEST_FRAME", 3000)
    wire.outbox.see("view", True)
    wire.outbox.begin(1)
    wire.outbox.show([tile(image, side=20) for image in range(5)])
    wire.outbox.end(done(1))
    assert wire.kinds() == ["queued", *["maps"] * FRAMES_IN_FLIGHT]
    for seq in (1, 2, 3):
        wire.outbox.acknowledge(seq)
    assert wire.kinds() == ["queued", *["maps"] * 5, "done"]
    assert all(len(buffers[0]) <= 3000 for m, buffers, _ in wire.sent if m["kind"] == "maps")
    assert [item["image"] for m, _, _ in wire.sent for item in m.get("items", [])] == [0, 1, 2, 3, 4]


def test_a_map_in_waiting_gives_way_to_its_successor(wire):
    wire.outbox.see("view", True)
    wire.outbox.begin(1)
    for n in range(10):
        wire.outbox.show([tile(value=float(n), partial=True)])
    assert wire.kinds().count("maps") == FRAMES_IN_FLIGHT
    wire.outbox.acknowledge(1)
    assert np.frombuffer(wire.sent[-1][1][0], np.float32)[0] == 9


def test_a_new_page_takes_no_account_of_what_the_old_one_owed(wire):
    wire.outbox.see("old", True)
    wire.outbox.begin(1)
    for n in range(3):
        wire.outbox.show([tile(value=float(n))])
    wire.outbox.greet("new", [])
    wire.outbox.see("new", True)
    assert wire.kinds().count("maps") == 3


def test_frames_that_nobody_acknowledges_are_given_up_after_a_while(wire, monkeypatch):
    monkeypatch.setattr(module, "SECONDS_UNTIL_LOST", 0.1)
    wire.outbox.see("view", True)
    wire.outbox.begin(1)
    for n in range(3):
        wire.outbox.show([tile(value=float(n))])
    wire.outbox.end(done(1))
    wire.wait_for("done")
    assert wire.kinds().count("maps") == 3


def test_while_a_cell_keeps_the_kernel_from_hearing_each_of_its_questions_is_sent(wire):
    wire.outbox.see("view", True)
    for gen in range(1, 6):
        wire.outbox.begin(gen, deaf=True)
        wire.outbox.show([tile(value=float(gen))])
        wire.outbox.end(done(gen))
        with wire.changed:
            assert wire.changed.wait_for(lambda gen=gen: wire.sent[-1][0] == done(gen), PATIENCE)
    assert [m["gen"] for m, _, _ in wire.sent if m["kind"] == "maps"] == [1, 2, 3, 4, 5]
    wire.outbox.hear()
    assert not wire.outbox.is_deaf
    before = wire.kinds().count("maps")
    for n in range(4):
        wire.outbox.show([tile(value=float(n))])
    assert wire.kinds().count("maps") <= before + FRAMES_IN_FLIGHT


def test_a_deaf_kernel_sends_no_faster_than_its_patience(wire):
    wire.outbox.see("view", True)
    wire.outbox.begin(1, deaf=True)
    start = time.monotonic()
    for n in range(4):
        wire.outbox.show([tile(value=float(n))])
        with wire.changed:
            assert wire.changed.wait_for(lambda n=n: wire.kinds().count("maps") > n, PATIENCE)
    assert time.monotonic() - start > 0.9 * module.SECONDS_WHILE_DEAF


def test_a_storm_of_questions_is_told_at_the_rate_allowed_and_ends_with_the_last(wire):
    wire.outbox.see("view", True)
    start = time.monotonic()
    for gen in range(1, 501):
        wire.outbox.begin(gen)
        wire.outbox.tell("running", columns=[])
        wire.outbox.show([tile(value=float(gen))])
        wire.outbox.end(done(gen))
        for seq in list(wire.outbox._in_flight):
            wire.outbox.acknowledge(seq)
    with wire.changed:
        assert wire.changed.wait_for(lambda: wire.sent[-1][0] == done(500), PATIENCE)
    allowed = MESSAGES_AT_ONCE + MESSAGES_PER_SECOND * (time.monotonic() - start) + 1
    assert len(wire.sent) <= allowed
    # A message may become allowed at any moment: that the last question waits is told only where one does then.
    last = [m["kind"] for m, _, _ in wire.sent if m["gen"] == 500 and m["kind"] != "queued"]
    assert last == ["running", "maps", "done"]


def test_answers_that_nobody_asked_for_come_last_and_go_with_the_question(wire):
    wire.outbox.see("view", True)
    wire.outbox.begin(1)
    for n in range(3):
        wire.outbox.show([tile(value=float(n))])
    for n in range(2):
        wire.outbox.prefetched({"key": f"k{n}"}, [tile(), tile(1)])
    assert wire.kinds() == ["queued", "maps", "maps"]
    wire.outbox.acknowledge(1)
    assert wire.kinds()[3:] == ["maps"]
    wire.outbox.acknowledge(2)
    message, buffers, _ = wire.sent[-1]
    assert [[item["byte_offset"] for item in answer["items"]] for answer in message["answers"]] == [[0, 16], [32, 48]]
    assert len(buffers[0]) == 64
    wire.outbox.prefetched({"key": "late"}, [tile()])
    wire.outbox.begin(2)
    for seq in (3, 4):
        wire.outbox.acknowledge(seq)
    assert wire.kinds()[4:] == ["ahead", "queued"]
    assert [wire.outbox.has(key) for key in ("k0", "k1", "late")] == [True, True, False]


def test_what_a_view_has_is_what_it_says_and_what_it_was_told(wire):
    wire.outbox.greet("view", ["old"])
    assert wire.outbox.has("old")
    wire.outbox.begin(1)
    wire.outbox.end(done(1), "new")
    assert wire.outbox.has("new")
    wire.outbox.greet("reloaded", [])
    assert not wire.outbox.has("old")
    assert not wire.outbox.has("new")


def test_a_large_answer_is_not_told_unasked(wire):
    wire.outbox.see("view", True)
    wire.outbox.prefetched({"key": "k"}, [tile(side=600)])
    assert not wire.outbox.has("k")
    assert wire.sent == []


def test_what_comes_unasked_is_one_frame_s_worth_a_question(wire):
    for n in range(4):
        wire.outbox.prefetched({"key": f"k{n}"}, [tile(side=350)])
    wire.outbox.see("view", True)
    assert [answer["key"] for message, _, _ in wire.sent for answer in message["answers"]] == ["k0", "k1"]


@pytest.mark.parametrize("kind", ["welcome", "error"])
def test_a_flood_of_greetings_or_errors_is_told_at_the_rate_allowed_and_deafens_nobody(wire, kind):
    start = time.monotonic()
    wire.outbox.see("view", True)
    for n in range(20_000):
        wire.outbox.notify({"kind": kind, "gen": n})
    wire.outbox.begin(1)
    wire.outbox.end(done(1))
    wire.wait_for("done")
    seconds = time.monotonic() - start
    assert len(wire.sent) <= MESSAGES_AT_ONCE + 1 + seconds * MESSAGES_PER_SECOND
    assert [m["gen"] for m, _, _ in wire.sent if m["kind"] == kind][-1] == 19_999


def test_thumbnails_of_another_answer_take_the_place_of_those_that_wait(wire):
    def part(key, *layers):
        items = [{"layer": path} for path in layers]
        return {"kind": "thumbnails", "key": key, "image": 0, "column": 0, "items": items}

    for message in (part("a", "x"), part("a", "y"), part("b", "x"), part("b", "y"), part("b", "x", "y")):
        wire.outbox.thumbnails(message, [b""])
    wire.outbox.see("view", True)
    assert [[item["layer"] for item in m["items"]] for m, _, _ in wire.sent] == [["y"], ["x", "y"]]


def test_closed_it_is_silent(wire):
    wire.outbox.see("view", True)
    wire.outbox.close()
    wire.outbox.begin(1)
    wire.outbox.end(done(1))
    assert wire.sent == []


def test_closed_it_drops_errors_that_wait(wire, monkeypatch):
    # No further one becomes allowed meanwhile.
    monkeypatch.setattr(module, "MESSAGES_PER_SECOND", 1e-3)
    for n in range(MESSAGES_AT_ONCE + 3):
        wire.outbox.notify({"kind": "error", "gen": n})
    wire.outbox.close()
    wire.outbox.see("view", True)
    assert len(wire.sent) == MESSAGES_AT_ONCE
