"""Reads what a widget saved."""

import base64
import gzip
import json
from html.parser import HTMLParser

from tests.widget.decode import decode

HOSTILE = ["</script><img src=x onerror=alert(1)>", "<!--<script>", '"quoted" & co', "${x} $title \\u003c"]


def split(block):
    """Header and buffer."""
    data = gzip.decompress(block)
    length = int.from_bytes(data[:4], "little")
    return json.loads(data[4 : 4 + length]), data[-(-(4 + length) // 4) * 4 :]


def unpack(block):
    """Header and the maps of each answer."""
    header, buffer = split(block)
    maps = [[decode(item, buffer) for item in answer["items"]] for answer in header["answers"]]
    return header, maps


class Parsed(HTMLParser):
    """What a browser's parser sees."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.data, self.title, self.script = [("", {})], "", "", ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        self.tags.append(("", {}))

    def handle_data(self, data):
        tag, attrs = self.tags[-1]
        if tag == "title":
            self.title += data
        elif tag == "script" and attrs.get("id") == "state":
            self.data += data
        elif tag == "script":
            self.script += data


def block_of(state):
    return base64.b64decode(state["_snapshot"]["base64"])


def read_page(path):
    """State, header and the maps of each answer of a page."""
    state = json.loads(Parsed(path.read_text("utf-8")).data)
    return state, *unpack(block_of(state))


def buffer_of(path):
    """The buffer of a page's answers."""
    return split(block_of(json.loads(Parsed(path.read_text("utf-8")).data)))[1]
