"""docs/gallery.md shows every method, and is what `python -m tools.gallery` makes of its table."""

import os
import re

import pytest
from PIL import Image

import kx_widget as kx
from tools import gallery

STILLS = gallery.DOCUMENT.parent / "gallery"
STILL_BYTES = 60_000


def test_the_document_is_that_of_the_table():
    assert gallery.DOCUMENT.read_text(encoding="utf-8") == gallery.text()


def test_every_method_is_on_one_page():
    shown = [method for page in gallery.PAGES.values() for method in page.methods]
    assert sorted(shown) == sorted(kx.METHODS)
    links = re.findall(r'href="gallery/(\w+)\.html#method=(\w+)"', gallery.text())
    assert sorted(method for _, method in links) == sorted(kx.METHODS)
    assert all(method in gallery.PAGES[page].methods for page, method in links)


@pytest.mark.parametrize("document", ["gallery.md", "index.md"])
def test_pictures_and_pages_are_there(document):
    text = (gallery.DOCUMENT.parent / document).read_text(encoding="utf-8")
    pictures = re.findall(r'(?:src="|\]\()([\w/-]+\.webp)', text)
    assert pictures
    for picture in pictures:
        path = gallery.DOCUMENT.parent / picture
        assert path.stat().st_size <= STILL_BYTES
        Image.open(path).verify()
    assert set(re.findall(r"gallery/(\w+)\.html", text)) <= set(gallery.PAGES)


def test_pages_are_made_again_where_a_source_is_newer(tmp_path, monkeypatch):
    source, folder = tmp_path / "sources", tmp_path / "pages"
    for path in (source, folder):
        path.mkdir()
    (source / "engine.py").touch()
    made = []

    class Widget(kx.KxWidget):
        def __init__(self):
            pass

        def to_html(self, megabytes=1.0):
            made.append(megabytes)
            return "<p>"

        def close(self):
            pass

    monkeypatch.setattr(gallery, "PAGES", {"one": gallery.LivePage("One", "", Widget, 2.0)})
    monkeypatch.setattr(gallery, "FOLDER", folder)
    monkeypatch.setattr(gallery, "SOURCES", (source,))
    gallery.make_if_stale()
    gallery.make_if_stale()
    assert made == [2.0]
    later = (folder / "one.html").stat().st_mtime_ns + 10**9
    os.utime(source / "engine.py", ns=(later, later))
    gallery.make_if_stale()
    assert made == [2.0, 2.0]
