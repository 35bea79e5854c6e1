"""What a page must not be able to do."""

import json

import pytest

from tests.widget.page import rest, say, until

HOSTILE = [
    *(None, 3, [], {}, {"kind": 7}, {"kind": "want"}, {"kind": "cancel", "gen": "x"}, {"kind": "nobody"}, "hello"),
    *({"kind": "hello", "version": 1, "view": "x", "have": have} for have in (None, [1], ["k"] * 10**4, "k", {})),
    *({"kind": "ack", "seq": seq} for seq in (None, True, 1.5, [1])),
    {"kind": "seen", "view": "x" * 10**6, "visible": True},
    {"kind": "seen", "view": "x", "visible": "yes"},
    *({"kind": "look", "gen": 1, "pictures": look, "maps": []} for look in (None, ["0"], [True], [0] * 10**4)),
    {"kind": "want", "gen": 1, "image": "../../etc/passwd", "column": 0, "have": ""},
]


@pytest.mark.parametrize("content", HOSTILE, ids=lambda c: repr(c)[:50])
def test_what_is_no_message_is_refused(widget, browser, content):
    rest(widget)
    before = widget.explainer.counts
    browser.messages.clear()
    say(widget, content)
    until(lambda: "error" in browser.kinds())
    (message,) = (message for message in browser.messages if message["kind"] == "error")
    assert message["gen"] == 0
    assert len(message["message"]) < 300
    assert (widget.status, widget.explainer.counts) == ("done", before)


@pytest.mark.parametrize(
    "state",
    [
        {"target": 10**9}, {"target": [1]}, {"layer": "../../etc/passwd"}, {"layer": ["stem"]}, {"method": {"a": 1}},
        {"params": {"smooth": {"repetitions": 10**9}}}, {"params": {"channels": 1}}, {"params": []},
        {"compare": "targets", "compare_with": [10**9]}, {"compare_with": "dog"}, {"selected": [10**9]},
        {"target": -1}, {"compare": "targets", "compare_with": [-1]}, {"compare_with": ["dog"] * 10**6}, {"_esm": "1"},
        {"_snapshot": b""}, {"layer": "x" * 10**6}, {"method": "x" * 10**6}, {"target": "x" * 10**6},
        {"params": {"x" * 10**6: 1}}, {"colormap": "x" * 10**6}, {"status": "done"}, {"error": "<b>"},
        {"selected": [-1]}, {"opacity": float("nan")}, {"_images": []}, {"labels": [0] * 10**5}, {"theme": 3},
    ],
    ids=lambda s: repr(s)[:50],
)  # fmt: skip
def test_hostile_values_are_refused_and_nothing_is_computed(widget, browser, state):
    rest(widget)
    before, traits = widget.explainer.counts, {name: getattr(widget, name) for name in state if name != "compare"}
    browser.messages.clear()
    widget.set_state(state)
    until(lambda: "error" in browser.kinds())
    assert all(len(json.dumps(message)) < 100_000 for message in browser.messages)
    rest(widget)
    assert {name: getattr(widget, name) for name in traits} == traits
    if "compare" not in state:
        assert widget.explainer.counts == before


def test_a_view_out_of_sight_is_told_at_once_why_its_value_was_refused(widget, browser):
    rest(widget)
    browser.say(widget, "seen", view="view", visible=False)
    browser.messages.clear()
    widget.set_state({"target": "wolf"})
    widget.target = "dog"
    rest(widget)
    assert browser.kinds() == ["error"]
    browser.say(widget, "seen", view="view", visible=True)
    assert "error" not in browser.kinds()[1:]


def test_the_code_behind_an_app_stays_in_the_kernel(widget, browser, monkeypatch):
    rest(widget)
    browser.messages.clear()
    widget.set_state({"target": "wolf"})
    until(lambda: browser.messages)
    assert "Traceback" in browser.messages[-1]["traceback"]
    monkeypatch.setenv("VOILA_REQUEST_URL", "http://127.0.0.1/voila")
    browser.messages.clear()
    widget.set_state({"target": "wolf"})
    until(lambda: browser.messages)
    assert browser.messages[-1]["message"].startswith("There is no class 'wolf'")
    assert browser.messages[-1]["traceback"] == ""
