"""Writes the front end's types of the protocol from Python's: `python js/write_protocol.py`.

With `--check` nothing is written; the exit code is 1 where the file is not what would be written.
"""

import inspect
import json
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

ROOT = Path(__file__).parents[1]
PROTOCOL = ROOT / "js" / "src" / "kernel" / "protocol.ts"
HEAD = """\
/**
 * The protocol between kernel and page, written by `python js/write_protocol.py` from
 * `kx_widget/widget/messages.py`, which is where to change it.
 */
"""
LINE = 120
PLAIN = {int: "number", float: "number", str: "string", bool: "boolean", type(None): "null", Any: "unknown"}


def source(messages: types.ModuleType) -> str:
    """The TypeScript of all typed dictionaries of the messages, and what `parse` needs to check a message."""
    names = dict.fromkeys(value.__module__ for value in vars(messages).values() if is_typeddict(value))
    records = [value for name in names for value in vars(sys.modules[name]).values() if _is_record(value, name)]
    sides = [f"export type {side} = {_type(getattr(messages, side))};\n" for side in ("Down", "Up")]
    sides.append('export type Message<Kind extends (Down | Up)["kind"]> = Extract<Down | Up, { kind: Kind }>;\n')
    return "\n".join(
        [HEAD, f"export const VERSION = {messages.VERSION};\n", *map(_interface, records), *sides, _fields(messages)]
    )


def _is_record(value: Any, module: str) -> bool:
    return is_typeddict(value) and value.__module__ == module


def _interface(record: Any) -> str:
    text = inspect.getdoc(record) or ""
    comment = f"/** {text} */" if "\n" not in text else "\n".join(["/**", *_starred(text), " */"])
    optional: frozenset[str] = record.__optional_keys__
    hints = get_type_hints(record).items()
    fields = [f"{name}{'?' if name in optional else ''}: {_type(hint)};" for name, hint in hints]
    head = f"export interface {record.__name__} {{"
    line = f"{head} {' '.join(fields)} }}"
    lines = [line] if len(line) <= LINE else [head, *(f"  {field}" for field in fields), "}"]
    return "\n".join([comment, *lines, ""])


def _starred(text: str) -> Iterator[str]:
    return (f" * {line}".rstrip() for line in text.splitlines())


def _type(hint: Any) -> str:
    """A Python type as TypeScript has it in JSON."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Literal:
        return " | ".join(json.dumps(part) for part in parts)
    if origin in (Union, types.UnionType):
        return " | ".join(map(_type, parts))
    if origin is list:
        inner = _type(parts[0])
        return f"({inner})[]" if " | " in inner else f"{inner}[]"
    if origin is dict:
        return f"Record<{_type(parts[0])}, {_type(parts[1])}>"
    return hint.__name__ if is_typeddict(hint) else PLAIN[getattr(hint, "__supertype__", hint)]


def _fields(messages: types.ModuleType) -> str:
    """What the kernel's messages must hold, field by field; null is allowed where it is not listed."""
    lines: list[str] = []
    for message in get_args(messages.Down):
        hints = get_type_hints(message)
        (kind,) = get_args(hints.pop("kind"))
        checks = (f"{name}: {json.dumps(check)}" for name, hint in hints.items() if (check := _check(hint)))
        lines.append(f"  {kind}: {{ {', '.join(checks)} }},")
    comment = "/** What fields the kernel's messages must have; those that may be null are not listed. */"
    kinds = '"number" | "string" | "boolean" | "list" | "object"'
    return "\n".join(
        [
            comment,
            f'export const FIELDS: Readonly<Record<Down["kind"], Readonly<Record<string, {kinds}>>>> = {{',
            *lines,
            "};",
            "",
        ]
    )


def _check(hint: Any) -> str | None:
    if get_origin(hint) is list:
        return "list"
    if get_origin(hint) is dict or is_typeddict(hint):
        return "object"
    return PLAIN.get(hint)


def main() -> int:
    """Write the file, or check it."""
    sys.path.insert(0, str(ROOT))
    from kx_widget.widget import messages

    text = source(messages)
    if "--check" not in sys.argv:
        PROTOCOL.write_text(text, encoding="utf-8", newline="\n")
    elif PROTOCOL.read_text(encoding="utf-8") != text:
        print(f"{PROTOCOL.relative_to(ROOT)} is out of date: run `python js/write_protocol.py`.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
