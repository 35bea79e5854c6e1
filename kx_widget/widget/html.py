"""One file that shows the widget in any browser: bundle, pictures and maps inside, nothing to be fetched."""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import anywidget

from kx_widget.engine.errors import KxError

FOLDER = Path(__file__).parent
BUNDLE = FOLDER / "static" / "widget.js"
FRAME_BYTES = 20_000
# Traits that a widget of any kind has; its page needs none of them.
COMMON = {*anywidget.AnyWidget.class_trait_names(sync=True), "_esm", "_anywidget_id"}
DARK = {"auto": "@media (prefers-color-scheme: dark)", "dark": "@media all", "light": "@media not all"}
SCHEMES = {"auto": "light dark", "dark": "dark", "light": "light"}


def page(
    state: Mapping[str, Any],
    title: str,
    block: Callable[[int], bytes],
    size: int,
    above: str = "",
) -> str:
    """The page.

    Args:
        state: the widget's traits, bytes included.
        title: of the page.
        block: gives the answers in at most so many bytes.
        size: of the page in bytes, without the pictures in `state`.
        above: HTML above the view.
    """
    script = _script()
    room = (size - len(script.encode()) - FRAME_BYTES) * 3 // 4
    if room <= 0:
        raise KxError(f"A page of {size} bytes has no room for maps; give it more megabytes.")
    text = json.dumps({**state, "_snapshot": block(room)}, default=_binary)
    theme = str(state["theme"])
    return Template((FOLDER / "page.html").read_text("utf-8")).substitute(
        digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        title=escape(title),
        schemes=SCHEMES[theme],
        dark=DARK[theme],
        above=above,
        # Within a script element nothing but its end tag means anything, and without "<" there is none.
        state=text.replace("<", "\\u003c"),
        script=script,
    )


def page_state(widget: anywidget.AnyWidget) -> dict[str, Any]:
    """The traits that a widget's page needs."""
    return widget.get_state(list(set(widget.trait_names(sync=True)) - COMMON))


def _script() -> str:
    """The bundle without its export, and the host that the page is for it."""
    bundle, count = re.subn(
        r"export\s*\{\s*([\w$]+) as default\s*\};?\s*$", r"const widget=\1;", BUNDLE.read_text("utf-8")
    )
    if count != 1:
        raise KxError(f"{BUNDLE} does not end in its default export: build the front end again.")
    script = bundle + (FOLDER / "page.js").read_text("utf-8")
    return script.replace("</script", r"<\/script").replace("<!--", r"<\!--")


def _binary(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    return str(value)
