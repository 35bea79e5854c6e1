"""The two sides of the protocol are kept in step."""

import re
import typing
from pathlib import Path

import pytest

from kx_widget.widget import messages

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
