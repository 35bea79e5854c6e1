"""Saved pages of widgets, made of their states with the front end of today."""

import base64
import json
from html import unescape

from kx_widget.widget.html import page

# The pictures and answers of a state are as many as they are.
NO_LIMIT = 1_000_000_000


def page_of_state(text: str) -> str:
    """The page whose title and state `tools.site.tutorials` has written."""
    saved = json.loads(text)
    state = saved["state"]
    snapshot = base64.b64decode(state["_snapshot"]["base64"])
    return page(state, unescape(saved["title"]), lambda _: snapshot, NO_LIMIT)
