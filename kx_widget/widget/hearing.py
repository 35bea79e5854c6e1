"""What came from a browser -> a message, or nothing."""

from typing import Any, get_args, get_type_hints

from kx_widget.widget.messages import Up

MOST = 1000


def read(content: Any) -> dict[str, Any] | None:
    """A message from the browser, or None where it is none of those above."""
    if not isinstance(content, dict):
        return None
    for message in get_args(Up):
        fields = get_type_hints(message)
        if content.get("kind") == get_args(fields.pop("kind"))[0]:
            return content if all(_fits(content.get(name), hint) for name, hint in fields.items()) else None
    return None


def _fits(value: Any, hint: Any) -> bool:
    if hint in (list[str], list[int]):
        return isinstance(value, list) and len(value) <= MOST and all(_fits(v, *get_args(hint)) for v in value)
    return type(value) is hint and (hint is not str or len(value) <= MOST)
