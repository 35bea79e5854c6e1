"""The two sides of the protocol."""

import json
import subprocess
import sys
import types
import typing
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kx_widget.widget import messages
from kx_widget.widget.messages import validate
from tests import cases
from tests.fixtures import make
from tests.widget.page import PATIENCE, rest, say, stalled

ROOT = Path(__file__).parents[2]


def test_the_front_end_has_these_types():
    command = [sys.executable, "js/write_protocol.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr


def fits(value, hint):
    """Whether a value, once sent as JSON, is of a type of the protocol."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if hint is typing.Any:
        return True
    if typing.is_typeddict(hint):
        return isinstance(value, dict) and all(
            name in value and fits(value[name], part) for name, part in typing.get_type_hints(hint).items()
        )
    if origin is typing.Literal:
        return value in parts
    if origin is list:
        return isinstance(value, list) and all(fits(one, *parts) for one in value)
    if origin is dict:
        return isinstance(value, dict) and all(fits(one, parts[1]) for one in value.values())
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, part) for part in parts)
    return isinstance(value, (int, float) if hint is float else hint)


def test_the_widget_sends_what_the_types_say(widget, browser, monkeypatch):
    browser.open(widget)
    browser.wait(widget)
    # A question that comes while another one is estimated has to wait.
    _, begun, goes_on = stalled(monkeypatch, widget._session._estimates, "by_method")
    widget.target = "dog"
    assert begun.wait(PATIENCE)
    widget.method = "gradients"
    goes_on.set()
    browser.wait(widget)
    rest(widget)
    down = {typing.get_args(typing.get_type_hints(m)["kind"])[0]: m for m in typing.get_args(messages.Down)}
    sent = json.loads(json.dumps(browser.messages))
    for message in sent:
        assert fits(message, down[message["kind"]]), message
    assert {m["kind"] for m in sent} >= {"welcome", "predictions", "queued", "running", "maps", "done"}


UP = typing.get_args(messages.Up)
texts = st.text(max_size=20)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
)
kinds = [sample["kind"] for sample in make.messages()["up"]]
names = sorted({name for message in UP for name in typing.get_type_hints(message)} - {"kind"})
nearly = st.dictionaries(st.sampled_from(names), anything).flatmap(
    lambda fields: st.sampled_from(kinds).map(lambda kind: {**fields, "kind": kind})
)


def test_the_fixture_shared_with_the_front_end_holds_every_message():
    fixture = json.loads((Path(make.__file__).parent / "messages.json").read_text(encoding="utf-8"))
    assert fixture == make.messages()
    for message in fixture["up"]:
        assert validate(message) == message


@given(st.one_of([st.from_type(message) for message in UP]))
def test_every_message_of_a_page_is_read_as_it_was_sent(message):
    assert validate(message) == message
    assert validate(json.loads(json.dumps(message))) == message


@given(st.one_of([st.from_type(message) for message in UP]), st.data())
def test_a_field_that_is_missing_or_of_another_type_makes_it_no_message(message, data):
    name = data.draw(st.sampled_from([name for name in message if name != "kind"]))
    other = data.draw(anything.filter(lambda value: type(value) is not type(message[name])))
    assert validate({**message, name: other}) is None
    del message[name]
    assert validate(message) is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(anything | nearly | st.dictionaries(texts, anything))
def test_whatever_a_page_sends_the_widget_goes_on(widget, browser, content):
    say(widget, content)
    widget.set_state({"target": content})
    rest(widget)
    assert widget.status == "done"
    assert len(widget.result.maps) == len(cases.photos())
