"""Saved pages of widgets, made of their states with the front end of today."""

import base64
import hashlib
import json
import re
from html import unescape

from kx_widget.widget.html import page

# The pictures and answers of a state are as many as they are.
NO_LIMIT = 1_000_000_000
SCRIPT = re.compile(r'<script type="module">(.*?)</script>', re.S)
POLICY = re.compile(r"script-src '[^']*'")


def page_of_state(text: str) -> str:
    """The page whose title and state `tools.site.tutorials` has written."""
    saved = json.loads(text)
    state = saved["state"]
    snapshot = base64.b64decode(state["_snapshot"]["base64"])
    return page(state, unescape(saved["title"]), lambda _: snapshot, NO_LIMIT)


def is_saved(text: str) -> bool:
    """Whether an HTML file is the saved page of a widget."""
    return '<script type="application/json" id="state">' in text and SCRIPT.search(text) is not None


def shared(text: str, folder: str) -> tuple[str, str, str]:
    """A saved page whose script is a file of its own, since all pages of a site have the same one.

    Args:
        text: the page.
        folder: where scripts are, relative to the page.

    Returns:
        The page, the name of the script's file, and the script. Pages that are opened as files can read it: it is no
        module, and their own host has no name.
    """
    match = SCRIPT.search(text)
    assert match, "a saved page holds its script"
    script = f'"use strict";(()=>{{{match[1]}}})();'
    name = f"widget-{hashlib.sha256(script.encode()).hexdigest()[:8]}.js"
    text = f'{text[: match.start()]}<script src="{folder}/{name}"></script>{text[match.end() :]}'
    return POLICY.sub("script-src 'self' file:", text, count=1), name, script
