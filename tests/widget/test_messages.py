"""The two sides of the protocol are kept in step."""

import json
import re
import typing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kx_widget.widget import messages
from kx_widget.widget.hearing import read
from tests import cases
from tests.fixtures import make
from tests.widget.page import rest

TWIN = (Path(__file__).parents[2] / "js" / "src" / "messages.ts").read_text()


def fields(text):
    return set(re.findall(r"(\w+)\??:", re.sub(r"/\*.*?\*/", "", text, flags=re.S)))


def twin_of(kind):
    block = re.search(r'\{\s*kind: "' + kind + r'";?(.*?)\}', TWIN, re.S)
    assert block, f"messages.ts does not know {kind!r}"
    return fields(block[1]) | {"kind"}


@pytest.mark.parametrize("side", ["Down", "Up"])
def test_every_message_has_the_same_fields_on_both_sides(side):
    for message in typing.get_args(getattr(messages, side)):
        hints = typing.get_type_hints(message)
        (kind,) = typing.get_args(hints["kind"])
        assert twin_of(kind) == set(hints), kind
    union = re.search(rf"export type {side} =(.*?);\n\n", TWIN, re.S)
    assert union
    kinds = {typing.get_args(typing.get_type_hints(m)["kind"])[0] for m in typing.get_args(getattr(messages, side))}
    assert set(re.findall(r'kind: "(\w+)"', union[1])) == kinds


@pytest.mark.parametrize("name", ["Item", "Column", "Whole", "Thumbnail", "Photo"])
def test_every_record_has_the_same_fields_on_both_sides(name):
    block = re.search(rf"export interface {name} \{{(.*?)\n\}}", TWIN, re.S)
    assert block
    assert fields(block[1]) == set(typing.get_type_hints(getattr(messages, name)))


def test_version_is_the_same():
    assert f"export const VERSION = {messages.VERSION};" in TWIN


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
    fixture = json.loads((Path(make.__file__).parent / "messages.json").read_text())
    assert fixture == make.messages()
    for message in fixture["up"]:
        assert read(message) == message


@given(st.one_of([st.from_type(message) for message in UP]))
def test_every_message_of_a_page_is_read_as_it_was_sent(message):
    assert read(message) == message
    assert read(json.loads(json.dumps(message))) == message


@given(st.one_of([st.from_type(message) for message in UP]), st.data())
def test_a_field_that_is_missing_or_of_another_type_makes_it_no_message(message, data):
    name = data.draw(st.sampled_from([name for name in message if name != "kind"]))
    other = data.draw(anything.filter(lambda value: type(value) is not type(message[name])))
    assert read({**message, name: other}) is None
    del message[name]
    assert read(message) is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(anything | nearly | st.dictionaries(texts, anything))
def test_whatever_a_page_sends_the_widget_goes_on(widget, browser, content):
    widget._heard(None, content, [])
    widget.set_state({"target": content})
    rest(widget)
    assert widget.status == "done"
    assert len(widget.result.maps) == len(cases.photos())
